//! Speaks to an agent over one stream after the other: says hello, measures the clock, sends what the agent has not seen,
//! hears what the runner has not heard. A stream that breaks is dialled again with growing pauses, up to a limit.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWrite, AsyncWriteExt, BufReader};

use super::link::{Desk, Dial, DialError, Line};
use super::offset::Offsets;
use super::protocol::{FromAgent, News, ToAgent, VERSION, line, read};
use crate::world::Heard;

/// Dialling, and saying hello, take at most so long.
const GREETING: Duration = Duration::from_secs(10);
/// An agent that has not been met by then is not there.
const MEETING: Duration = Duration::from_secs(30);
/// An agent that was not reached for so long is given up; shortly after it ends by itself.
const LOST_AFTER: Duration = Duration::from_secs(100);
/// The first pause before dialling again, and the longest.
const PAUSES: (Duration, Duration) = (Duration::from_millis(250), Duration::from_secs(5));
/// Pings at the beginning of a stream, before any order.
const BURST: u32 = 8;
/// Between two pings of a burst, and later.
const PING: (Duration, Duration) = (Duration::from_millis(20), Duration::from_secs(2));
/// A stream on which nothing is heard for so long, pings notwithstanding, is broken.
const SILENCE: Duration = Duration::from_secs(8);
/// The offset of the clocks is told this often.
const TELL_CLOCK: Duration = Duration::from_secs(10);

/// How a stream ended.
enum End {
    /// As the runner wanted.
    Bye,
    /// The agent will not come back.
    Lost(String),
    /// It may be dialled again.
    Broken(String),
}

struct Talk {
    desk: Arc<Desk>,
    offsets: Offsets,
    /// Since when there is no stream, and why.
    broken: Option<(Duration, String)>,
    nonce: u64,
    ping: u64,
    /// Pings of the present stream that are not answered, and when each was sent.
    pings: BTreeMap<u64, Duration>,
    acknowledged: u64,
    /// The last order that the agent is known to have.
    seen: u64,
    told: Option<Duration>,
    /// When anything was heard last.
    heard: Duration,
}

/// Talks until the runner says goodbye or the agent is lost.
pub(super) async fn run(desk: Arc<Desk>, dial: Dial) {
    let clock = desk.clock;
    let mut talk = Talk {
        desk: desk.clone(),
        offsets: Offsets::default(),
        broken: None,
        nonce: 0,
        ping: 0,
        pings: BTreeMap::new(),
        acknowledged: 0,
        seen: 0,
        told: None,
        heard: clock.elapsed(),
    };
    let begun = clock.elapsed();
    let mut pause = PAUSES.0;
    loop {
        let end = match tokio::time::timeout(GREETING, dial()).await {
            Ok(Ok(line)) => talk.converse(line).await,
            Ok(Err(DialError { reason, hopeless: true })) => End::Lost(reason),
            Ok(Err(DialError { reason, hopeless: false })) => End::Broken(reason),
            Err(_) => End::Broken(format!("not reached within {}", humantime::format_duration(GREETING))),
        };
        let reason = match end {
            End::Bye => return,
            End::Lost(reason) => return desk.lost(&reason),
            End::Broken(reason) => reason,
        };
        if desk.lock().bye {
            return;
        }
        let now = clock.elapsed();
        let met = desk.lock().estimate.is_some();
        let (since, limit) = if let Some((since, _)) = &talk.broken {
            (*since, if met { LOST_AFTER } else { MEETING })
        } else {
            pause = PAUSES.0;
            let since = if met { talk.heard } else { begun };
            talk.broken = Some((since, reason.clone()));
            if met {
                desk.tell(Heard::Blind(Some(reason.clone())));
            }
            (since, LOST_AFTER)
        };
        if now.saturating_sub(since) >= limit {
            let limit = humantime::format_duration(limit);
            return desk.lost(&format!("not reached for {limit}: {reason}"));
        }
        clock.sleep(pause).await;
        pause = (pause * 2).min(PAUSES.1);
    }
}

impl Talk {
    /// One stream, from hello to its end.
    async fn converse(&mut self, stream: Line) -> End {
        let Line { input, mut output, keep: _keep } = stream;
        let mut lines = BufReader::new(input).lines();
        self.nonce += 1;
        let hello = ToAgent::Hello { version: VERSION, nonce: self.nonce, after: self.desk.lock().after };
        // What the stream before left half said ends here.
        let greeting = format!("\n{}", line(&hello));
        let greeted = tokio::time::timeout(GREETING, async {
            output.write_all(greeting.as_bytes()).await.map_err(|error| error.to_string())?;
            output.flush().await.map_err(|error| error.to_string())?;
            loop {
                let Some(text) = lines.next_line().await.map_err(|error| error.to_string())? else {
                    return Err("closed by the other end".to_owned());
                };
                if let Some(FromAgent::Hello { version, nonce, seen }) = read(&text)
                    && nonce == self.nonce
                {
                    return Ok((version, seen));
                }
            }
        });
        let seen = match greeted.await {
            Ok(Ok((VERSION, seen))) => seen,
            Ok(Ok((version, _))) => {
                return End::Lost(format!(
                    "it speaks version {version} of the protocol, this driftproof version {VERSION}: use an image of the same version"
                ));
            }
            Ok(Err(reason)) => return End::Broken(reason),
            Err(_) => return End::Broken("it did not say hello".to_owned()),
        };
        if seen < self.seen {
            return End::Lost("it was started anew and knows nothing of its orders".to_owned());
        }
        self.exchange(&mut lines, &mut output, seen).await
    }

