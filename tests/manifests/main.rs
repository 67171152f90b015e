//! Real manifests on the embedded cluster: what `kubectl apply` takes runs, what the API server refuses is refused before anything
//! starts, with file and line.

mod api;
