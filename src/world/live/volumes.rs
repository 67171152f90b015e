//! Volumes of a live cluster: read and written by commands in the pod that mounts them.

use std::time::Duration;

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;

use super::exec::{self, Limits};
use crate::world::{Volumes, digest_of};

/// The digests of a large volume are read at the speed of its disk; the list of a million files is smaller than this.
const LIMITS: Limits = Limits { time: Duration::from_secs(900), bytes: 128 << 20 };

/// `exec` into pods; needs `sh`, `find` and `sha256sum` there.
pub(super) struct Exec {
    pub(super) client: kube::Client,
}

impl Exec {
    async fn shell(
        &self,
        namespace: &str,
        pod: &str,
        script: &str,
        path: &str,
        input: Option<&str>,
    ) -> Result<String, String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let wrong = |error: &dyn std::fmt::Display| format!("exec in pod {namespace}/{pod}: {error}");
        // The path is an argument, never part of the script.
        let command = ["sh", "-c", script, "sh", path];
        let input = input.map(str::as_bytes);
        let ended = exec::run(&pods, pod, None, &command, input, LIMITS).await.map_err(|error| wrong(&error))?;
        if ended.code == 0 { Ok(ended.stdout) } else { Err(wrong(&ended.stderr.trim())) }
    }
}

impl Volumes for Exec {
    fn digest<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
    ) -> BoxFuture<'a, Result<(String, u64), String>> {
        const LIST: &str = "cd \"$1\" && find . -type f -exec sha256sum {} +";
        async move {
            let listing = self.shell(namespace, pod, LIST, path, None).await?;
            let files = listing.lines().filter_map(|line| {
                let (hash, file) = line.split_once("  ")?;
                Some((file.trim_start_matches("./").to_owned(), hash.to_owned()))
            });
            Ok(digest_of(files.collect()))
        }
        .boxed()
    }

    fn write<'a>(
        &'a self,
        namespace: &'a str,
        pod: &'a str,
        path: &'a str,
        file: &'a str,
        content: &'a str,
    ) -> BoxFuture<'a, Result<(), String>> {
        async move {
            let full = format!("{}/{file}", path.trim_end_matches('/'));
            self.shell(namespace, pod, "cat > \"$1\" && sync", &full, Some(content)).await.map(drop)
        }
        .boxed()
    }
}
