//! Planted secrets: in fixtures, in a kubeconfig, in the address of Prometheus. None may come back in anything that is
//! written or said, however much is said.

use std::fs;

use super::{driftproof, files, said, scenario};

const CANARIES: [&str; 6] = [
    "canary-secret-7Q",
    "Y2FuYXJ5LXNlY3JldC03UQ",
    "canary-token-8R",
    "canary-password-9S",
    "canary-prom-4T",
    "canary-config-5U",
];

#[track_caller]
fn silent(what: &str, text: &str) {
    for canary in CANARIES {
        assert!(!text.contains(canary), "{canary} is in {what}");
    }
}

#[test]
fn contents_of_secrets_and_configuration_stay_on_the_cluster() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    let text = fs::read_to_string(scenario("pod-kill-one.toml")).expect("readable");
    let web = fs::read_to_string(scenario("fixtures/web.yaml")).expect("readable");
    let planted = "---\napiVersion: v1\nkind: Secret\nmetadata: { name: web-key, namespace: shop }\nstringData: { key: canary-secret-7Q }\ndata: { more: Y2FuYXJ5LXNlY3JldC03UQ== }\n---\napiVersion: v1\nkind: ConfigMap\nmetadata: { name: web-conf, namespace: shop }\ndata: { conf: canary-config-5U }\n";
    fs::create_dir(folder.path().join("fixtures")).expect("created");
    fs::write(folder.path().join("fixtures/web.yaml"), format!("{web}\n{planted}")).expect("written");
    let expect = "[expect]\nsame_after = [\"config\", \"spec\", \"leftovers\"]\n";
    let head = text.split("[expect]").next().unwrap_or_default();
    fs::write(folder.path().join("s.toml"), format!("{head}{expect}")).expect("written");
    let run = driftproof(folder.path(), &["run", "s.toml", "-vvv", "--report-dir", "out"]);
    assert!(run.status.success(), "{}", said(&run));
    silent("what the run said", &said(&run));
    let written = files(&folder.path().join("out"));
    assert!(written.len() >= 5, "{written:?}");
    for (name, text) in written {
        silent(&name, &text);
    }
}

#[test]
fn a_kubeconfig_and_the_address_of_prometheus_are_not_repeated() {
    let folder = tempfile::tempdir().expect("a scratch folder");
    for user in ["token: canary-token-8R", "username: admin\n    password: canary-password-9S"] {
        let config = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: c\n  cluster: {{ server: 'http://127.0.0.1:1' }}\ncontexts:\n- name: here\n  context: {{ cluster: c, user: u }}\nusers:\n- name: u\n  user:\n    {user}\n"
        );
        fs::write(folder.path().join("config"), config).expect("written");
        let run = driftproof(
            folder.path(),
            &[
                "run",
                &scenario("pod-kill-one.toml"),
                "--context",
                "here",
                "--kubeconfig",
                "config",
                "-vvv",
                "--prometheus",
                "http://user:canary-prom-4T@127.0.0.1:1/",
                "--report-dir",
                "out",
            ],
        );
        assert!(!run.status.success());
        silent("what a refused run said", &said(&run));
        if folder.path().join("out").exists() {
            for (name, text) in files(&folder.path().join("out")) {
                silent(&name, &text);
            }
        }
    }
}
