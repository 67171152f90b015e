//! Scenarios that a stranger proposes: what they name on the machine that judges them is neither read nor repeated.

use std::fs;
use std::os::unix::fs::symlink;

use super::{driftproof, said};

/// What must be seen nowhere.
const CANARY: &str = "canary-token-7f3a";

fn scenario(manifest: &str) -> String {
    format!(
        "name = \"s\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[fixture]\nmanifests = [\"{manifest}\"]\n\
         [[fault]]\nkind = \"pod-kill\"\n"
    )
}

#[test]
fn files_of_the_machine_are_not_shown_as_bad_manifests() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let secret = home.path().join(".netrc");
    fs::write(&secret, format!("machine example login me password {CANARY}\n")).expect("written");
    fs::write(folder.path().join(".env"), format!("TOKEN={CANARY}\n")).expect("written");
    fs::write(folder.path().join("one-line.json"), format!("{{\"token\":\"{CANARY}\"}}\n")).expect("written");
    symlink(&secret, folder.path().join("link.yaml")).expect("linked");
    fs::create_dir(folder.path().join("k8s")).expect("made");
    symlink(&secret, folder.path().join("k8s/a.yaml")).expect("linked");
    symlink(home.path(), folder.path().join("home")).expect("linked");
    let outside = secret.display().to_string();
    for manifest in
        ["/proc/self/environ", outside.as_str(), "link.yaml", "k8s", "home", ".env", "one-line.json", "/dev/zero"]
    {
        fs::write(folder.path().join("s.toml"), scenario(manifest)).expect("written");
        for command in ["validate", "plan", "run"] {
            let output = driftproof(folder.path(), &[command, "s.toml"]);
            assert_eq!(output.status.code(), Some(2), "{command} {manifest}: {}", said(&output));
            assert!(!said(&output).contains(CANARY), "{command} {manifest}: {}", said(&output));
            assert!(!said(&output).contains("PATH="), "{command} {manifest}: {}", said(&output));
        }
    }
}

#[test]
fn a_scenario_that_is_a_link_to_a_file_elsewhere_is_not_shown() {
    let (folder, home) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let secret = home.path().join("credentials");
    fs::write(&secret, format!("aws_secret_access_key = {CANARY}\n")).expect("written");
    fs::create_dir(folder.path().join("scenarios")).expect("made");
    symlink(&secret, folder.path().join("scenarios/z.toml")).expect("linked");
    symlink("/dev/zero", folder.path().join("scenarios/zero.toml")).expect("linked");
    for path in ["scenarios", "scenarios/z.toml", "scenarios/zero.toml"] {
        let output = driftproof(folder.path(), &["validate", path]);
        assert_eq!(output.status.code(), Some(2), "{path}: {}", said(&output));
        assert!(!said(&output).contains(CANARY), "{path}: {}", said(&output));
    }
}

#[test]
fn no_variable_and_no_place_is_used_that_the_person_has_not_allowed() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = "[[data]]\nkind = \"register\"\nstore = { kind = \"redis\", endpoints = [\"a=169.254.169.254:80\"], password_env = \"PATH\" }\n";
    fs::write(folder.path().join("s.toml"), format!("{}{store}", scenario("web.yaml"))).expect("written");
    fs::copy(super::scenario("fixtures/web.yaml"), folder.path().join("web.yaml")).expect("copied");
    // Refused before the cluster is so much as looked for.
    let output = driftproof(folder.path(), &["run", "s.toml", "--context", "none", "--yes"]);
    assert_eq!(output.status.code(), Some(2), "{}", said(&output));
    for hint in ["--password-env PATH", "--allow-endpoint 169.254.169.254:80", "metadata"] {
        assert!(said(&output).contains(hint), "{hint}: {}", said(&output));
    }
}
