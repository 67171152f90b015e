//! Image references: what they mean in full, their digest, their size. Pure.

use sha2::{Digest, Sha256};

use crate::Object;

/// Annotation with the size of a pod's images, as a Kubernetes quantity; `<this>.<container>` for one container.
const SIZE: &str = "embedded.driftproof.dev/image-size";
/// Annotation that makes a pod's pulls fail.
const MISSING: &str = "embedded.driftproof.dev/image-missing";

/// The `imageID` of a reference: its repository and the digest that the embedded registry gives it.
pub(super) fn image_id(reference: &str) -> String {
    let full = full(reference);
    if let Some((repository, digest)) = full.split_once('@') {
        return format!("{}@{digest}", without_tag(repository));
    }
    format!("{}@sha256:{}", without_tag(&full), hex(&full))
}

/// The `containerID` of a container's run.
pub(super) fn container_id(uid: &str, name: &str, launch: u32) -> String {
    format!("containerd://{}", hex(&format!("{uid}/{name}/{launch}")))
}

fn hex(text: &str) -> String {
    let digit = |half: u8| char::from_digit(u32::from(half), 16).unwrap_or('0');
    Sha256::digest(text.as_bytes()).iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

fn without_tag(reference: &str) -> &str {
    match reference.rsplit_once(':') {
        Some((head, tag)) if !tag.contains('/') => head,
        Some(_) | None => reference,
    }
}

/// The reference with registry, repository and tag: `nginx` is `docker.io/library/nginx:latest`.
fn full(reference: &str) -> String {
    let first = reference.split('/').next().unwrap_or_default();
    let registry = reference.contains('/') && (first.contains(['.', ':']) || first == "localhost");
    let named = match (registry, reference.contains('/')) {
        (true, _) => reference.to_owned(),
        (false, true) => format!("docker.io/{reference}"),
        (false, false) => format!("docker.io/library/{reference}"),
    };
    if named.contains('@') || without_tag(&named) != named { named } else { format!("{named}:latest") }
}

/// `imagePullPolicy` when the manifest names none: `Always` for the tag `latest`.
pub(super) fn default_policy(reference: &str) -> &'static str {
    let full = full(reference);
    if !full.contains('@') && full.ends_with(":latest") { "Always" } else { "IfNotPresent" }
}

/// Size of a container's image in bytes, when the pod says so.
pub(super) fn size(pod: &Object, container: &str) -> Option<u64> {
    bytes(pod.annotation(&format!("{SIZE}.{container}")).or_else(|| pod.annotation(SIZE))?)
}

/// Whether the registry does not have the pod's images.
pub(super) fn missing(pod: &Object) -> bool {
    pod.annotation(MISSING) == Some("true")
}

/// Reads an amount of bytes such as `250Mi`, `1G` or `1500`.
fn bytes(text: &str) -> Option<u64> {
    let digits = text.find(|letter: char| !letter.is_ascii_digit()).unwrap_or(text.len());
    let (amount, unit) = text.split_at(digits);
    let factor: u64 = match unit {
        "" => 1,
        "k" => 1000,
        "M" => 1_000_000,
        "G" => 1_000_000_000,
        "Ki" => 1 << 10,
        "Mi" => 1 << 20,
        "Gi" => 1 << 30,
        _ => return None,
    };
    amount.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_completed_as_docker_does() {
        for (short, wanted) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("nginx:1.27", "docker.io/library/nginx:1.27"),
            ("shop/web", "docker.io/shop/web:latest"),
            ("ghcr.io/shop/web:2", "ghcr.io/shop/web:2"),
            ("localhost:5000/web", "localhost:5000/web:latest"),
            ("web@sha256:ab", "docker.io/library/web@sha256:ab"),
        ] {
            assert_eq!(full(short), wanted);
        }
    }

    #[test]
    fn one_reference_has_one_digest() {
        assert_eq!(image_id("nginx"), image_id("docker.io/library/nginx:latest"));
        assert_ne!(image_id("nginx:1"), image_id("nginx:2"));
        assert_eq!(image_id("r.io/web:1@sha256:ab"), "r.io/web@sha256:ab");
        assert!(image_id("localhost:5000/web").starts_with("localhost:5000/web@sha256:"));
    }

    #[test]
    fn only_latest_is_always_pulled() {
        let policies = ["web", "web:latest", "web:1", "web@sha256:ab"].map(default_policy);
        assert_eq!(policies, ["Always", "Always", "IfNotPresent", "IfNotPresent"]);
    }

    #[test]
    fn sizes_are_quantities() {
        let sizes = ["1500", "250Mi", "1G", "x", "1.5Gi", ""].map(bytes);
        assert_eq!(sizes, [Some(1500), Some(250 << 20), Some(1_000_000_000), None, None, None]);
    }
}
