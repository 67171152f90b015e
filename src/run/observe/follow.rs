//! One list-and-watch loop. Resumes where it can, lists again where it must, says so in the evidence, and never asks
//! more often than something happens.

use std::collections::BTreeSet;
use std::fmt::Debug;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::serde::de::DeserializeOwned;
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::{Resource, ResourceExt};

use crate::evidence::Change;
use crate::world::Clock;

use super::super::calls;
use super::super::tasks::guarded;
use super::super::wait::within;
use super::Feed;

/// The server ends a watch after this time; then it is resumed. kube's own default.
const WATCH_SECONDS: u32 = 290;
/// A watch that has not ended so long after it began is dead: its server, or what lies between, has forgotten it.
const SILENCE: Duration = Duration::from_secs(320);
/// A watch that brings nothing and ends sooner is no watch: such a server must not be asked in a tight loop.
const SHORTEST: Duration = Duration::from_secs(1);
/// The longest pause between attempts at a server that ends every watch at once.
const PAUSE_IDLE: Duration = Duration::from_secs(16);
/// The longest pause between attempts at a server that is away: until it is asked again, nothing is seen.
const PAUSE_AWAY: Duration = Duration::from_secs(4);

/// The annotation of the bookmark after which a watch is live.
const INITIAL_EVENTS_END: &str = "k8s.io/initial-events-end";

/// What a follower hears.
#[derive(Debug)]
pub(in crate::run) enum Notice<K> {
    /// An object, as it is now; when deleted, as it was last.
    Object(Change, K),
    /// An object that was known is no longer listed; its end was not seen.
    Lost(String),
    /// The first list is complete.
    Listed,
}

/// Which objects of a collection.
#[derive(Clone, Debug, Default)]
pub(in crate::run) struct Filter {
    pub(in crate::run) labels: Option<String>,
    pub(in crate::run) fields: Option<String>,
}

impl Filter {
    pub(in crate::run) fn fields(fields: impl Into<String>) -> Self {
        Self { labels: None, fields: Some(fields.into()) }
    }

    pub(in crate::run) fn labels(labels: impl Into<String>) -> Self {
        Self { labels: Some(labels.into()), fields: None }
    }
}

/// What a follower remembers between two requests.
struct Place {
    /// Resume from here; list when absent.
    version: Option<String>,
    known: BTreeSet<String>,
    listed: bool,
    /// Whether the server is believed to send a collection as the first events of a watch: one request less than list and
    /// watch (`sendInitialEvents`, on by default from 1.34). Unlearnt at the first refusal.
    streams: bool,
    failures: u32,
    /// How often in a row a version had expired before anything else came.
    expired: u32,
    broken: Option<String>,
}

/// How a request ended, when well.
enum Ended {
    /// A list.
    Listed,
    /// A watch that brought something.
    Fruitful,
    /// A watch without any event.
    Idle,
}

/// How a request ended, when not well.
enum Trouble {
    /// The version is too old: list again.
    Expired,
    /// The server does not send a collection as a watch: list it.
    Unstreamed,
    /// The watch should have ended long ago, and has not said so.
    Silent,
    /// Not allowed or not there: no use in asking again.
    Final(String),
    /// Ask again later.
    Passing(String),
}

/// Follows a collection for ever, or until it is plain that this is not allowed. Where it breaks off nothing is seen any more,
/// and that is on record.
pub(in crate::run) async fn follow<K>(
    feed: Feed,
    what: String,
    api: Api<K>,
    filter: Filter,
    take: impl FnMut(Notice<K>) + Send,
) where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let following = follow_on(feed.clone(), what.clone(), api, filter, take);
    if guarded(&feed.recorder, &format!("watch of {what}"), following).await.is_none() {
        feed.blind(&what, "driftproof itself broke off");
    }
}

