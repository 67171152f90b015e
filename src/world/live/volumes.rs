//! Volumes of a live cluster: read and written by commands in the pod that mounts them.

use futures::FutureExt;
use futures::future::BoxFuture;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use kube::api::AttachParams;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use crate::world::{Volumes, digest_of};

/// `exec` into pods; needs `sh`, `find` and `sha256sum` there.
pub(super) struct Exec {
    pub(super) client: kube::Client,
}

impl Exec {
    async fn shell(&self, namespace: &str, pod: &str, script: &str, path: &str, input: &str) -> Result<String, String> {
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), namespace);
        let wrong = |error: &dyn std::fmt::Display| format!("exec in pod {namespace}/{pod}: {error}");
        // The path is an argument, never part of the script.
        let command = ["sh", "-c", script, "sh", path];
        let params = AttachParams::default().stdin(true).stdout(true).stderr(true);
        let mut process = pods.exec(pod, command, &params).await.map_err(|error| wrong(&error))?;
        if let Some(mut stdin) = process.stdin() {
            stdin.write_all(input.as_bytes()).await.map_err(|error| wrong(&error))?;
            stdin.shutdown().await.map_err(|error| wrong(&error))?;
        }
        let (mut output, mut complaint) = (String::new(), String::new());
        let stdout = process.stdout();
        let stderr = process.stderr();
        let status = process.take_status();
        if let Some(mut stdout) = stdout {
            stdout.read_to_string(&mut output).await.map_err(|error| wrong(&error))?;
        }
        if let Some(mut stderr) = stderr {
            stderr.read_to_string(&mut complaint).await.map_err(|error| wrong(&error))?;
        }
        let status = match status {
            Some(status) => status.await,
            None => None,
        };
        match status.and_then(|status| status.status) {
            Some(word) if word == "Success" => Ok(output),
            _ => Err(wrong(&complaint.trim())),
        }
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
            let listing = self.shell(namespace, pod, LIST, path, "").await?;
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
            self.shell(namespace, pod, "cat > \"$1\" && sync", &full, content).await.map(drop)
        }
        .boxed()
    }
}
