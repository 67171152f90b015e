//! `driftproof agent` as a container runtime starts it: a process with two pipes, on loopback.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde_json::{Value, json};

struct Agent {
    child: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Agent {
    fn start(arguments: &[&str]) -> Self {
        let mut child = Command::new(env!("CARGO_BIN_EXE_driftproof"))
            .arg("agent")
            .args(arguments)
            // As in an image that has no certificates of authorities.
            .envs([("SSL_CERT_FILE", "/nonexistent"), ("SSL_CERT_DIR", "/nonexistent")])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .expect("the command starts");
        let input = child.stdin.take();
        let output = BufReader::new(child.stdout.take().expect("piped"));
        Self { child, input, output }
    }

    fn say(&mut self, message: &Value) {
        let input = self.input.as_mut().expect("open");
        input.write_all(format!("{message}\n").as_bytes()).expect("the agent reads");
    }

    fn order(&mut self, n: u64, order: &Value) {
        self.say(&json!({ "do": { "n": n, "order": order } }));
    }

    fn hello(&mut self, nonce: u64, after: u64) -> Value {
        self.say(&json!({ "hello": { "version": 2, "nonce": nonce, "after": after } }));
        self.until(|line| line["hello"]["nonce"] == nonce)
    }

    fn next(&mut self) -> Value {
        let mut line = String::new();
        let read = self.output.read_line(&mut line).expect("readable");
        assert!(read > 0, "the agent ended");
        serde_json::from_str(&line).unwrap_or_else(|error| panic!("{line}: {error}"))
    }

    /// The first line of which it holds; those before are left out.
    fn until(&mut self, holds: impl Fn(&Value) -> bool) -> Value {
        loop {
            let line = self.next();
            if holds(&line) {
                return line;
            }
        }
    }

    /// Closes its input and waits until it has ended.
    fn end(mut self) -> (Option<i32>, String) {
        drop(self.input.take());
        let mut rest = String::new();
        let _ = self.output.read_to_string(&mut rest);
        (self.child.wait().expect("it ends").code(), rest)
    }
}

impl Drop for Agent {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A server that answers `/` with 200 and everything else with 404.
fn server() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("bound").to_string();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut request = [0_u8; 4096];
            let read = stream.read(&mut request).unwrap_or_default();
            let found = request[..read].starts_with(b"GET / ");
            let status = if found { "200 OK" } else { "404 Not Found" };
            let _ = stream.write_all(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n").as_bytes());
        }
    });
    address
}

fn ask(kind: &str, to: &str, path: &str) -> Value {
    json!({ "kind": kind, "to": to, "path": path, "status": [], "timeout": 5_000_000 })
}

#[test]
fn probes_answer_over_a_stream_that_is_taken_up_again() {
    let address = server();
    let mut agent = Agent::start(&["--idle-exit", "60s"]);
    assert_eq!(agent.hello(1, 0)["hello"]["seen"], 0);
    agent.say(&json!({ "ping": 9 }));
    let pong = agent.until(|line| line["pong"]["ping"] == 9);
    assert!(pong["pong"]["at"].is_u64(), "{pong}");
    let url = format!("http://{address}");
    agent.order(1, &json!({ "start": { "probe": 0, "ask": ask("http", &url, "/"), "rate": 50.0 } }));
    agent.order(2, &json!({ "start": { "probe": 1, "ask": ask("http", &url, "/gone"), "rate": 50.0 } }));
    // Half a line, as a stream that breaks leaves it.
    agent.input.as_mut().expect("open").write_all(b"{\"do\":{\"n\":3,\"ord").expect("the agent reads");
    agent.say(&json!(null));
    let ok = agent.until(|line| line["news"]["news"]["attempt"]["probe"] == 0);
    assert_eq!(ok["news"]["news"]["attempt"]["outcome"], "ok", "{ok}");
    let other = agent.until(|line| line["news"]["news"]["attempt"]["probe"] == 1);
    assert_eq!(other["news"]["news"]["attempt"]["status"], 404, "{other}");

    let resumed = agent.hello(2, 1);
    assert_eq!(resumed["hello"]["seen"], 2, "{resumed}");
    assert_eq!(agent.next()["news"]["n"], 2, "what the runner has not heard is said again");
    // An order that is repeated is not done again.
    agent.order(2, &json!({ "start": { "probe": 2, "ask": ask("http", &url, "/"), "rate": 50.0 } }));
    for (n, probe) in [(3, 0), (4, 1)] {
        agent.order(n, &json!({ "stop": { "probe": probe } }));
        let stopped = |line: &Value| line["news"]["news"]["stopped"]["probe"] == probe;
        let mut numbers = Vec::new();
        loop {
            let line = agent.next();
            numbers.push(line["news"]["n"].as_u64().expect("only news"));
            assert_ne!(line["news"]["news"]["attempt"]["probe"], 2, "{line}");
            if stopped(&line) {
                break;
            }
        }
        assert!(numbers.windows(2).all(|pair| pair[1] == pair[0] + 1), "{numbers:?}");
    }
    agent.say(&json!("bye"));
    assert_eq!(agent.end(), (Some(0), String::new()));
}

#[test]
fn connections_are_opened_held_and_closed() {
    let address = server();
    let mut agent = Agent::start(&["--idle-exit", "60s"]);
    agent.hello(1, 0);
    agent.order(1, &json!({ "open": { "id": 7, "to": address, "timeout": 5_000_000 } }));
    let opened = agent.until(|line| line["news"]["news"]["done"]["id"] == 7);
    assert_eq!(opened["news"]["news"]["done"]["answer"], json!({ "passed": null }));
    agent.order(2, &json!({ "trip": { "id": 8, "connection": 7, "timeout": 1_000_000 } }));
    let trip = agent.until(|line| line["news"]["news"]["done"]["id"] == 8);
    assert_eq!(trip["news"]["news"]["done"]["answer"], json!({ "passed": null }), "the server's kernel answers for it");
    agent.order(3, &json!({ "close": { "connection": 7 } }));
    agent.order(4, &json!({ "trip": { "id": 9, "connection": 7, "timeout": 1_000_000 } }));
    let closed = agent.until(|line| line["news"]["news"]["done"]["id"] == 9);
    assert!(closed["news"]["news"]["done"]["answer"]["unsupported"].is_string(), "{closed}");
    agent.order(5, &json!({ "try": { "id": 10, "ask": ask("tcp", "127.0.0.1:1", "/") } }));
    let refused = agent.until(|line| line["news"]["news"]["done"]["id"] == 10);
    assert!(refused["news"]["news"]["done"]["answer"]["refused"].is_string(), "{refused}");
}

#[test]
fn an_agent_that_nobody_speaks_to_ends_by_itself() {
    for closed in [false, true] {
        let mut agent = Agent::start(&["--idle-exit", "300ms"]);
        if closed {
            drop(agent.input.take());
        }
        assert_eq!(agent.child.wait().expect("it ends").code(), Some(0), "input closed: {closed}");
    }
}

#[test]
fn it_is_explained_to_who_asks_and_hidden_from_who_does_not() {
    let help = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_driftproof")).args(arguments).output().expect("it starts");
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert!(!help(&["--help"]).contains("agent"), "{}", help(&["--help"]));
    let own = help(&["agent", "--help"]);
    for part in ["--idle-exit", "--listen", "standard input", "acknowledged"] {
        assert!(own.contains(part), "{own}");
    }
}
