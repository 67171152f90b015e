//! How a pod's application behaves: its annotations, read once when a container starts. The table is in the room's
//! own documentation.

use std::time::Duration;

use super::App;
use crate::{Object, Timings};

/// Everything that a pod's annotations say.
#[derive(Clone, Debug)]
pub(super) struct Config {
    /// `None` when the annotation is absent.
    pub(super) app: Option<App>,
    pub(super) start: Duration,
    pub(super) stop: Duration,
    pub(super) close_at_once: bool,
    pub(super) latency: Duration,
    pub(super) unready_for: Duration,
    pub(super) unhealthy_after: Option<Duration>,
    pub(super) hang_after: Option<Duration>,
    pub(super) crash_after: Option<Duration>,
    pub(super) exit_code: i32,
    pub(super) run_for: Duration,
    pub(super) kv: KvConfig,
}

/// What concerns the key-value store.
#[derive(Clone, Debug)]
pub(super) struct KvConfig {
    pub(super) replication: Replication,
    pub(super) data: Option<String>,
    pub(super) lag: Duration,
    pub(super) election_timeout: Duration,
    pub(super) request_timeout: Duration,
    /// Members are added and removed by name, as those of etcd.
    pub(super) explicit: bool,
    pub(super) bugs: Bugs,
}

/// When a write is acknowledged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Replication {
    /// When a majority has it.
    Sync,
    /// When the leader has it.
    Async,
}

/// Planted bugs.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own")]
pub(super) struct Bugs {
    pub(super) stale_reads: bool,
    pub(super) lost_writes: bool,
    pub(super) two_leaders: bool,
    pub(super) duplicate_writes: bool,
    pub(super) swallowed_members: bool,
}

const DOMAIN: &str = "embedded.driftproof.dev";

impl Config {
    /// The behaviour of a pod without annotations.
    pub(super) fn plain(timings: &Timings) -> Self {
        let ms = Duration::from_millis;
        Self {
            app: None,
            start: timings.app_start,
            stop: timings.app_stop,
            close_at_once: false,
            latency: ms(2),
            unready_for: Duration::ZERO,
            unhealthy_after: None,
            hang_after: None,
            crash_after: None,
            exit_code: 1,
            run_for: ms(1000),
            kv: KvConfig {
                replication: Replication::Sync,
                data: None,
                lag: ms(500),
                election_timeout: ms(2000),
                request_timeout: ms(1000),
                explicit: false,
                bugs: Bugs::default(),
            },
        }
    }

    /// Reads a pod's annotations.
    ///
    /// # Errors
    /// What cannot be read, for a person.
    pub(super) fn read(pod: &Object, timings: &Timings) -> Result<Self, String> {
        let read = Annotations(pod);
        let plain = Self::plain(timings);
        Ok(Self {
            app: match read.text("app") {
                None => None,
                Some("http") => Some(App::Http),
                Some("kv") => Some(App::Kv),
                Some("none") => Some(App::Idle),
                Some(other) => return Err(read.wrong("app", other, "http, kv or none")),
            },
            start: read.duration("app-start")?.unwrap_or(plain.start),
            stop: read.duration("app-stop")?.unwrap_or(plain.stop),
            close_at_once: match read.text("stop-mode") {
                None | Some("serve") => false,
                Some("close") => true,
                Some(other) => return Err(read.wrong("stop-mode", other, "serve or close")),
            },
            latency: read.duration("latency")?.unwrap_or(plain.latency),
            unready_for: read.duration("unready-for")?.unwrap_or(plain.unready_for),
            unhealthy_after: read.duration("unhealthy-after")?,
            hang_after: read.duration("hang-after")?,
            crash_after: read.duration("crash-after")?,
            exit_code: match read.text("exit-code") {
                None => plain.exit_code,
                Some(text) => text.parse().map_err(|_| read.wrong("exit-code", text, "a number"))?,
            },
            run_for: read.duration("run-for")?.unwrap_or(plain.run_for),
            kv: read.kv(&plain.kv)?,
        })
    }
}

struct Annotations<'a>(&'a Object);

impl<'a> Annotations<'a> {
    fn text(&self, name: &str) -> Option<&'a str> {
        self.0.annotation(&format!("{DOMAIN}/{name}")).map(str::trim)
    }

    fn wrong(&self, name: &str, value: &str, wanted: &str) -> String {
        let pod = self.0.text("/metadata/name");
        format!("annotation {DOMAIN}/{name} of pod {pod} is {value:?}; write {wanted}")
    }

    fn duration(&self, name: &str) -> Result<Option<Duration>, String> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let read = humantime::parse_duration(text);
        read.map(Some).map_err(|_| self.wrong(name, text, "a duration such as 500ms or 2s"))
    }

    fn kv(&self, plain: &KvConfig) -> Result<KvConfig, String> {
        // Below this the store would be busy with heartbeats only.
        const SHORTEST: Duration = Duration::from_millis(50);
        Ok(KvConfig {
            replication: match self.text("replication") {
                None => plain.replication,
                Some("sync") => Replication::Sync,
                Some("async") => Replication::Async,
                Some(other) => return Err(self.wrong("replication", other, "sync or async")),
            },
            data: self.text("data").map(|path| path.trim_end_matches('/').to_owned()),
            lag: self.duration("async-lag")?.unwrap_or(plain.lag),
            election_timeout: self.duration("election-timeout")?.unwrap_or(plain.election_timeout).max(SHORTEST),
            request_timeout: self.duration("request-timeout")?.unwrap_or(plain.request_timeout),
            explicit: match self.text("members") {
                None | Some("pods") => plain.explicit,
                Some("explicit") => true,
                Some(other) => return Err(self.wrong("members", other, "pods or explicit")),
            },
            bugs: self.bugs()?,
        })
    }

    fn bugs(&self) -> Result<Bugs, String> {
        let mut bugs = Bugs::default();
        let names = self.text("bugs").unwrap_or_default().split(',').map(str::trim).filter(|name| !name.is_empty());
        for name in names {
            match name {
                "stale-reads" => bugs.stale_reads = true,
                "lost-writes" => bugs.lost_writes = true,
                "two-leaders" => bugs.two_leaders = true,
                "duplicate-writes" => bugs.duplicate_writes = true,
                "swallowed-members" => bugs.swallowed_members = true,
                other => {
                    let wanted = "any of stale-reads, lost-writes, two-leaders, duplicate-writes, swallowed-members";
                    return Err(self.wrong("bugs", other, wanted));
                }
            }
        }
        Ok(bugs)
    }
}
