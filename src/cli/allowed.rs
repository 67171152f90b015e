//! What a scenario asks of the machine that runs it: variables with passwords, and places that are neither Services nor pods
//! of the cluster. A scenario may be a stranger's file, so each must be allowed on the command line, where no file can say it.

use driftproof::scenario::{DataCheck, Scenario, Store};

use super::args::Cluster;
use super::load::Loaded;

/// Variables that are meant for scenarios begin with it.
const PREFIX: &str = "DRIFTPROOF_";

/// What is asked for and not allowed: a message for each, with the flag that allows it. Nothing was started.
pub(super) fn refused(loaded: &[Loaded], cluster: &Cluster) -> Vec<String> {
    let mut messages = Vec::new();
    for one in loaded {
        let at = format!("{}: {}", one.path.display(), one.scenario.name);
        for (check, store) in stores(&one.scenario) {
            if let Some(name) = store.password_env.as_ref().filter(|name| !is_allowed_variable(name, cluster)) {
                messages.push(format!(
                    "{at}: data {check}: the variable {name} would be sent as a password: allow it by --password-env {name}, or give it a name that begins with {PREFIX}"
                ));
            }
            for address in addresses(store).filter(|address| !is_allowed_endpoint(address, cluster)) {
                let note = note(address).map(|note| format!(" ({note})")).unwrap_or_default();
                messages.push(format!(
                    "{at}: data {check}: {address} is neither a Service nor a pod of the cluster{note}: allow it by --allow-endpoint {address}"
                ));
            }
        }
    }
    messages
}

/// What a plan says of it, a line each.
pub(super) fn described(scenario: &Scenario) -> Vec<String> {
    let mut lines = Vec::new();
    for (check, store) in stores(scenario) {
        let places: Vec<&str> = addresses(store).collect();
        if !places.is_empty() {
            lines.push(format!("data {check} speaks to {}", places.join(", ")));
        }
        if let Some(name) = &store.password_env {
            lines.push(format!("data {check} sends the variable {name} as its password"));
        }
    }
    lines
}

fn stores(scenario: &Scenario) -> impl Iterator<Item = (&str, &Store)> {
    scenario.data.iter().filter_map(|check| match check {
        DataCheck::Store(data) => Some((data.name(), &data.store)),
        DataCheck::Set(_) | DataCheck::Volume(_) => None,
    })
}

fn addresses(store: &Store) -> impl Iterator<Item = &str> {
    store.endpoints.iter().chain(&store.sentinels).map(|endpoint| endpoint.address.as_str())
}

fn is_allowed_variable(name: &str, cluster: &Cluster) -> bool {
    name.starts_with(PREFIX) || cluster.password_env.iter().any(|allowed| allowed == name)
}

/// By `host:port`, or by the host alone for all its ports.
fn is_allowed_endpoint(address: &str, cluster: &Cluster) -> bool {
    let bare = bare(address);
    let same =
        |allowed: &String| bare.eq_ignore_ascii_case(self::bare(allowed)) || host(bare).eq_ignore_ascii_case(allowed);
    cluster.context.is_none() || cluster.allow_endpoint.iter().any(same)
}

/// Without scheme and path: `http://host:port/path` is `host:port`.
fn bare(address: &str) -> &str {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    rest.split(['/', '?', '#']).next().unwrap_or(rest)
}

fn host(bare: &str) -> &str {
    let host = bare.rsplit_once('@').map_or(bare, |(_, host)| host);
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    host.trim_start_matches('[').trim_end_matches(']')
}

/// Why a host deserves a second look.
fn note(address: &str) -> Option<&'static str> {
    let host = host(bare(address));
    if host.eq_ignore_ascii_case("localhost") {
        return Some("this very machine");
    }
    match host.parse::<std::net::IpAddr>().ok()? {
        ip if ip.is_loopback() => Some("this very machine"),
        std::net::IpAddr::V4(ip) if ip.is_link_local() => Some("link-local: clouds keep their metadata and keys there"),
        std::net::IpAddr::V6(ip) if ip.is_unicast_link_local() => Some("link-local: clouds keep their metadata there"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::cli::args::{Cli, Command};

    fn cluster(more: &[&str]) -> Cluster {
        let cli = Cli::try_parse_from([&["driftproof", "run", "x.toml"], more].concat()).expect("parses");
        let Command::Run(run) = cli.command else { panic!("not a run") };
        run.cluster
    }

    fn loaded(store: &str) -> Loaded {
        let text = format!(
            "name = \"x\"\n[target]\nnamespace = \"shop\"\nworkload = \"deployment/web\"\n[[fault]]\nkind = \"pod-kill\"\n[[data]]\nkind = \"register\"\nstore = {store}\n"
        );
        let scenario = driftproof::scenario::parse("x.toml", &text).expect("valid");
        Loaded { path: "x.toml".into(), scenario, manifests: Vec::new(), remarks: Vec::new(), skipped: Vec::new() }
    }

    const REDIS: &str =
        "{ kind = \"redis\", endpoints = [\"a=169.254.169.254:80\"], password_env = \"AWS_SECRET_ACCESS_KEY\" }";

    #[test]
    fn no_variable_and_no_place_is_taken_from_a_file_alone() {
        let messages = refused(&[loaded(REDIS)], &cluster(&["--context", "c"]));
        assert_eq!(messages.len(), 2, "{messages:?}");
        assert!(messages[0].contains("--password-env AWS_SECRET_ACCESS_KEY"), "{messages:?}");
        assert!(messages[1].contains("--allow-endpoint 169.254.169.254:80"), "{messages:?}");
        assert!(messages[1].contains("clouds keep their metadata"), "{messages:?}");
        let said = described(&loaded(REDIS).scenario).join("\n");
        assert!(said.contains("169.254.169.254:80") && said.contains("AWS_SECRET_ACCESS_KEY"), "{said}");
    }

    #[test]
    fn what_the_person_says_is_allowed() {
        let allow = ["--password-env", "AWS_SECRET_ACCESS_KEY", "--allow-endpoint"];
        for endpoint in ["169.254.169.254:80", "169.254.169.254"] {
            let arguments = [&["--context", "c"], &allow[..], &[endpoint]].concat();
            assert_eq!(refused(&[loaded(REDIS)], &cluster(&arguments)), [] as [String; 0]);
        }
        let arguments = [&["--context", "c"], &allow[..], &["169.254.169.254:8080"]].concat();
        assert_eq!(refused(&[loaded(REDIS)], &cluster(&arguments)).len(), 1);
        let own = "{ kind = \"redis\", service = \"redis:6379\", password_env = \"DRIFTPROOF_REDIS\" }";
        assert_eq!(refused(&[loaded(own)], &cluster(&["--context", "c"])), [] as [String; 0]);
    }

    #[test]
    fn a_host_is_what_is_connected_to() {
        for (address, wanted) in [
            ("http://user@evil.example:80/x", "evil.example"),
            ("[::1]:6379", "::1"),
            ("db.example:5432", "db.example"),
            ("http://10.0.0.1", "10.0.0.1"),
        ] {
            assert_eq!(host(bare(address)), wanted);
        }
        assert!(
            note("http://[fe80::1]:80/").is_some() && note("LOCALHOST:1").is_some() && note("10.0.0.1:1").is_none()
        );
    }
}
