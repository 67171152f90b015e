//! Against a server on loopback that speaks the websocket of the `exec` subresource, and says what it is told to say.

use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::{ExecError, Limits, Output, run};

const OUT: u8 = 1;
const ERR: u8 = 2;
const STATUS: u8 = 3;

const SUCCESS: &str = r#"{"metadata":{},"status":"Success"}"#;
const EXIT_3: &str = r#"{"metadata":{},"status":"Failure","message":"command terminated with non-zero exit code","reason":"NonZeroExitCode","details":{"causes":[{"reason":"ExitCode","message":"3"}]}}"#;
const NO_SHELL: &str = r#"{"metadata":{},"status":"Failure","message":"exec: \"sh\": executable file not found in $PATH","reason":"InternalError","code":500}"#;

/// What the server does once a command runs.
#[derive(Clone)]
enum Act {
    Say(u8, String),
    /// Sends back what it is given, and what was sent with it.
    Echo,
    /// Closes the connection.
    Leave,
    /// Says nothing any more.
    Wait,
}

/// SHA-1 (FIPS 180-4), which the handshake of RFC 6455 wants.
fn sha1(message: &[u8]) -> Vec<u8> {
    let mut padded = message.to_vec();
    padded.push(0x80);
    padded.resize(padded.len().next_multiple_of(64), 0);
    if padded.len() - message.len() < 9 {
        padded.resize(padded.len() + 64, 0);
    }
    let end = padded.len();
    padded[end - 8..].copy_from_slice(&(message.len() as u64 * 8).to_be_bytes());
    let mut state: [u32; 5] = [0x6745_2301, 0xefcd_ab89, 0x98ba_dcfe, 0x1032_5476, 0xc3d2_e1f0];
    for block in padded.chunks(64) {
        let mut words: Vec<u32> =
            block.chunks(4).map(|word| u32::from_be_bytes(word.try_into().expect("four bytes"))).collect();
        for at in 16..80 {
            words.push((words[at - 3] ^ words[at - 8] ^ words[at - 14] ^ words[at - 16]).rotate_left(1));
        }
        let mut now = state;
        for (at, word) in words.iter().enumerate() {
            let [first, one, two, three, last] = now;
            let (mixed, constant) = match at {
                0..20 => ((one & two) | (!one & three), 0x5a82_7999),
                20..40 => (one ^ two ^ three, 0x6ed9_eba1),
                40..60 => ((one & two) | (one & three) | (two & three), 0x8f1b_bcdc),
                _ => (one ^ two ^ three, 0xca62_c1d6_u32),
            };
            let next = first.rotate_left(5).wrapping_add(mixed).wrapping_add(last);
            now = [next.wrapping_add(constant).wrapping_add(*word), first, one.rotate_left(30), two, three];
        }
        for (sum, value) in state.iter_mut().zip(now) {
            *sum = sum.wrapping_add(value);
        }
    }
    state.iter().flat_map(|word| word.to_be_bytes()).collect()
}

async fn serve(stream: TcpStream, acts: Vec<Act>) {
    let mut stream = BufReader::new(stream);
    let mut key = String::new();
    loop {
        let mut line = String::new();
        stream.read_line(&mut line).await.expect("a request");
        if line.trim().is_empty() {
            break;
        }
        if let Some((name, value)) = line.split_once(':')
            && name.eq_ignore_ascii_case("sec-websocket-key")
        {
            value.trim().clone_into(&mut key);
        }
    }
    let accept = STANDARD.encode(sha1(format!("{key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11").as_bytes()));
    let head = format!(
        "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: Upgrade\r\nsec-websocket-accept: {accept}\r\nsec-websocket-protocol: v5.channel.k8s.io\r\n\r\n"
    );
    stream.write_all(head.as_bytes()).await.expect("it listens");
    for act in acts {
        let sent = match act {
            Act::Say(channel, text) => say(&mut stream, channel, text.as_bytes()).await,
            Act::Echo => match heard(&mut stream).await {
                Ok(text) => say(&mut stream, OUT, &text).await,
                Err(error) => Err(error),
            },
            Act::Leave => return,
            Act::Wait => return std::future::pending().await,
        };
        // A client that has heard enough goes away.
        if sent.is_err() {
            return;
        }
    }
    let mut rest = Vec::new();
    let _ = stream.read_to_end(&mut rest).await;
}

