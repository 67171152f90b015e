//! Outages as a client sees them, held against a service whose outages are known exactly: it is ours, and closes every
//! connection without an answer for set stretches of time.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::lab::{Lab, now};

/// Stretches without an answer, in milliseconds; none is a multiple of the probe's period.
const STRETCHES: [u64; 12] = [53, 111, 237, 404, 67, 333, 158, 781, 92, 529, 46, 205];
/// Between two stretches.
const PAUSE: Duration = Duration::from_millis(700);
/// Before the first one: the run must have found its steady state.
const HEAD_START: Duration = Duration::from_secs(6);
/// Attempts per second of the probe.
const RATE: u32 = 100;

const SCENARIO: &str = "name = \"outages\"\n[target]\nnamespace = \"accuracy\"\nworkload = \"deployment/web\"\n\
    [steady]\nwindow = \"1s\"\n[[fault]]\nkind = \"pod-kill\"\nevery = \"9s\"\ntimes = 3\n";

/// Runs the probe against the service, and prints how far the measured outages are from the true ones.
pub(crate) async fn measure(lab: &Lab) -> Result<(), String> {
    let listener = TcpListener::bind("127.0.0.1:0").await.map_err(|error| format!("loopback: {error}"))?;
    let address = listener.local_addr().map_err(|error| format!("loopback: {error}"))?;
    let answers = Arc::new(AtomicBool::new(true));
    tokio::spawn(serve(listener, Arc::clone(&answers)));
    let probe = format!("[[probe]]\nname = \"ours\"\nkind = \"http\"\nurl = \"http://{address}/\"\nrate = {RATE}\n");
    lab.write("scenario.toml", &format!("{SCENARIO}{probe}[expect]\navailability = \"1%\"\n"))?;
    lab.grant("scenario.toml", &[])?;
    let switching = tokio::spawn(switch(answers));
    let run = lab.run("scenario.toml", &[]).await?;
    let truth = switching.await.map_err(|error| format!("the switch: {error}"))?;
    let (measured, started) = run.measured("outages")?;
    let start = started.parse::<Timestamp>().map_err(|error| format!("start {started}: {error}"))?.as_microsecond();
    let found: Vec<(i64, i64)> = measured.probes[0]
        .outages
        .iter()
        .filter_map(|outage| Some((start + i64::try_from(outage.from).ok()?, start + i64::try_from(outage.to).ok()?)))
        .collect();
    print(&truth, &found);
    Ok(())
}

async fn serve(listener: TcpListener, answers: Arc<AtomicBool>) {
    while let Ok((mut stream, _)) = listener.accept().await {
        let answers = Arc::clone(&answers);
        tokio::spawn(async move {
            let mut request = [0_u8; 4096];
            let read = stream.read(&mut request).await;
            if answers.load(Ordering::SeqCst) && read.is_ok_and(|read| read > 0) {
                let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").await;
            }
        });
    }
}

/// Turns the service off and on; returns the stretches in wall clock microseconds.
async fn switch(answers: Arc<AtomicBool>) -> Vec<(i64, i64)> {
    tokio::time::sleep(HEAD_START).await;
    let mut truth = Vec::new();
    for stretch in STRETCHES {
        let from = now();
        answers.store(false, Ordering::SeqCst);
        tokio::time::sleep(Duration::from_millis(stretch)).await;
        answers.store(true, Ordering::SeqCst);
        truth.push((from, now()));
        tokio::time::sleep(PAUSE).await;
    }
    truth
}

/// Only true stretches that ended before the last measured attempt can have been seen.
fn print(truth: &[(i64, i64)], found: &[(i64, i64)]) {
    let overlaps = |a: &(i64, i64), b: &(i64, i64)| a.0 <= b.1 + 50_000 && b.0 <= a.1 + 50_000;
    let mut errors: Vec<i64> = Vec::new();
    let mut unseen = 0;
    for stretch in truth {
        match found.iter().find(|outage| overlaps(outage, stretch)) {
            Some(outage) => errors.push((outage.1 - outage.0) - (stretch.1 - stretch.0)),
            None => unseen += 1,
        }
    }
    errors.sort_unstable_by_key(|error| error.abs());
    let ms = |micros: Option<&i64>| micros.map_or(f64::NAN, |micros| *micros as f64 / 1000.0);
    println!(
        "\noutages of {} to {} ms, probed {RATE} times a second: {} measured, {unseen} after the end of the run or unseen; \
         length wrong by {:+.1} ms in the median, {:+.1} ms at worst",
        STRETCHES.iter().min().unwrap_or(&0),
        STRETCHES.iter().max().unwrap_or(&0),
        errors.len(),
        ms(errors.get(errors.len() / 2)),
        ms(errors.last()),
    );
}
