//! The written forms of EDN's numbers, characters and texts. Knows no nesting.

use super::super::error::{Wrong, quoted};
use super::lexer::Token;

/// A number as it is written, sign included.
pub(super) fn number(word: &str) -> Option<Token<'_>> {
    if let Some(whole) = small(word.as_bytes()) {
        return Some(Token::Int(whole));
    }
    let digits = word.strip_suffix('N').unwrap_or(word);
    if let Ok(whole) = digits.parse::<i64>() {
        return Some(Token::Int(whole));
    }
    let body = digits.strip_prefix(['-', '+']).unwrap_or(digits);
    let is_whole = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    let is_ratio = body.split_once('/').is_some_and(|(above, below)| is_whole(above) && is_whole(below));
    let is_float = body.strip_suffix('M').unwrap_or(body).parse::<f64>().is_ok();
    (is_whole(body) || is_ratio || is_float).then_some(Token::Number(word))
}

/// The common case, in one pass: up to eighteen digits.
fn small(word: &[u8]) -> Option<i64> {
    let (negative, digits) = match word {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut whole = 0_i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        whole = whole * 10 + i64::from(digit);
    }
    Some(if negative { -whole } else { whole })
}

pub(super) fn character(word: &str) -> Option<char> {
    let mut characters = word.chars();
    match (characters.next(), characters.next()) {
        (Some(only), None) => Some(only),
        (Some('u'), Some(_)) => char::from_u32(u32::from_str_radix(&word[1..], 16).ok()?),
        _ => match word {
            "newline" => Some('\n'),
            "space" => Some(' '),
            "tab" => Some('\t'),
            "return" => Some('\r'),
            "formfeed" => Some('\x0c'),
            "backspace" => Some('\x08'),
            _ => None,
        },
    }
}

/// The inside of a text with escapes.
pub(super) fn unescape(raw: &str) -> Result<String, Wrong> {
    let mut text = String::with_capacity(raw.len());
    let mut rest = raw.chars();
    while let Some(character) = rest.next() {
        if character != '\\' {
            text.push(character);
            continue;
        }
        let escape = rest.next();
        text.push(match escape {
            Some('n') => '\n',
            Some('t') => '\t',
            Some('r') => '\r',
            Some('b') => '\x08',
            Some('f') => '\x0c',
            Some(same @ ('"' | '\\' | '/')) => same,
            Some('u') => unicode(&mut rest)?,
            other => return Err(no_escape(&other.map_or_else(|| "\\".to_owned(), |other| format!("\\{other}")))),
        });
    }
    Ok(text)
}

fn unicode(rest: &mut std::str::Chars<'_>) -> Result<char, Wrong> {
    let four = |rest: &mut std::str::Chars<'_>| {
        let digits: String = rest.take(4).collect();
        u32::from_str_radix(&digits, 16).map_err(|_| no_escape(&format!("\\u{digits}")))
    };
    let first = four(rest)?;
    // Half of a pair, as Java and JSON write characters beyond the first plane.
    if (0xd800..0xdc00).contains(&first) {
        if rest.next() != Some('\\') || rest.next() != Some('u') {
            return Err(no_escape(&format!("\\u{first:04x}")));
        }
        let second = four(rest)?;
        let joined = 0x1_0000 + ((first - 0xd800) << 10) + (second.wrapping_sub(0xdc00) & 0x3ff);
        return char::from_u32(joined).ok_or_else(|| no_escape(&format!("\\u{second:04x}")));
    }
    char::from_u32(first).ok_or_else(|| no_escape(&format!("\\u{first:04x}")))
}

fn no_escape(escape: &str) -> Wrong {
    Wrong::new(format!("{} is no escape", quoted(escape)), r#"texts know \n \t \r \b \f \" \\ and \u0041"#)
}