/// One unmasked binary frame: its length, the channel, the text.
async fn say(stream: &mut BufReader<TcpStream>, channel: u8, text: &[u8]) -> std::io::Result<()> {
    let length = u16::try_from(text.len() + 1).expect("short").to_be_bytes();
    stream.write_all(&[0x82, 126, length[0], length[1], channel]).await?;
    stream.write_all(text).await
}

/// The next masked frame on the channel of standard input, without it.
async fn heard(stream: &mut BufReader<TcpStream>) -> std::io::Result<Vec<u8>> {
    let mut head = [0; 6];
    stream.read_exact(&mut head).await?;
    let mut text = vec![0; usize::from(head[1] & 0x7f)];
    stream.read_exact(&mut text).await?;
    for (at, byte) in text.iter_mut().enumerate() {
        *byte ^= head[2 + at % 4];
    }
    Ok(text.split_off(1))
}

/// Runs a command on a server that acts so.
async fn ran(input: Option<&[u8]>, limits: Limits, acts: &[Act]) -> Result<Output, ExecError> {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("bound");
    let acts = acts.to_vec();
    let server = tokio::spawn(async move { serve(listener.accept().await.expect("a client").0, acts).await });
    let url = format!("http://{address}").parse().expect("a URL");
    let client = kube::Client::try_from(kube::Config::new(url)).expect("a client");
    let pods: Api<Pod> = Api::namespaced(client, "shop");
    let result = run(&pods, "db-0", Some("db"), &["sh"], input, limits).await;
    server.abort();
    result
}

/// Longer than any machine needs for these.
const LONG: Limits = Limits { time: Duration::from_secs(60), bytes: 1 << 16 };

fn say_of(channel: u8, text: &str) -> Act {
    Act::Say(channel, text.to_owned())
}

#[tokio::test]
async fn complaints_that_fill_their_pipe_do_not_hold_up_the_output() {
    // As of a volume with files that may not be read.
    let complaints = "find: ./lost+found: Permission denied\n".repeat(54);
    let acts = [say_of(ERR, &complaints), say_of(OUT, "0a1b  ./file\n"), say_of(STATUS, SUCCESS)];
    let ended = ran(None, LONG, &acts).await.expect("it ends");
    assert_eq!(ended, Output { code: 0, stdout: "0a1b  ./file\n".to_owned(), stderr: complaints });
}

#[tokio::test]
async fn endless_complaints_are_read_and_not_kept() {
    let mut acts = vec![say_of(ERR, &"x".repeat(1000)); 100];
    acts.extend([say_of(OUT, "out"), say_of(STATUS, EXIT_3)]);
    let ended = ran(None, LONG, &acts).await.expect("it ends");
    assert_eq!((ended.code, ended.stdout.as_str(), ended.stderr.len()), (3, "out", super::COMPLAINT_MAX));
}

#[tokio::test]
async fn a_command_without_an_end_is_given_up() {
    let limits = Limits { time: Duration::from_millis(500), bytes: 100 };
    for acts in [vec![Act::Wait], vec![say_of(OUT, "begun"), Act::Wait]] {
        assert_eq!(ran(None, limits, &acts).await, Err(ExecError::Late(limits.time)));
    }
}

#[tokio::test]
async fn more_output_than_is_taken_is_no_answer() {
    let limits = Limits { bytes: 100, ..LONG };
    let acts = [say_of(OUT, &"x".repeat(101)), Act::Wait];
    assert_eq!(ran(None, limits, &acts).await, Err(ExecError::TooMuch(100)));
}

#[tokio::test]
async fn input_is_given() {
    let acts = [Act::Echo, say_of(STATUS, SUCCESS)];
    let ended = ran(Some(b"marker"), LONG, &acts).await.expect("it ends");
    assert_eq!(ended.stdout, "marker");
}

#[tokio::test]
async fn what_broke_off_or_was_not_run_is_told_apart() {
    assert_eq!(ran(None, LONG, &[say_of(OUT, "x"), Act::Leave]).await, Err(ExecError::BrokeOff));
    let refused = ran(None, LONG, &[say_of(STATUS, NO_SHELL)]).await.expect_err("there is no shell");
    assert!(matches!(&refused, ExecError::NotRun(why) if why.contains("executable file not found")), "{refused}");
}
