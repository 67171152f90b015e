//! What a command line of a hook or a probe tells without being run: how long it sleeps, and how it surely ends. Pure.
//! Never guesses: what it cannot read takes no time and succeeds.

use std::time::Duration;

/// What `sleep infinity` comes to: longer than any grace.
const FOR_EVER: Duration = Duration::from_secs(365 * 24 * 3600);
const SHELLS: [&str; 5] = ["sh", "bash", "ash", "dash", "zsh"];
/// Words of a shell before a command, which do not change how long it takes.
const PREFIXES: [&str; 8] = ["exec", "time", "nohup", "(", "{", "do", "then", "else"];

/// One command of a script.
struct Simple<'a> {
    words: Vec<&'a str>,
    /// Ended by `&`: the script does not wait for it.
    background: bool,
}

/// How long a command sleeps: the sum of its `sleep`s, each run once.
pub(crate) fn sleep_time(command: &[String]) -> Duration {
    let sleeps = simple_commands(command).into_iter().filter(|simple| !simple.background);
    sleeps.map(|simple| sleep_of(&simple.words)).fold(Duration::ZERO, Duration::saturating_add)
}

/// Whether a command only passes time: `sleep 5`, `sh -c "sleep 5"`, `true`.
pub(super) fn is_idle(command: &[String]) -> bool {
    let all = simple_commands(command);
    !all.is_empty() && all.iter().all(|simple| matches!(name(&simple.words), Some("sleep" | "true" | ":")))
}

/// The exit code of a command that ends with `false` or `exit N`; 0 for any other.
pub(crate) fn stated_exit_code(command: &[String]) -> i32 {
    let all = simple_commands(command);
    let Some(last) = all.last() else { return 0 };
    match name(&last.words) {
        Some("false") => 1,
        Some("exit") => last.words.get(1).and_then(|code| code.parse().ok()).unwrap_or(0),
        Some(_) | None => 0,
    }
}

fn simple_commands(command: &[String]) -> Vec<Simple<'_>> {
    let Some(first) = command.first() else { return Vec::new() };
    let shell = SHELLS.contains(&base(first));
    let script = command.iter().skip(1).skip_while(|part| !(part.starts_with('-') && part.ends_with('c'))).nth(1);
    match script.filter(|_| shell) {
        Some(script) => split(script),
        None if shell => Vec::new(),
        None => vec![Simple { words: command.iter().map(String::as_str).collect(), background: false }],
    }
}

/// Cuts a script at `;`, line ends, `&&`, `||`, `|` and `&`.
fn split(script: &str) -> Vec<Simple<'_>> {
    let mut found = Vec::new();
    let mut rest = script;
    loop {
        let end = rest.find([';', '\n', '&', '|']).unwrap_or(rest.len());
        let (text, mark) = rest.split_at(end);
        let double = mark.starts_with("&&") || mark.starts_with("||");
        let mut words: Vec<_> = text.split_whitespace().collect();
        while words.first().is_some_and(|word| PREFIXES.contains(word)) {
            words.remove(0);
        }
        if !words.is_empty() {
            found.push(Simple { words, background: mark.starts_with('&') && !double });
        }
        match mark.get(if double { 2 } else { 1 }..) {
            Some(next) => rest = next,
            None => return found,
        }
    }
}

fn base(word: &str) -> &str {
    word.rsplit('/').next().unwrap_or(word)
}

fn name<'a>(words: &[&'a str]) -> Option<&'a str> {
    words.first().map(|word| base(word.trim_start_matches(['(', '{'])))
}

fn sleep_of(words: &[&str]) -> Duration {
    if name(words) != Some("sleep") {
        return Duration::ZERO;
    }
    words[1..].iter().filter_map(|word| read(word)).fold(Duration::ZERO, Duration::saturating_add)
}

/// `5`, `0.5`, `5s`, `2m`, `1h`, `1d`, `infinity`.
fn read(word: &str) -> Option<Duration> {
    let word = word.trim_matches(['"', '\'', ')', '}']);
    if word == "infinity" {
        return Some(FOR_EVER);
    }
    let (number, unit) = match word.char_indices().last()? {
        (at, 's') => (&word[..at], 1.0),
        (at, 'm') => (&word[..at], 60.0),
        (at, 'h') => (&word[..at], 3600.0),
        (at, 'd') => (&word[..at], 86_400.0),
        _ => (word, 1.0),
    };
    let seconds = number.parse::<f64>().ok()? * unit;
    Duration::try_from_secs_f64(seconds.min(FOR_EVER.as_secs_f64())).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(command: &[&str]) -> Vec<String> {
        command.iter().map(|word| (*word).to_owned()).collect()
    }

    #[test]
    fn sleeps_are_added_up() {
        for (command, seconds) in [
            (vec!["sleep", "20"], 20.0),
            (vec!["/bin/sleep", "1m", "5"], 65.0),
            (vec!["sh", "-c", "sleep 20"], 20.0),
            (vec!["/bin/bash", "-ec", "sleep 5; nginx -s quit && sleep 0.5"], 5.5),
            (vec!["sh", "-c", "sleep 30 & wait_for_it"], 0.0),
            (vec!["sh", "-c", "kill -QUIT 1\nexec sleep 3s"], 3.0),
            (vec!["sh", "-c", "(sleep 2)"], 2.0),
            (vec!["sh", "-c", "sleep $DELAY"], 0.0),
            (vec!["sh", "/hook.sh"], 0.0),
            (vec!["nginx", "-s", "sleep"], 0.0),
            (vec![], 0.0),
        ] {
            assert_eq!(sleep_time(&words(&command)), Duration::from_secs_f64(seconds), "{command:?}");
        }
        assert_eq!(sleep_time(&words(&["sleep", "infinity"])), FOR_EVER);
    }

    #[test]
    fn idle_commands_and_stated_ends_are_seen() {
        for (command, idle, code) in [
            (vec!["true"], true, 0),
            (vec!["sh", "-c", "sleep 5 && true"], true, 0),
            (vec!["sh", "-c", "sleep 5; exit 3"], false, 3),
            (vec!["/bin/false"], false, 1),
            (vec!["pg_isready"], false, 0),
            (vec![], false, 0),
        ] {
            let command = words(&command);
            assert_eq!((is_idle(&command), stated_exit_code(&command)), (idle, code), "{command:?}");
        }
    }
}