    async fn exchange(
        &mut self,
        lines: &mut tokio::io::Lines<BufReader<Box<dyn tokio::io::AsyncRead + Send + Unpin>>>,
        output: &mut (impl AsyncWrite + Unpin),
        seen: u64,
    ) -> End {
        let (desk, clock) = (self.desk.clone(), self.desk.clock);
        self.seen = seen;
        self.pings.clear();
        desk.lock().orders.acknowledge(seen);
        let mut sent = seen;
        let mut burst = BURST;
        self.heard = clock.elapsed();
        let mut next_ping = self.heard;
        loop {
            let text = tokio::select! {
                biased;
                text = lines.next_line() => match text {
                    Ok(Some(text)) => {
                        self.heard = clock.elapsed();
                        burst = burst.saturating_sub(u32::from(self.hear(&text)));
                        if burst == 0 {
                            self.greeted();
                        }
                        continue;
                    }
                    Ok(None) => return End::Broken("closed by the other end".to_owned()),
                    Err(error) => return End::Broken(error.to_string()),
                },
                () = desk.bell.notified(), if burst == 0 => self.orders(&mut sent),
                () = clock.sleep_until(next_ping) => {
                    next_ping = clock.elapsed() + if burst > 0 { PING.0 } else { PING.1 };
                    let orders = if burst == 0 { self.orders(&mut sent) } else { String::new() };
                    orders + &self.pings()
                }
                () = clock.sleep_until(self.heard + SILENCE) => {
                    return End::Broken(format!("nothing heard for {}", humantime::format_duration(SILENCE)));
                }
            };
            let bye = desk.lock().bye;
            let text = if bye { text + &line(&ToAgent::Bye) } else { text };
            let writing = async {
                output.write_all(text.as_bytes()).await?;
                output.flush().await
            };
            match tokio::time::timeout(SILENCE, writing).await {
                Ok(Ok(())) if bye => {
                    // The agent's end closes the stream; what it still says is of no use any more.
                    let closing = async { while let Ok(Some(_)) = lines.next_line().await {} };
                    let _ = tokio::time::timeout(Duration::from_secs(2), closing).await;
                    return End::Bye;
                }
                Ok(Ok(())) => {}
                Ok(Err(error)) => return End::Broken(error.to_string()),
                Err(_) => return End::Broken("nothing is read at the other end".to_owned()),
            }
        }
    }

    /// The stream works, and the clock is known: says what became of the break before it.
    fn greeted(&mut self) {
        self.desk.met();
        if let Some((since, reason)) = self.broken.take().filter(|_| self.told.is_some()) {
            let lasted = Duration::from_millis(
                u64::try_from(self.desk.clock.elapsed().saturating_sub(since).as_millis()).unwrap_or(0),
            );
            let lasted = humantime::format_duration(lasted);
            let what = format!("agent {}: its stream was broken for {lasted} ({reason}) and resumed", self.desk.name);
            self.desk.tell(Heard::Gap { what, recovered: true });
            self.desk.tell(Heard::Blind(None));
        }
        let now = self.desk.clock.elapsed();
        if self.told.is_none_or(|told| now >= told + TELL_CLOCK)
            && let Some(estimate) = self.desk.lock().estimate
        {
            self.told = Some(now);
            self.desk.tell(Heard::Clock { offset: estimate.offset, error: estimate.error });
        }
    }

    /// Takes a line of the agent; whether it was the answer to a ping.
    fn hear(&mut self, text: &str) -> bool {
        match read::<FromAgent>(text) {
            Some(FromAgent::Pong { ping, at }) => {
                let Some(sent) = self.pings.remove(&ping) else { return false };
                let micros = |time: Duration| u64::try_from(time.as_micros()).unwrap_or(u64::MAX);
                self.offsets.take(micros(sent), at, micros(self.desk.clock.elapsed()));
                self.desk.lock().estimate = self.offsets.best();
                true
            }
            Some(FromAgent::News { n, news }) => {
                self.news(n, news);
                false
            }
            Some(FromAgent::Hello { .. }) | None => false,
        }
    }

    fn news(&self, n: u64, news: News) {
        let after = std::mem::replace(&mut self.desk.lock().after, n);
        if n <= after {
            self.desk.lock().after = after;
            return;
        }
        if n > after + 1 {
            let what = format!(
                "agent {}: {} of its reports are lost, since it keeps only so many while nobody hears it",
                self.desk.name,
                n - after - 1
            );
            self.desk.tell(Heard::Gap { what, recovered: false });
        }
        self.desk.take(news);
    }

    /// The orders that were not sent on this stream.
    fn orders(&self, sent: &mut u64) -> String {
        let inner = self.desk.lock();
        let mut text = String::new();
        while let Some((n, order)) = inner.orders.next(*sent) {
            text.push_str(&line(&ToAgent::Do { n, order: order.clone() }));
            *sent = n;
        }
        text
    }

    /// A ping, and what has been heard so far.
    fn pings(&mut self) -> String {
        let after = self.desk.lock().after;
        let mut text = String::new();
        if after > self.acknowledged {
            self.acknowledged = after;
            text.push_str(&line(&ToAgent::Ack(after)));
        }
        self.ping += 1;
        self.pings.insert(self.ping, self.desk.clock.elapsed());
        text.push_str(&line(&ToAgent::Ping(self.ping)));
        text
    }
}
