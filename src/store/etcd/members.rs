//! The members of a cluster: the gateway's calls that list, add, promote and remove them, as bodies and answers. Sends
//! nothing and decides nothing.

use serde_json::{Value as Json, json};

/// One call to a member about members.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Admin {
    /// The list as the majority has it.
    List,
    /// The list as the member that is asked has it.
    OwnList,
    /// The state of the member that is asked.
    Status,
    /// Add a learner with this peer URL.
    AddLearner(String),
    /// Make a learner a voting member. etcd refuses while it has not caught up.
    Promote(u64),
    /// Remove a member.
    Remove(u64),
    /// Hand the leadership over to this member; only the leader can.
    MoveLeader(u64),
}

impl Admin {
    /// The path of the gateway; the method is POST.
    #[must_use]
    pub const fn path(&self) -> &'static str {
        match self {
            Self::List | Self::OwnList => "/v3/cluster/member/list",
            Self::Status => "/v3/maintenance/status",
            Self::AddLearner(_) => "/v3/cluster/member/add",
            Self::Promote(_) => "/v3/cluster/member/promote",
            Self::Remove(_) => "/v3/cluster/member/remove",
            Self::MoveLeader(_) => "/v3/maintenance/transfer-leadership",
        }
    }

    /// The body. 64-bit numbers are text in the gateway.
    #[must_use]
    pub fn body(&self) -> Json {
        match self {
            Self::List => json!({ "linearizable": true }),
            Self::OwnList => json!({ "linearizable": false }),
            Self::Status => json!({}),
            Self::AddLearner(url) => json!({ "peerURLs": [url], "isLearner": true }),
            Self::Promote(id) | Self::Remove(id) => json!({ "ID": id.to_string() }),
            Self::MoveLeader(id) => json!({ "targetID": id.to_string() }),
        }
    }
}

/// A member as a list has it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Member {
    /// Its ID, another one for each life of a name.
    pub id: u64,
    /// Its name; empty until it has started.
    pub name: String,
    /// Where the others reach it.
    pub peer_urls: Vec<String>,
    /// Where clients reach it; empty until it has started.
    pub client_urls: Vec<String>,
    /// Whether it only learns and has no vote.
    pub learner: bool,
}

impl Member {
    /// Whether it has ever run.
    #[must_use]
    pub fn started(&self) -> bool {
        !self.client_urls.is_empty()
    }

    /// The pod that a peer URL such as `http://etcd-0.members.shop.svc:2380` leads to.
    #[must_use]
    pub fn pod(&self) -> Option<&str> {
        let (_, address) = self.peer_urls.first()?.split_once("://")?;
        address.split(['.', ':', '/']).next().filter(|label| !label.is_empty())
    }

    /// The peer URL that another pod of the same group would have.
    #[must_use]
    pub fn peer_url_of(&self, pod: &str) -> Option<String> {
        let url = self.peer_urls.first()?;
        let (scheme, address) = url.split_once("://")?;
        let rest = address.strip_prefix(self.pod()?)?;
        Some(format!("{scheme}://{pod}{rest}"))
    }
}

/// A list of members.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberList {
    /// ID of the cluster.
    pub cluster: u64,
    /// The members, by their ID.
    pub members: Vec<Member>,
}

impl MemberList {
    /// Reads the answer to a list. None if it is not one.
    #[must_use]
    pub fn read(answer: &Json) -> Option<Self> {
        let texts = |json: &Json| -> Option<Vec<String>> {
            let Some(list) = json.as_array() else { return Some(Vec::new()) };
            list.iter().map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let member = |json: &Json| {
            Some(Member {
                id: id(&json["ID"]).filter(|id| *id != 0)?,
                name: json["name"].as_str().unwrap_or_default().to_owned(),
                peer_urls: texts(&json["peerURLs"])?,
                client_urls: texts(&json["clientURLs"])?,
                learner: json["isLearner"].as_bool().unwrap_or_default(),
            })
        };
        let mut members = answer["members"].as_array()?.iter().map(member).collect::<Option<Vec<_>>>()?;
        members.sort_by_key(|member| member.id);
        Some(Self { cluster: id(&answer["header"]["cluster_id"])?, members })
    }

    /// How many vote.
    #[must_use]
    pub fn voters(&self) -> usize {
        self.members.iter().filter(|member| !member.learner).count()
    }
}

/// What a member says of itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MemberStatus {
    /// Its ID.
    pub id: u64,
    /// The leader that it follows; 0 for none.
    pub leader: u64,
    /// Index of the last entry that it has applied.
    pub applied: u64,
    /// What is wrong with it, such as an alarm.
    pub errors: Vec<String>,
}

impl MemberStatus {
    /// Reads the answer to a status. None if it is not one.
    #[must_use]
    pub fn read(answer: &Json) -> Option<Self> {
        let errors = answer["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
        Some(Self {
            id: id(&answer["header"]["member_id"]).filter(|id| *id != 0)?,
            leader: id(&answer["leader"])?,
            applied: id(&answer["raftAppliedIndex"])?,
            errors: errors.iter().filter_map(|error| error.as_str().map(str::to_owned)).collect(),
        })
    }
}

/// An unsigned 64-bit number: text in the gateway, which leaves out zeros.
fn id(json: &Json) -> Option<u64> {
    match json {
        Json::Null => Some(0),
        Json::String(text) => text.parse().ok(),
        other => other.as_u64(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_as_etcd_3_6_gives_it() {
        let list = MemberList::read(&json!({
            "header": { "cluster_id": "4687398015768666432", "member_id": "14001617473709006781", "raft_term": "2" },
            "members": [
                { "ID": "18108109042891256315", "peerURLs": ["http://etcd-3.etcd-members.shop.svc:2380"], "isLearner": true },
                { "ID": "2519618975366965161", "name": "etcd-1",
                  "peerURLs": ["http://etcd-1.etcd-members.shop.svc:2380"],
                  "clientURLs": ["http://etcd-1.etcd-members.shop.svc:2379"] },
            ],
        }))
        .expect("a list");
        assert_eq!((list.cluster, list.voters()), (4_687_398_015_768_666_432, 1));
        let [old, new] = list.members.as_slice() else { panic!("{list:?}") };
        assert_eq!((old.pod(), old.started(), new.pod(), new.started()), (Some("etcd-1"), true, Some("etcd-3"), false));
        assert_eq!(old.peer_url_of("etcd-7").as_deref(), Some("http://etcd-7.etcd-members.shop.svc:2380"));
        assert_eq!(MemberList::read(&json!({ "members": [{}] })), None);
        assert_eq!(MemberList::read(&json!({ "error": "no leader" })), None);
    }

    #[test]
    fn a_status_leaves_out_zeros() {
        let status = MemberStatus::read(&json!({ "header": { "member_id": "7" }, "raftAppliedIndex": "9" }));
        assert_eq!(status, Some(MemberStatus { id: 7, leader: 0, applied: 9, errors: Vec::new() }));
        assert_eq!(MemberStatus::read(&json!({ "raftAppliedIndex": "9" })), None);
    }
}
