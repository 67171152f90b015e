//! Image pulls: serial, sized, remembered, refused.

use serde_json::json;

use super::*;

#[test]
fn pulls_of_a_node_are_serial_and_take_size_over_bandwidth() {
    let mut state = cluster();
    for (name, image) in [("a", "a:1"), ("b", "b:1")] {
        let size = json!({ "embedded.driftproof.dev/image-size": "250Mi" });
        pod(&mut state, name, &size, &main(&json!({ "image": image })));
    }
    let first = until(&mut state, 30.0, |state| ready(state, "a"));
    let second = first + until(&mut state, 30.0, |state| ready(state, "b"));
    // 250 MiB at 50 MiB/s, and at most two seconds for sandbox, start and relist.
    assert!((5.0..7.0).contains(&first) && (10.0..12.0).contains(&second), "{first} {second}");
}

#[test]
fn an_image_on_the_disk_is_pulled_again_only_by_policy_always() {
    for (policy, wanted) in [("IfNotPresent", 1), ("Always", 2)] {
        let mut state = cluster();
        for name in ["a", "b"] {
            pod(&mut state, name, &json!({}), &main(&json!({ "imagePullPolicy": policy })));
            until(&mut state, 20.0, |state| ready(state, name));
        }
        let pulls = ["a", "b"].iter().filter(|name| reasons(&state, name).contains(&"Pulling".to_owned())).count();
        assert_eq!(pulls, wanted, "{policy}");
        let id = |name| status(&state, name, "/containerStatuses/0/imageID");
        assert_eq!(id("a"), id("b"));
    }
}

#[test]
fn an_image_that_is_nowhere_is_backed_off() {
    let mut state = cluster();
    pod(&mut state, "bad", &json!({ "embedded.driftproof.dev/image-missing": "true" }), &json!({}));
    until(&mut state, 5.0, |state| waiting(state, "bad") == "ErrImagePull");
    until(&mut state, 2.0, |state| waiting(state, "bad") == "ImagePullBackOff");
    until(&mut state, 20.0, |state| waiting(state, "bad") == "ErrImagePull");
    assert_eq!(status(&state, "bad", "/phase"), "Pending");
}

#[test]
fn images_that_are_never_pulled_are_taken_as_present() {
    for (preloaded, absent, wanted) in
        [(true, "false", ""), (true, "true", "ErrImageNeverPull"), (false, "false", "ErrImageNeverPull")]
    {
        let mut state = cluster();
        state.settings.images_preloaded = preloaded;
        let annotations = json!({ "embedded.driftproof.dev/image-missing": absent });
        pod(&mut state, "never", &annotations, &main(&json!({ "imagePullPolicy": "Never" })));
        run(&mut state, 5.0);
        assert_eq!((waiting(&state, "never").as_str(), ready(&state, "never")), (wanted, wanted.is_empty()));
    }
}
