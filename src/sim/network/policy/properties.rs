//! Laws of NetworkPolicy that hold for whatever policies there are.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::{
    Block, End, Labels, Peer, Policies, Policy, PortMatch, PortRange, Protocol, Requirement, Rule, Selector, allowed,
};

const KEYS: [&str; 2] = ["app", "tier"];
const VALUES: [&str; 2] = ["a", "b"];
const NAMESPACES: [&str; 2] = ["one", "two"];

/// A pod in few dimensions, so that policies hit often.
#[derive(Clone, Debug)]
struct Pod {
    uid: String,
    namespace: &'static str,
    namespace_labels: Labels,
    labels: Labels,
    ip: IpAddr,
}

impl Pod {
    fn end(&self) -> End<'_> {
        End::Pod {
            uid: &self.uid,
            namespace: self.namespace,
            namespace_labels: &self.namespace_labels,
            labels: &self.labels,
            ports: &[],
            ip: Some(self.ip),
        }
    }
}

fn any_labels() -> impl Strategy<Value = Labels> {
    prop::collection::btree_map(
        prop::sample::select(&KEYS[..]).prop_map(str::to_owned),
        prop::sample::select(&VALUES[..]).prop_map(str::to_owned),
        0..3,
    )
}

fn any_pod(uid: &'static str) -> impl Strategy<Value = Pod> {
    (prop::sample::select(&NAMESPACES[..]), any_labels(), 0..4_u8).prop_map(move |(namespace, labels, last)| Pod {
        uid: uid.to_owned(),
        namespace,
        namespace_labels: Labels::from([("name".to_owned(), namespace.to_owned())]),
        labels,
        ip: IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)),
    })
}

fn any_selector() -> impl Strategy<Value = Selector> {
    let key = || prop::sample::select(&KEYS[..]).prop_map(str::to_owned);
    let value = || prop::sample::select(&VALUES[..]).prop_map(|value| vec![value.to_owned()]);
    let requirement = prop_oneof![
        (key(), value()).prop_map(|(key, values)| Requirement::In(key, values)),
        (key(), value()).prop_map(|(key, values)| Requirement::NotIn(key, values)),
        key().prop_map(Requirement::Exists),
        key().prop_map(Requirement::DoesNotExist),
    ];
    prop::collection::vec(requirement, 0..2).prop_map(Selector)
}

fn any_peer() -> impl Strategy<Value = Peer> {
    let block = || (0..4_u8, 30..33_u8).prop_map(|(last, prefix)| Block::parse(&format!("10.0.0.{last}/{prefix}")));
    prop_oneof![
        (prop::option::of(any_selector()), any_selector())
            .prop_map(|(namespaces, pods)| Peer::Pods { namespaces, pods }),
        (block(), prop::option::of(block())).prop_map(|(within, except)| match within {
            Some(within) => Peer::Block { within, except: except.into_iter().flatten().collect() },
            None => Peer::Nobody,
        }),
    ]
}

fn any_rule() -> impl Strategy<Value = Rule> {
    let port = (1..4_i32, 0..2_i32).prop_map(|(first, more)| PortMatch {
        protocol: Some(Protocol::Tcp),
        ports: PortRange::Numbers(first, first + more),
    });
    (prop::collection::vec(any_peer(), 0..3), prop::collection::vec(port, 0..2))
        .prop_map(|(peers, ports)| Rule { peers, ports })
}

fn any_policy() -> impl Strategy<Value = (&'static str, Policy)> {
    let rules = || prop::option::of(prop::collection::vec(any_rule(), 0..3));
    (prop::sample::select(&NAMESPACES[..]), any_selector(), rules(), rules())
        .prop_map(|(namespace, pods, ingress, egress)| (namespace, Policy { pods, ingress, egress }))
}

fn collect(policies: &[(&'static str, Policy)]) -> Policies {
    let mut all = Policies::default();
    for (index, (namespace, policy)) in policies.iter().enumerate() {
        all.insert(namespace, &format!("p{index}"), policy.clone());
    }
    all
}

proptest! {
    /// One more rule in a policy that already isolates never blocks what passed.
    #[test]
    fn a_rule_more_never_blocks(
        policies in prop::collection::vec(any_policy(), 1..4),
        which in any::<prop::sample::Index>(),
        outgoing in any::<bool>(),
        rule in any_rule(),
        from in any_pod("from"),
        to in any_pod("to"),
        port in 1..5_u16,
    ) {
        let before = allowed(&collect(&policies), &from.end(), &to.end(), port, Protocol::Tcp);
        let mut more = policies;
        let at = which.index(more.len());
        let policy = &mut more[at].1;
        let rules = if outgoing { policy.egress.as_mut() } else { policy.ingress.as_mut() };
        prop_assume!(rules.is_some());
        if let Some(rules) = rules {
            rules.push(rule);
        }
        let after = allowed(&collect(&more), &from.end(), &to.end(), port, Protocol::Tcp);
        prop_assert!(!before || after);
    }

    /// One more policy for pods that are isolated already never blocks what passed.
    #[test]
    fn a_policy_more_never_blocks_isolated_pods(
        policies in prop::collection::vec(any_policy(), 0..3),
        extra in any_policy(),
        from in any_pod("from"),
        to in any_pod("to"),
        port in 1..5_u16,
    ) {
        let closed = Policy { pods: Selector::default(), ingress: Some(Vec::new()), egress: Some(Vec::new()) };
        let isolated = NAMESPACES.map(|namespace| (namespace, closed.clone()));
        let fewer: Vec<_> = policies.into_iter().chain(isolated).collect();
        let more: Vec<_> = fewer.iter().cloned().chain([extra]).collect();
        let pass = |policies: &[_]| allowed(&collect(policies), &from.end(), &to.end(), port, Protocol::Tcp);
        prop_assert!(!pass(&fewer) || pass(&more));
    }

    /// A pod always reaches itself.
    #[test]
    fn a_pod_reaches_itself(
        policies in prop::collection::vec(any_policy(), 0..4),
        pod in any_pod("pod"),
        port in 1..5_u16,
    ) {
        prop_assert!(allowed(&collect(&policies), &pod.end(), &pod.end(), port, Protocol::Tcp));
    }

    /// A packet passes exactly when the sender's side alone and the receiver's side alone let it pass.
    #[test]
    fn both_ends_must_agree(
        policies in prop::collection::vec(any_policy(), 0..5),
        from in any_pod("from"),
        to in any_pod("to"),
        port in 1..5_u16,
    ) {
        let pass = |policies: &[_]| allowed(&collect(policies), &from.end(), &to.end(), port, Protocol::Tcp);
        let only = |keep: fn(&mut Policy)| -> Vec<_> {
            policies.iter().cloned().map(|(namespace, mut policy)| {
                keep(&mut policy);
                (namespace, policy)
            }).collect()
        };
        let sender = pass(&only(|policy| policy.ingress = None));
        let receiver = pass(&only(|policy| policy.egress = None));
        prop_assert_eq!(pass(&policies), sender && receiver);
    }

    /// Policies of third namespaces concern nobody here.
    #[test]
    fn a_third_namespace_does_not_matter(
        policies in prop::collection::vec(any_policy(), 0..3),
        stranger in any_policy(),
        from in any_pod("from"),
        to in any_pod("to"),
        port in 1..5_u16,
    ) {
        let mut with = collect(&policies);
        with.insert("three", "stranger", stranger.1);
        let without = collect(&policies);
        let pass = |policies: &Policies| allowed(policies, &from.end(), &to.end(), port, Protocol::Tcp);
        prop_assert_eq!(pass(&with), pass(&without));
    }
}
