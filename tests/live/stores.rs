//! What a run says of the keys that it has written into a store, or may have.

use tokio::io::AsyncReadExt;
use tokio::net::TcpListener;
use tokio::process::{Child, Command};

use crate::lab::{Ended, Lab, settings};

fn check(kind: &str, address: &str) -> String {
    format!(
        "[[data]]\nname = \"{kind}\"\nkind = \"register\"\nrate = 20\ntimeout = \"200ms\"\n\
         store = {{ kind = \"{kind}\", endpoints = [\"a={address}\"] }}\n"
    )
}

/// A run that is in the middle of its partition.
async fn begun(checks: &str) -> (Lab, Child) {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    lab.scenario(&format!("{checks}[[fault]]\nkind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"5m\"\n"));
    let child = lab.begin(&[]);
    lab.until("the policy", |lab| lab.ours().iter().any(|ours| ours.starts_with("NetworkPolicy"))).await;
    (lab, child)
}

/// Such a run, stopped.
async fn stopped(checks: &str) -> Ended {
    let (_lab, child) = begun(checks).await;
    let id = child.id().expect("it still runs").to_string();
    assert!(Command::new("kill").args(["-TERM", &id]).status().await.expect("kill").success());
    Lab::end(child).await
}

#[tokio::test]
async fn a_store_that_was_never_reached_has_nothing_left_in_it() {
    // Nobody listens there.
    let checks = ["etcd", "redis", "postgres"].map(|kind| check(kind, "127.0.0.1:1")).concat();
    let ended = stopped(&checks).await.expect(3);
    assert!(!ended.out.contains("may be left") && !ended.err.contains("may be left"), "{}", ended.out);
}

#[tokio::test]
async fn a_store_that_never_answers_may_keep_what_it_was_sent() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let _ = stream.read(&mut [0; 1024]).await;
        }
    });
    let ended = stopped(&check("etcd", &address)).await.expect(4);
    assert!(ended.out.contains("data etcd: keys that begin with driftproof-"), "{}", ended.out);
}

#[tokio::test]
async fn a_record_tells_which_keys_a_killed_run_may_have_left() {
    let (lab, mut child) = begun(&check("redis", "127.0.0.1:1")).await;
    child.kill().await.expect("killed");

    let shown = lab.undo(&["--dry-run"]).await.expect(3);
    let done = lab.undo(&["--run", Lab::shown(&shown.out)]).await.expect(0);
    for out in [shown.out, done.out] {
        let told = out.lines().find(|line| line.contains("may be left in the store of data redis, redis at a"));
        let told = told.unwrap_or_else(|| panic!("nothing is said of the keys: {out}"));
        assert!(told.contains("redis-cli --scan --pattern 'driftproof-"), "{told}");
    }
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}
