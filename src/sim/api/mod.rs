//! The API server: HTTP requests in, Kubernetes answers out, as a tower `Service` for `kube::Client::new`.

pub mod error;
