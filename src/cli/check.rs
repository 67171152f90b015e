//! `driftproof check`: judges a recorded history. The first word printed is `ok`, `violation` or `unknown`. Touches nothing
//! but the file that it reads.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Seek as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;
use clap::builder::{PossibleValuesParser, TypedValueParser};
use driftproof::consistency::explain::{Surroundings, explain};
use driftproof::consistency::stream::{Answered, Reading};
use driftproof::consistency::text::{Claim, Judged, Request, check_source, check_text};
use driftproof::consistency::{
    Anomaly, Budget, Certificate, Format, Keys, Model, Nil, Options, Outcome, Refusal, Value,
};
use driftproof::consistency::{append, format, guess_model, verify};
use driftproof::world::Clock;

use super::exit::Exit;
use super::fail;
use super::packed::{self, Content};
use super::style::{Style, safe};

/// The name of standard input.
const STDIN: &str = "-";
/// Anomalies that are told in full.
const TOLD_MAX: usize = 10;
/// Bytes from which format and model are known.
const HEAD: usize = 1 << 20;

const HELP: &str = "\
Formats:
  native        {\"i\":0,\"t\":12,\"p\":3,\"type\":\"invoke\",\"f\":\"write\",\"k\":\"k7\",\"v\":41,\"node\":\"db-1\"}, one event a line
  jepsen-edn    {:process 3, :type :invoke, :f :write, :value 41, :time 12, :index 0}
  jepsen-json   {\"process\":3,\"type\":\"invoke\",\"f\":\"write\",\"value\":41,\"time\":12,\"index\":0}
  jepsen-log    INFO  jepsen.util - 3 :invoke :write 41, as loggers since write it, or a store's history.txt
  porcupine-kv  {:process 3, :type :invoke, :f :append, :key \"7\", :value \"x\"}
  elle          {:process 3, :type :ok, :value [[:append 7 1] [:r 8 [1 2]]]}, EDN or JSON
  plume         r(KEY,VALUE,SESSION,TRANSACTION) and w(…), as Plume, PolySI and IsoVista write
The format is known from the first bytes, the model from the functions where only one has them; both can be named.

Models, with their functions and claims (the first is tested unless another is named):
  register        read, write v, cas [from to]                   linearizable
  kv              get, put s, append s                           linearizable
  set             add v, read -> [v …]                           durable, linearizable
  append          txn [[append k v] [r k [v …]]]                 strict-serializable, strong-session-serializable,
                                                                 serializable, strong-snapshot-isolation,
                                                                 snapshot-isolation, repeatable-read, read-committed,
                                                                 read-uncommitted
  bank            transfer {from to amount}, read -> {k n}       conserved-total, conserved-total-overdraft
  queue           enqueue v, dequeue -> v, drain -> [v …]        at-least-once, exactly-once, either with -fifo
  counter         add n, read -> n                               linearizable, bounds
  mutex           acquire -> token, release, write [token v]     linearizable, mutual-exclusion, fencing
  rw-register     txn [[r k v] [w k v]], each v written once     the same as append
  multi-register  txn [[r k v] [w k v]]                          linearizable
  watch           write v, watch revision -> [[revision k v] …]  ordered-delivery

Exit codes:
  0  ok: the claim holds
  1  violation: it does not
  2  wrong usage, or the file is no history of this format and model; nothing was judged
  3  unknown: a budget was used up, or the history says too little";

/// What can be typed after `driftproof check`.
#[derive(Clone, Debug, Args)]
#[command(after_long_help = HELP)]
pub(super) struct Check {
    /// The history, also compressed with gzip; `-` for standard input
    #[arg(value_name = "FILE")]
    file: PathBuf,
    /// What the store promises to be; known from the functions where only one model has them
    #[arg(long, value_name = "MODEL", value_parser = PossibleValuesParser::new(Model::ALL.map(Model::name)).try_map(|word| model(&word)))]
    model: Option<Model>,
    /// How the file is written; known from its first bytes
    #[arg(long, value_name = "FORMAT", value_parser = PossibleValuesParser::new(Format::ALL.map(Format::word)).try_map(|word| format_of(&word)))]
    format: Option<Format>,
    /// Whether values of Jepsen's histories are tuples [key value] of independent keys, or values; refused where it could be
    /// either and is not said
    #[arg(long, value_name = "KIND", value_parser = PossibleValuesParser::new(["tuple", "none"]).map(|word| keys(&word)))]
    keys: Option<Keys>,
    /// What the store claims; each model has claims of its own, see --help
    #[arg(long, value_name = "CLAIM")]
    claim: Option<String>,
    /// The value before all operations (of a bank: its total), as EDN or JSON writes it: 5, nil, "text", [1 2]
    #[arg(long, value_name = "VALUE", value_parser = value)]
    initial: Option<Value>,
    /// What a read of nil says: that nothing is there, or nothing at all
    #[arg(long, value_name = "MEANING", default_value = "absent", value_parser = PossibleValuesParser::new(["absent", "wildcard"]).map(|word| nil(&word)))]
    nil: Nil,
    /// Stop a search after this time; the answer is then unknown
    #[arg(long, value_name = "DURATION", value_parser = humantime::parse_duration)]
    timeout: Option<Duration>,
    /// Hold no more than this at once, such as 500M or 4G; if that does not suffice, the answer is unknown
    #[arg(long, value_name = "SIZE", value_parser = bytes, default_value = "4G")]
    memory: u64,
    /// Re-check the answer with an independent verifier, which holds the whole history in memory
    #[arg(long)]
    verify: bool,
}

fn model(word: &str) -> Result<Model, String> {
    Model::ALL.into_iter().find(|model| model.name() == word).ok_or_else(|| format!("no model {word}"))
}

fn format_of(word: &str) -> Result<Format, String> {
    Format::ALL.into_iter().find(|format| format.word() == word).ok_or_else(|| format!("no format {word}"))
}

fn value(text: &str) -> Result<Value, String> {
    format::read_value(text).map_err(|error| error.to_string())
}

fn nil(word: &str) -> Nil {
    if word == "wildcard" { Nil::Wildcard } else { Nil::Absent }
}

fn keys(word: &str) -> Keys {
    if word == "tuple" { Keys::Tuple } else { Keys::None }
}

/// A number of bytes, with K, M or G for powers of 1024.
pub(super) fn bytes(text: &str) -> Result<u64, String> {
    let (digits, shift) = match text.trim_end_matches(['B', 'i']) {
        text if text.ends_with(['K', 'k']) => (&text[..text.len() - 1], 10),
        text if text.ends_with(['M', 'm']) => (&text[..text.len() - 1], 20),
        text if text.ends_with(['G', 'g']) => (&text[..text.len() - 1], 30),
        text => (text, 0),
    };
    let number: u64 =
        digits.parse().map_err(|_| "write a whole number with K, M, G or nothing, such as 500M".to_owned())?;
    number.checked_mul(1 << shift).ok_or_else(|| "more bytes than there can be".to_owned())
}

/// `driftproof check FILE`.
pub(super) fn check(check: &Check, style: Style) -> Exit {
    let wrong = |message: String| fail(&safe(&format!("{}: {message}", check.file.display())), Exit::Usage);
    // What is no file, like a pipe, can be read only once.
    let all = if is_file(&check.file) { Ok(None) } else { read(&check.file, check.memory).map(Some) };
    let asked = all.and_then(|all| Ok((request(check, all.as_ref().map(|content| &*content.bytes))?, all)));
    let ((request, guessed), all) = match asked {
        Ok(asked) => asked,
        Err(message) => return wrong(message),
    };
    let clock = Clock::starting_at(jiff::Timestamp::now());
    let exhausted = || check.timeout.is_some_and(|timeout| clock.elapsed() > timeout);
    let answer = streamed(check, &request, &exhausted).and_then(|streamed| {
        streamed.map_or_else(|| whole(check, all, &request, &exhausted), |judged| Ok((judged, None)))
    });
    match answer {
        Ok((mut judged, content)) => {
            judged.notes.splice(0..0, guessed);
            tell(&judged, check, &request, content.as_deref(), style)
        }
        Err(message) => wrong(message),
    }
}

/// Whether a path is of a file, packed or not, that can be read as often as one likes.
fn is_file(path: &Path) -> bool {
    path != Path::new(STDIN)
        && packed::open(path).is_ok_and(|file| file.metadata().is_ok_and(|metadata| metadata.is_file()))
}

/// What is asked for, and what of it was not said but found in the file. `all` is its content where that is known.
fn request(check: &Check, all: Option<&[u8]>) -> Result<(Request, Option<String>), String> {
    let head = match all {
        Some(all) => Cow::Borrowed(&all[..all.len().min(HEAD)]),
        None if check.format.is_some() && check.model.is_some() => Cow::Borrowed(&[][..]),
        None => Cow::Owned(packed::head(&check.file, HEAD).map_err(|error| error.to_string())?),
    };
    let format = check.format.map_or_else(|| format::detect(&head), Ok)?;
    let model = match check.model {
        Some(model) => model,
        None => {
            guess_model(&format::beginning(&head, format)).map_err(|why| format!("read as {}: {why}", format.word()))?
        }
    };
    let guessed = match (check.model, check.format) {
        (Some(_), _) => None,
        (None, Some(_)) => Some(format!("note: judged by the model {model}, which knows these functions")),
        (None, None) => {
            Some(format!("note: read as {}, judged by the model {model}, which knows these functions", format.word()))
        }
    };
    let claim = check.claim.as_ref().map(|word| Claim::parse(model, word)).transpose()?;
    let options = Options {
        initial: check.initial.clone(),
        nil: check.nil,
        keys: check.keys.unwrap_or_default(),
        memory: Some(check.memory),
        timeout: check.timeout,
        ..Options::default()
    };
    Ok((Request { model, format, claim, options }, guessed))
}

/// Judges a file while it is read, where that can be done: it takes a small part of the memory. None where it cannot.
fn streamed(check: &Check, request: &Request, exhausted: &(dyn Fn() -> bool + Sync)) -> Result<Option<Judged>, String> {
    // What is no file can be read only once, and what cannot be opened is told by the other way.
    let opened = if check.file == Path::new(STDIN) { None } else { packed::open(&check.file).ok() };
    let Some(file) = opened.filter(|file| file.metadata().is_ok_and(|it| it.is_file())) else { return Ok(None) };
    let Some(mut reading) = Reading::new(request, exhausted) else {
        return Ok(check_source(&packed::Plain::of(&file), request, exhausted));
    };
    sound(packed::pieces(&file, |piece| reading.push(piece)))?;
    match reading.finish().map_err(|error| error.to_string())? {
        Answered::Judged(judged) => Ok(Some(judged)),
        Answered::Undecided => Ok(None),
        Answered::Again(mut telling) => {
            (&file).rewind().map_err(|error| error.to_string())?;
            sound(packed::pieces(&file, |piece| telling.push(piece)))?;
            telling.finish().map(Some).map_err(|error| error.to_string())
        }
    }
}

/// Judges a file with all of it in memory.
fn whole(
    check: &Check,
    content: Option<Content>,
    request: &Request,
    exhausted: &(dyn Fn() -> bool + Sync),
) -> Result<(Judged, Option<Vec<u8>>), String> {
    let Content { bytes, over, .. } = content.map_or_else(|| read(&check.file, check.memory), Ok)?;
    if over {
        return Ok((Judged::of(Outcome::Unknown(Budget::Memory(check.memory))), None));
    }
    let judged = check_text(&bytes, request, exhausted).map_err(|error| error.to_string())?;
    Ok((judged, Some(bytes)))
}

/// So many bytes of a file at most.
fn read(path: &Path, most: u64) -> Result<Content, String> {
    let content = if path == Path::new(STDIN) {
        packed::unpacked(std::io::stdin().lock(), most)
    } else {
        packed::read(path, most)
    };
    let mut content = content.map_err(|error| error.to_string())?;
    sound(Ok(content.cut.take())).map(|()| content)
}

/// A part of a history is another history: it gets no verdict.
fn sound(cut: std::io::Result<Option<String>>) -> Result<(), String> {
    match cut.map_err(|error| error.to_string())? {
        None => Ok(()),
        Some(cut) => Err(format!("{cut}; `gzip -dc` gives what is left")),
    }
}

/// Prints the outcome. An answer that its verifier refutes is no answer.
fn tell(judged: &Judged, check: &Check, request: &Request, content: Option<&[u8]>, style: Style) -> Exit {
    let verified = check.verify.then(|| confirm(judged, check, request, content));
    let refuted = matches!(verified, Some(Err(Refusal::Wrong(_))));
    let word = if refuted { "unknown" } else { judged.word() };
    let colour = match word {
        "ok" => "32",
        "violation" => "31",
        _ => "33",
    };
    let first = if style.out { format!("\x1b[1;{colour}m{word}\x1b[0m") } else { word.to_owned() };
    let mut out = format!("{first}{}\n", details(judged));
    for note in &judged.notes {
        let _ = writeln!(out, "{}", safe(note));
    }
    match verified {
        None => {}
        Some(Ok(how)) => {
            let _ = writeln!(out, "verified: {how}");
        }
        Some(Err(refusal)) => {
            let _ = writeln!(out, "not verified: {}", safe(&refusal.to_string()));
        }
    }
    super::print::out(&out);
    match word {
        "ok" => Exit::Passed,
        "violation" => Exit::Failed,
        _ => Exit::Inconclusive,
    }
}

/// What follows the first word.
fn details(judged: &Judged) -> String {
    match &judged.outcome {
        Outcome::Ok(Certificate::Orders(orders)) => {
            let count: usize = orders.iter().map(Vec::len).sum();
            format!("  an order of {count} operations explains everything that was seen")
        }
        Outcome::Ok(Certificate::Accounted) => "  every operation is accounted for".to_owned(),
        Outcome::Unknown(Budget::Time(limit)) => {
            format!("  not decided within {}; give it more --timeout", humantime::format_duration(*limit))
        }
        Outcome::Unknown(Budget::Memory(limit)) => {
            format!("  not decided within {limit} bytes; give it more --memory")
        }
        Outcome::Unknown(Budget::Evidence(missing)) => format!("  {}", safe(missing)),
        Outcome::Violation(anomalies) => {
            let mut text = match (anomalies.len(), judged.count) {
                (_, Some(all)) => format!("  at least {all} anomalies"),
                (1, None) => "  1 anomaly".to_owned(),
                (count, None) => format!("  {count} anomalies"),
            };
            for anomaly in anomalies.iter().take(TOLD_MAX) {
                text.push_str(&told(anomaly, judged, anomalies));
            }
            let all = judged.count.unwrap_or(anomalies.len() as u64);
            if all > TOLD_MAX as u64 {
                let _ = write!(text, "\nand {} more", all - anomalies.len().min(TOLD_MAX) as u64);
            }
            text
        }
    }
}

/// One anomaly, with the operations that show it where the history is at hand.
fn told(anomaly: &Anomaly, judged: &Judged, all: &[Anomaly]) -> String {
    let mut text = format!("\n{}  {}", anomaly.kind, safe(&anomaly.sentence));
    if let Some(history) = &judged.history {
        let around = Surroundings { numbers: judged.part.clone().unwrap_or_default(), ..Surroundings::default() };
        for operation in explain(history, anomaly, all, &around).operations {
            let _ = write!(text, "\n    {}", safe(&operation));
        }
    }
    text
}

/// Re-checks the answer from the bytes and the definition of the model alone.
fn confirm(judged: &Judged, check: &Check, request: &Request, content: Option<&[u8]>) -> Result<String, Refusal> {
    let read_again = || {
        let bytes = content.map_or_else(
            || read(&check.file, u64::MAX).map(|content| Cow::Owned(content.bytes)),
            |bytes| Ok(Cow::Borrowed(bytes)),
        );
        let history = |bytes: Cow<[u8]>| {
            format::read_with(&bytes, request.format, request.options.keys).map_err(|error| error.to_string())
        };
        bytes.and_then(history).map_err(Refusal::Undecided)
    };
    let whole = judged.history.as_ref().filter(|_| judged.part.is_none());
    let history = whole.map_or_else(|| read_again().map(Cow::Owned), |history| Ok(Cow::Borrowed(history)))?;
    if let Model::Append | Model::RwRegister = request.model {
        let Outcome::Ok(Certificate::Orders(orders)) = &judged.outcome else {
            return Err(Refusal::Undecided("only an order of transactions can be verified".to_owned()));
        };
        let claim = match request.claim {
            Some(Claim::Isolation(claim)) => claim,
            _ => append::Claim::StrictSerializable,
        };
        let (order, initial) = (orders.first().map_or(&[][..], Vec::as_slice), request.options.initial.as_ref());
        let verified = if request.model == Model::Append {
            append::verify_order(&history, claim, order)
        } else {
            append::registers::verify_order(&history, claim, initial, order)
        };
        verified.map_err(Refusal::Wrong)?;
        return Ok("run in that order, each transaction reads what it read".to_owned());
    }
    let confirmed = verify(&history, request.model, &request.options, &judged.outcome_of_all())?;
    Ok(format!("{} parts of the answer hold", confirmed.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_as_people_write_them() {
        assert_eq!(bytes("4096"), Ok(4096));
        assert_eq!(bytes("500M"), Ok(500 << 20));
        assert_eq!(bytes("4GiB"), Ok(4 << 30));
        assert!(bytes("4T").is_err() && bytes("").is_err() && bytes("99999999999G").is_err());
    }
}
