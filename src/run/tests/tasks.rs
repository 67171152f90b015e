//! A part of a run that panics is told as what it was to observe, and a slow disk holds up nobody who observes.

use std::io;
use std::sync::{Arc, mpsc};
use std::time::Duration;

use crate::evidence::{Log, Memory, Sink};
use crate::world::Clock;

use super::super::context::{Context, Recorder};
use super::super::probe::Probes;
use super::super::tasks::{Tasks, guarded};
use super::fake::{Script, context, gaps};

#[tokio::test(start_paused = true)]
async fn a_probe_that_panics_is_a_gap_that_names_it() {
    let (context, memory) = context(&Script::default(), |since| {
        assert!(since < Duration::from_secs(3), "planted");
        true
    });
    let probes = Probes::start(&context);
    context.clock().sleep(Duration::from_secs(10)).await;
    probes.finish().await;
    let expected = "probe reads: driftproof itself broke off here (planted); please report this";
    assert_eq!(gaps(&memory), [(expected.to_owned(), false)]);
}

#[tokio::test(start_paused = true)]
async fn one_that_panics_takes_no_other_with_it() {
    let (context, memory) = context(&Script::default(), |_| true);
    let mut tasks = Tasks::new(&context.recorder);
    let clock = context.clock();
    for number in 0..3 {
        let recorder = context.recorder.clone();
        tasks.spawn(format!("task {number}"), async move {
            clock.sleep(Duration::from_secs(number)).await;
            assert_ne!(number, 1, "planted");
            recorder.gap(format!("task {number} has ended"), true);
        });
    }
    tasks.finish().await;
    assert_eq!(guarded(&context.recorder, "a part", async { 7 }).await, Some(7));
    let told: Vec<String> = gaps(&memory).into_iter().map(|(what, _)| what).collect();
    assert_eq!(told.len(), 3, "{told:#?}");
    assert!(told[1].starts_with("task 1: driftproof itself broke off here (assertion"), "{told:#?}");
}

/// A disk that is not done with the intent of a fault before so many attempts of probes have begun.
struct Slow {
    begun: mpsc::Receiver<()>,
    memory: Memory,
}

impl Sink for Slow {
    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.memory.append(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
    fn sync(&mut self) -> io::Result<()> {
        for _ in 0..5 {
            self.begun.recv().map_err(io::Error::other)?;
        }
        Ok(())
    }
}

/// On the real clock: were the disk waited for where the probes live, no attempt would ever begin.
#[tokio::test]
async fn probes_go_on_while_a_disk_is_waited_for() {
    let (attempt, begun) = mpsc::channel();
    let memory = Memory::default();
    let log = Log::on_its_own_thread(Box::new(Slow { begun, memory: memory.clone() })).expect("a thread");
    let (template, _) = context(&Script::default(), |_| true);
    let clock = Clock::of_this_machine();
    let (progress, _) = tokio::sync::mpsc::unbounded_channel();
    let mut world = template.world.clone();
    world.clock = clock;
    world.network = Arc::new(super::fake::Counted::new(attempt));
    let context = Context { world, recorder: Recorder::new(log, clock, progress), ..template };
    let probes = Probes::start(&context);
    context.recorder.sync().await.expect("the disk is done in the end");
    probes.finish().await;
    // The thread of the log writes them when it gets there.
    let recorded = async {
        while !memory.text().contains("\"type\":\"attempt\"") {
            clock.sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_mins(1), recorded).await.expect("the attempts are on record");
}
