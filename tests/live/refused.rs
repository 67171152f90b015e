//! Runs that must not begin: nothing is asked of a cluster that was not named, nothing is changed without every right.

use driftproof::sim::{Kind, Settings};
use tokio::net::TcpListener;

use crate::lab::{Ended, Lab, settings};

const PARTITION: &str = "[[fault]]\nkind = \"network-partition\"\ndirection = \"ingress\"\nhold = \"4s\"\n";

/// A run against a kubeconfig that leads to `url`.
async fn at(lab: &Lab, url: &str) -> Ended {
    lab.kubeconfig("elsewhere", url);
    lab.call(&["run", "scenario.toml", "--context", "lab", "--kubeconfig", "elsewhere", "--report-dir", "out"]).await
}

#[tokio::test]
async fn missing_rights_are_listed_before_anything_is_touched() {
    let denied = [("create", "networkpolicies"), ("get", "services/proxy")];
    let denied = denied.map(|(verb, resource)| (verb.to_owned(), resource.to_owned())).to_vec();
    let lab = Lab::start(Settings { denied, ..settings() }).await;
    lab.scenario(PARTITION);
    let ended = lab.run(&["--apply-fixtures"]).await.expect(2);
    for line in
        ["nothing was started", "create networkpolicies.networking.k8s.io in shop", "get services/proxy in shop"]
    {
        assert!(ended.said().contains(line), "`{line}` is missing: {}", ended.said());
    }
    assert_eq!(lab.changes(), [] as [String; 0]);
}

#[tokio::test]
async fn probes_from_inside_need_an_agent_that_can_be_met() {
    let lab = Lab::start(settings()).await;
    lab.deploy().await;
    let probe = |from: &str| {
        let probe = format!("[[probe]]\nname = \"inside\"\nkind = \"http\"\nservice = \"web:80\"\nfrom = {from}\n");
        format!("{probe}[[fault]]\nkind = \"pod-kill\"\n")
    };
    lab.scenario(&probe("{ workload = \"deployment/web\" }"));
    let ended = lab.run(&[]).await.expect(2);
    assert!(ended.said().contains("probe inside") && ended.said().contains("from = \"cluster\""), "{}", ended.said());
    assert_eq!(lab.changes(), [] as [String; 0]);

    lab.scenario(&probe("\"cluster\""));
    let ended = lab.run(&["--agent-image", "nobody/driftproof:1"]).await.expect(2);
    for part in ["agent shop/driftproof-agent-", "attach", "--agent-image", "nothing was injected"] {
        assert!(ended.said().contains(part), "`{part}` is missing: {}", ended.said());
    }
    assert!(lab.ours().is_empty(), "left behind: {:?}", lab.ours());
}

#[tokio::test]
async fn fixtures_are_not_created_unasked() {
    let lab = Lab::start(settings()).await;
    lab.scenario(PARTITION);
    let ended = lab.run(&[]).await.expect(2);
    assert!(ended.said().contains("shop"), "{}", ended.said());
    assert!(!lab.has(Kind::Namespace, "", "shop"));
    assert!(lab.ours().is_empty(), "{:?}", lab.ours());
}

#[tokio::test]
async fn a_server_that_cannot_be_used_is_named() {
    let lab = Lab::start(settings()).await;
    lab.scenario(PARTITION);
    // The https one also needs one, and only one, TLS provider.
    for url in ["http://127.0.0.1:1", "https://127.0.0.1:1"] {
        let ended = at(&lab, url).await.expect(2);
        assert!(ended.said().contains("context lab: the API server does not answer"), "{}", ended.said());
        assert!(ended.said().contains("refused"), "{}", ended.said());
    }
    // Takes connections and says nothing.
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let ended = at(&lab, &format!("http://{}", silent.local_addr().expect("bound"))).await.expect(2);
    assert!(ended.said().contains("nothing within 10s"), "{}", ended.said());
}

#[tokio::test]
async fn only_a_cluster_that_is_named_is_asked() {
    let lab = Lab::start(settings()).await;
    lab.scenario(PARTITION);
    let config = lab.path("kubeconfig");
    let text = lab.read("kubeconfig").replace("current-context: trap", "current-context: lab");
    lab.write("kubeconfig", &text);
    let run = ["run", "scenario.toml", "--report-dir", "out"];
    let child = lab.command(&run).env("KUBECONFIG", &config).spawn().expect("the command starts");
    Lab::end(child).await.expect(0);
    assert!(lab.read("out/report.md").contains("embedded cluster, simulated"));

    let named = [&run, ["--context", "typo"].as_slice()].concat();
    let child = lab.command(&named).env("KUBECONFIG", &config).spawn().expect("the command starts");
    let ended = Lab::end(child).await.expect(2);
    assert!(ended.said().contains("context typo"), "{}", ended.said());
    assert_eq!(lab.requests(), []);
}