async fn follow_on<K>(feed: Feed, what: String, api: Api<K>, filter: Filter, mut take: impl FnMut(Notice<K>) + Send)
where
    K: Resource + Clone + DeserializeOwned + Debug + Send + 'static,
{
    let mut place = Place {
        version: None,
        known: BTreeSet::new(),
        listed: false,
        streams: true,
        failures: 0,
        expired: 0,
        broken: None,
    };
    loop {
        let begun = feed.clock.elapsed();
        let result = match place.version.clone() {
            None if !place.streams => list(feed.clock, &api, &filter, &mut place, &mut take).await,
            version => watch(&feed, &what, &api, &filter, version, &mut place, &mut take).await,
        };
        match result {
            Ok(Ended::Idle) if feed.clock.elapsed() < begun + SHORTEST => place.failures += 1,
            // That it can be listed does not show that it can be watched.
            Ok(Ended::Listed) if place.expired > 1 => place.failures = 0,
            Ok(Ended::Idle | Ended::Fruitful | Ended::Listed) => {
                place.failures = 0;
                place.recovered(&feed, &what);
            }
            Err(Trouble::Expired) => place.expired(&feed, &what).await,
            // What happened since it died is told late by the next one, and nobody knows how late.
            Err(Trouble::Silent) => {
                feed.gap(
                    format!("watch of {what} did not end when it should: it was dead, since when is not known"),
                    false,
                );
            }
            Err(Trouble::Unstreamed) => place.streams = false,
            Err(Trouble::Passing(reason)) => {
                place.failures += 1;
                // One broken connection is resumed without loss; only a failed resumption makes us blind.
                if place.failures > 1 {
                    feed.blind(&what, &reason);
                }
                place.broken.get_or_insert(reason);
            }
            // A server that has just started refuses everybody until it knows its users and roles.
            Err(Trouble::Final(reason)) if place.listed => {
                place.failures += 1;
                if place.failures > 1 {
                    feed.blind(&what, &reason);
                }
                place.broken.get_or_insert(reason);
            }
            Err(Trouble::Final(reason)) => {
                feed.gap(format!("watch of {what}: {reason}"), false);
                take(Notice::Listed);
                return;
            }
        }
        if place.failures > 1 {
            let most = if place.broken.is_some() { PAUSE_AWAY } else { PAUSE_IDLE };
            feed.clock.sleep(pause(place.failures).min(most)).await;
        }
    }
}

/// No pause after the first failure, then 1 s, 2 s, 4 s, … without jitter: the same run makes the same requests.
fn pause(failures: u32) -> Duration {
    Duration::from_secs(1 << failures.saturating_sub(2).min(4))
}

impl Place {
    /// Lists again; less and less often at a server that has forgotten every version as soon as it was told.
    async fn expired(&mut self, feed: &Feed, what: &str) {
        self.version = None;
        self.expired += 1;
        if self.expired <= 1 {
            feed.gap(format!("watch of {what}: its version had expired; listed again"), true);
            return;
        }
        let reason = "its version expires again and again".to_owned();
        feed.blind(what, &reason);
        self.broken.get_or_insert(reason);
        feed.clock.sleep(pause(self.expired).min(PAUSE_AWAY)).await;
    }

    /// Something came after what there was at first: this version is not forgotten.
    fn live(&mut self, feed: &Feed, what: &str) {
        if std::mem::take(&mut self.expired) > 1 {
            self.recovered(feed, what);
        }
    }

    fn recovered(&mut self, feed: &Feed, what: &str) {
        if let Some(reason) = self.broken.take() {
            feed.sighted(what);
            feed.gap(format!("watch of {what} broke ({reason}) and was resumed"), true);
        }
    }

    /// What it means that a list has this object.
    fn listing(&mut self, uid: &str, unseen: &mut BTreeSet<String>) -> Change {
        let known = unseen.remove(uid);
        self.known.insert(uid.to_owned());
        match (self.listed, known) {
            (false, _) => Change::Initial,
            (true, true) => Change::Modified,
            (true, false) => Change::Added,
        }
    }

    /// A list is complete as of a version: what it did not have is gone.
    fn complete<K>(&mut self, unseen: BTreeSet<String>, version: String, take: &mut (impl FnMut(Notice<K>) + Send)) {
        for uid in unseen {
            take(Notice::Lost(uid));
        }
        self.version = Some(version);
        if !std::mem::replace(&mut self.listed, true) {
            take(Notice::Listed);
        }
    }
}

async fn list<K>(
    clock: Clock,
    api: &Api<K>,
    filter: &Filter,
    place: &mut Place,
    take: &mut (impl FnMut(Notice<K>) + Send),
) -> Result<Ended, Trouble>
where
    K: Resource + Clone + DeserializeOwned + Debug,
{
    let params = ListParams {
        label_selector: filter.labels.clone(),
        field_selector: filter.fields.clone(),
        ..ListParams::default()
    };
    let list = calls::attempt(clock, api.list(&params)).await.map_err(|error| trouble(&error))?;
    let mut unseen = std::mem::take(&mut place.known);
    for object in list.items {
        let Some(uid) = object.uid() else { continue };
        let change = place.listing(&uid, &mut unseen);
        take(Notice::Object(change, object));
    }
    place.complete(unseen, list.metadata.resource_version.unwrap_or_default(), take);
    Ok(Ended::Listed)
}

