//! Random histories as a recorder writes them: a register for each key, which lies now and then. Judges nothing.

use std::fmt::Write as _;

use crate::differential::Dice;

/// How a random history is made.
#[derive(Clone, Copy, Debug)]
pub(super) struct Shape {
    pub(super) seed: u64,
    pub(super) operations: usize,
    pub(super) clients: u64,
    pub(super) keys: u64,
    /// Percentages: answers that lie, operations that fail, that are unknown, that are never answered.
    pub(super) lies: u64,
    pub(super) failed: u64,
    pub(super) unknown: u64,
    pub(super) silent: u64,
}

/// An operation under way.
struct Open {
    function: &'static str,
    key: usize,
    sent: String,
}

struct Recorder {
    shape: Shape,
    dice: Dice,
    /// What each key held, one after the other.
    held: Vec<Vec<String>>,
    /// The process of each client, and what it waits for.
    clients: Vec<(u64, Option<Open>)>,
    text: String,
    events: u64,
    time: u64,
    fresh: u64,
    processes: u64,
}

/// Its lines.
pub(super) fn recorded(shape: Shape) -> String {
    let keys = usize::try_from(shape.keys).unwrap_or(1);
    let mut recorder = Recorder {
        shape,
        dice: Dice(shape.seed),
        held: vec![vec!["null".to_owned()]; keys],
        clients: (0..shape.clients).map(|client| (client, None)).collect(),
        text: String::new(),
        events: 0,
        time: 0,
        fresh: 0,
        processes: shape.clients,
    };
    for _ in 0..shape.operations * 2 {
        let client = recorder.below(recorder.clients.len());
        recorder.time += recorder.dice.below(3);
        match recorder.clients[client].1.take() {
            None => recorder.call(client),
            Some(open) => recorder.answer(client, &open),
        }
    }
    recorder.text
}

impl Recorder {
    fn below(&mut self, sides: usize) -> usize {
        usize::try_from(self.dice.below(sides as u64)).unwrap_or(0)
    }

    fn chance(&mut self, percent: u64) -> bool {
        self.dice.below(100) < percent
    }

    fn state(&self, key: usize) -> String {
        self.held[key].last().cloned().unwrap_or_default()
    }

    fn line(&mut self, client: usize, kind: &str, open: &Open, value: &str, more: &str) {
        let (process, event, time) = (self.clients[client].0, self.events, self.time);
        let Open { function, key, .. } = open;
        let _ = writeln!(
            self.text,
            r#"{{"i":{event},"t":{time},"p":{process},"type":"{kind}","f":"{function}","k":"k{key}","v":{value}{more}}}"#
        );
        self.events += 1;
    }

    fn call(&mut self, client: usize) {
        let key = self.below(self.held.len());
        self.fresh += 1;
        let new = if self.fresh.is_multiple_of(7) { format!("\"v{}\"", self.fresh) } else { self.fresh.to_string() };
        let (function, sent) = match self.dice.below(5) {
            0 | 1 => ("write", new),
            2 => ("cas", format!("[{},{new}]", self.state(key))),
            _ => ("read", "null".to_owned()),
        };
        let open = Open { function, key, sent };
        self.line(client, "invoke", &open, &open.sent, "");
        self.clients[client].1 = Some(open);
    }

    /// What a read sees.
    fn seen(&mut self, key: usize, lie: bool) -> String {
        let any = self.below(self.held[key].len());
        match (lie, self.dice.below(4)) {
            (false, _) => self.state(key),
            (true, 0) => (self.fresh + 1 + self.dice.below(20)).to_string(),
            (true, 1) => self.dice.below(self.fresh + 1).to_string(),
            (true, _) => self.held[key][any].clone(),
        }
    }

    fn answer(&mut self, client: usize, open: &Open) {
        let renewed = |recorder: &mut Self| {
            recorder.clients[client].0 = recorder.processes;
            recorder.processes += 1;
        };
        if self.chance(self.shape.silent) {
            // It was never answered, and its client is somebody else now.
            return renewed(self);
        }
        let lie = self.chance(self.shape.lies);
        let (seen, coin) = (self.seen(open.key, lie), self.chance(50));
        let pair = open.sent.strip_prefix('[').and_then(|pair| pair.strip_suffix(']')?.split_once(','));
        let matches = lie || pair.is_none_or(|(from, _)| from == self.state(open.key));
        let (kind, happens) = match (self.chance(self.shape.failed), self.chance(self.shape.unknown)) {
            (true, _) => ("fail", lie),
            (false, true) => ("info", coin),
            (false, false) => (if matches { "ok" } else { "fail" }, matches),
        };
        let sets = pair.map_or(&*open.sent, |(_, to)| to).to_owned();
        if happens && open.function != "read" {
            self.held[open.key].push(sets);
        }
        let node = format!(",\"node\":\"db-{}\"", self.dice.below(3));
        let saw = if kind == "fail" && pair.is_some() && coin { format!(",\"saw\":{seen}") } else { String::new() };
        let value = if open.function == "read" && kind == "ok" { &seen } else { &open.sent };
        self.line(client, kind, open, value, &format!("{node}{saw}"));
        if kind == "info" {
            renewed(self);
        }
    }
}
