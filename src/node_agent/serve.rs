//! The agent's main process: starts the one that acts, passes on what it is asked over HTTP (through the API server's
//! proxy), and heals in its place when that one has died. Ends when the node is healed.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{ChildStdin, Command, Stdio};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use super::act::Hand;
use super::{PORT, Settings};

/// How long a request waits for the deed or for its undoing.
const ANSWER: Duration = Duration::from_secs(10);
/// How long a client may take to say what it wants.
const PATIENCE: Duration = Duration::from_secs(5);
/// More than this in front of a body is not our client.
const HEAD_MAX: u64 = 16 << 10;
/// Time for the last answer to leave before the process ends.
const LAST_ANSWER: Duration = Duration::from_millis(500);

/// Where the acting process is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Starting,
    Armed,
    Holding,
    Healed,
}

impl State {
    const fn word(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Armed => "armed",
            Self::Holding => "holding",
            Self::Healed => "healed",
        }
    }
}

struct Agent {
    state: Mutex<State>,
    changed: Condvar,
    to_act: Mutex<ChildStdin>,
    uid: String,
}

impl Agent {
    fn set(&self, state: State) {
        *self.state.lock().unwrap_or_else(PoisonError::into_inner) = state;
        self.changed.notify_all();
    }

    /// Waits a while for a state; returns the one that it is.
    fn wait_for(&self, wanted: &[State]) -> State {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let ended = self.changed.wait_timeout_while(state, ANSWER, |state| !wanted.contains(state));
        *ended.unwrap_or_else(PoisonError::into_inner).0
    }

    /// Passes a word on. One that is dead is noticed by its end, not here.
    fn tell(&self, word: &str) {
        let mut act = self.to_act.lock().unwrap_or_else(PoisonError::into_inner);
        let _ = writeln!(act, "{word}").and_then(|()| act.flush());
    }
}

/// Serves until the node is healed. `uid` must be the first part of every path.
///
/// # Errors
/// What the node lacks, or why the deed failed.
pub fn serve(settings: &Settings, uid: &str) -> Result<(), String> {
    let program = std::env::current_exe().map_err(|error| format!("this program cannot find itself: {error}"))?;
    let mut act = Command::new(program)
        .args(["node-agent", "--act", "--mode", settings.deed.word(), "--ip", &settings.ip])
        .args(["--timer", &format!("{}ms", settings.timer.as_millis())])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .map_err(|error| format!("start the acting process: {error}"))?;
    let (Some(to_act), Some(from_act)) = (act.stdin.take(), act.stdout.take()) else {
        return Err("the acting process has no pipes".to_owned());
    };
    let agent = Arc::new(Agent {
        state: Mutex::new(State::Starting),
        changed: Condvar::new(),
        to_act: Mutex::new(to_act),
        uid: uid.to_owned(),
    });
    let listener = TcpListener::bind(("::", PORT)).or_else(|_| TcpListener::bind(("0.0.0.0", PORT)));
    let listener = listener.map_err(|error| format!("port {PORT}: {error}"))?;
    let listening = agent.clone();
    thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            let agent = listening.clone();
            thread::spawn(move || answer(&agent, stream));
        }
    });
    follow(&agent, from_act);
    let ended = act.wait().map_err(|error| format!("the acting process: {error}"))?;
    let healed = *agent.state.lock().unwrap_or_else(PoisonError::into_inner) == State::Healed;
    if !healed {
        // It died in the middle: what it may have done is undone from here.
        if let Ok(mut hand) = Hand::ready(settings) {
            hand.heal()?;
        }
    }
    thread::sleep(LAST_ANSWER);
    if ended.success() { Ok(()) } else { Err(format!("the acting process ended with {ended}")) }
}

/// Takes the words of the acting process until it ends.
fn follow(agent: &Agent, from_act: impl Read) {
    for line in BufReader::new(from_act).lines() {
        match line.as_deref() {
            Ok("armed") => agent.set(State::Armed),
            Ok("holding") => agent.set(State::Holding),
            Ok("healed") => agent.set(State::Healed),
            Ok(_) => {}
            Err(_) => return,
        }
    }
}

fn answer(agent: &Agent, stream: TcpStream) {
    let _ = stream.set_read_timeout(Some(PATIENCE));
    let Ok(reader) = stream.try_clone() else { return };
    let mut lines = BufReader::new(reader.take(HEAD_MAX)).lines();
    let Some(Ok(request)) = lines.next() else { return };
    // The rest of the head is read, so that closing does not reset the connection under the answer.
    while lines.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
    let (code, body) = asked(agent, &request);
    let mut stream = stream;
    let _ = write!(
        stream,
        "HTTP/1.1 {code}\r\ncontent-type: text/plain\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}",
        body.len()
    );
}

/// What a request line asks for, and the answer.
fn asked(agent: &Agent, request: &str) -> (&'static str, &'static str) {
    let mut words = request.split(' ');
    let (method, path) = (words.next().unwrap_or_default(), words.next().unwrap_or_default());
    let mut parts = path.trim_start_matches('/').split('/');
    let (uid, what) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if uid != agent.uid || agent.uid.is_empty() {
        return ("404 Not Found", "not this agent");
    }
    let (wanted, state) = match (method, what) {
        ("GET", "state") => {
            let state = *agent.state.lock().unwrap_or_else(PoisonError::into_inner);
            (state, state)
        }
        ("POST", "fire") => {
            agent.tell("fire");
            (State::Holding, agent.wait_for(&[State::Holding, State::Healed]))
        }
        ("POST", "heal") => {
            agent.tell("heal");
            (State::Healed, agent.wait_for(&[State::Healed]))
        }
        _ => return ("404 Not Found", "GET state, POST fire, POST heal"),
    };
    (if state == wanted { "200 OK" } else { "409 Conflict" }, state.word())
}