/// Watches from where the place is. Without a version the server first sends what there is, and marks where that ends.
async fn watch<K>(
    feed: &Feed,
    what: &str,
    api: &Api<K>,
    filter: &Filter,
    version: Option<String>,
    place: &mut Place,
    take: &mut (impl FnMut(Notice<K>) + Send),
) -> Result<Ended, Trouble>
where
    K: Resource + Clone + DeserializeOwned + Debug + 'static,
{
    // While the first events come: what was known before and has not come again.
    let mut unseen = version.is_none().then(|| std::mem::take(&mut place.known));
    let params = WatchParams {
        label_selector: filter.labels.clone(),
        field_selector: filter.fields.clone(),
        timeout: Some(WATCH_SECONDS),
        send_initial_events: unseen.is_some(),
        ..WatchParams::default()
    };
    let result = watch_events(feed, what, api, &params, version, place, &mut unseen, take).await;
    if let Some(unseen) = unseen {
        // It ended among the first events: what there is will be told again from the start.
        place.known.extend(unseen);
        place.version = None;
        // Some servers take the parameter for a plain watch.
        return Err(result.err().unwrap_or(Trouble::Unstreamed));
    }
    result
}

#[expect(clippy::too_many_arguments, reason = "one loop over one stream, with all that it may change")]
async fn watch_events<K>(
    feed: &Feed,
    what: &str,
    api: &Api<K>,
    params: &WatchParams,
    version: Option<String>,
    place: &mut Place,
    unseen: &mut Option<BTreeSet<String>>,
    take: &mut (impl FnMut(Notice<K>) + Send),
) -> Result<Ended, Trouble>
where
    K: Resource + Clone + DeserializeOwned + Debug + 'static,
{
    let stream = calls::attempt(feed.clock, api.watch(params, version.as_deref().unwrap_or_default())).await;
    let stream = stream.map_err(|error| match calls::status(&error).map(|status| status.code) {
        Some(400 | 422) if unseen.is_some() => Trouble::Unstreamed,
        _ => trouble(&error),
    })?;
    if place.expired <= 1 {
        place.recovered(feed, what);
    }
    let mut stream = std::pin::pin!(stream);
    let mut ended = Ended::Idle;
    let end = feed.clock.elapsed() + SILENCE;
    loop {
        let left = end.saturating_sub(feed.clock.elapsed());
        let Some(event) = within(feed.clock, left, stream.next()).await else { return Err(Trouble::Silent) };
        let Some(event) = event else { break };
        ended = Ended::Fruitful;
        let (change, object) = match event.map_err(|error| trouble(&error))? {
            WatchEvent::Added(object) => (Change::Added, object),
            WatchEvent::Modified(object) => (Change::Modified, object),
            WatchEvent::Deleted(object) => (Change::Deleted, object),
            WatchEvent::Bookmark(bookmark) => {
                if unseen.is_none() {
                    place.live(feed, what);
                }
                let version = bookmark.metadata.resource_version;
                let marks_the_end = bookmark.metadata.annotations.contains_key(INITIAL_EVENTS_END);
                match unseen.take_if(|_| marks_the_end) {
                    Some(unseen) => {
                        place.complete(unseen, version, take);
                        // This very request goes on from here: a quiet collection need not wait for its next event.
                        place.recovered(feed, what);
                    }
                    None => place.version = Some(version),
                }
                continue;
            }
            WatchEvent::Error(status) => return Err(trouble(&kube::Error::Api(status))),
        };
        if unseen.is_none() {
            place.live(feed, what);
        }
        place.version = object.resource_version().or(place.version.take());
        let uid = object.uid().unwrap_or_default();
        let change = match (change, unseen.as_mut()) {
            (Change::Added, Some(unseen)) => place.listing(&uid, unseen),
            (Change::Deleted, _) => {
                place.known.remove(&uid);
                change
            }
            (Change::Added | Change::Modified | Change::Initial, _) => {
                place.known.insert(uid);
                change
            }
        };
        take(Notice::Object(change, object));
    }
    Ok(ended)
}

fn trouble(error: &kube::Error) -> Trouble {
    let reason = calls::text(error);
    match calls::status(error).map(|status| status.code) {
        Some(410) => Trouble::Expired,
        Some(401 | 403 | 404 | 405) => Trouble::Final(reason),
        _ => Trouble::Passing(reason),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_grow_and_are_bounded() {
        let pauses: Vec<u64> = (2..9).map(|failures| pause(failures).as_secs()).collect();
        assert_eq!(pauses, [1, 2, 4, 8, 16, 16, 16]);
    }
}
