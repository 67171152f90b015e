//! Values made of tokens. Depth is limited, so that no file can exhaust the stack.

use std::sync::Arc;

use super::super::error::{Wrong, quoted};
use super::lexer::{Bracket, Lexer, Token};
use crate::history::Value;

/// Deeper nesting is refused.
const DEPTH_MAX: usize = 100;

/// The next value, or none at the end of the text.
pub(in crate::format) fn value(lexer: &mut Lexer<'_>) -> Result<Option<Value>, Wrong> {
    match next(lexer, 0)? {
        Next::Value(value) => Ok(Some(value)),
        Next::End => Ok(None),
        Next::Close(bracket) => Err(stray(bracket)),
    }
}

/// Leaves out the next value.
pub(in crate::format) fn skip(lexer: &mut Lexer<'_>) -> Result<(), Wrong> {
    value(lexer)?.map(drop).ok_or_else(|| Wrong::new("the text ends after #_", "#_ leaves out the value after it"))
}

enum Next {
    Value(Value),
    Close(Bracket),
    End,
}

fn next(lexer: &mut Lexer<'_>, depth: usize) -> Result<Next, Wrong> {
    if depth > DEPTH_MAX {
        return Err(Wrong::new(
            format!("values nested deeper than {DEPTH_MAX}"),
            "no operation needs that; is the file of this format?",
        ));
    }
    let value = match lexer.token()? {
        Token::End => return Ok(Next::End),
        Token::Close(bracket) => return Ok(Next::Close(bracket)),
        Token::Nil => Value::Nil,
        Token::Bool(value) => Value::Bool(value),
        Token::Int(value) => Value::Int(value),
        Token::Keyword(word) => Value::Keyword(Arc::from(word)),
        Token::Number(number) => decimal(number),
        // Texts that were printed without their quotes are symbols.
        Token::Symbol(text) => Value::Text(Arc::from(text)),
        Token::Text(text) => Value::Text(Arc::from(&*text)),
        Token::Char(character) => Value::Text(Arc::from(character.to_string())),
        // A tag says of which class a value was; the value is what counts.
        Token::Tag(tag) => match next(lexer, depth + 1)? {
            Next::Value(value) => value,
            Next::Close(_) | Next::End => {
                return Err(Wrong::new(
                    format!("the tag {} before nothing", quoted(tag)),
                    "a tag stands before a value",
                ));
            }
        },
        Token::Discard => {
            return match next(lexer, depth + 1)? {
                Next::Value(_) => next(lexer, depth + 1),
                Next::Close(_) | Next::End => Err(Wrong::new("#_ before nothing", "#_ leaves out the value after it")),
            };
        }
        Token::Open(Bracket::Curly) => map(lexer, depth)?,
        Token::Open(Bracket::Set) => Value::set(items(lexer, Bracket::Set, depth)?),
        Token::Open(bracket) => Value::List(items(lexer, bracket, depth)?.into()),
    };
    Ok(Next::Value(value))
}

fn map(lexer: &mut Lexer<'_>, depth: usize) -> Result<Value, Wrong> {
    let start = lexer.start;
    let items = items(lexer, Bracket::Curly, depth)?;
    if items.len() % 2 == 1 {
        lexer.start = start;
        return Err(Wrong::new("a map with a key that has no value", "maps are written {key value, key value}"));
    }
    let mut items = items.into_iter();
    let mut entries = Vec::with_capacity(items.len() / 2);
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        entries.push((key, value));
    }
    Value::map(entries).map_err(|key| {
        lexer.start = start;
        Wrong::new(format!("a map with the key {} twice", quoted(&key.to_string())), "a map has each of its keys once")
    })
}

/// Numbers that are not whole, in one form: as EDN has it, only numbers of one type are equal. Ratios and decimals stay as they
/// are written, large whole numbers lose their marks.
fn decimal(written: &str) -> Value {
    let body = written.strip_prefix('+').unwrap_or(written);
    if body.ends_with('M') || body.contains('/') {
        return Value::Number(Arc::from(body));
    }
    let digits = body.strip_suffix('N').unwrap_or(body);
    if digits.bytes().any(|byte| byte.is_ascii_digit())
        && digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-')
    {
        return Value::Number(Arc::from(digits));
    }
    body.parse::<f64>().map_or_else(|_| Value::Number(Arc::from(body)), Value::decimal)
}

fn items(lexer: &mut Lexer<'_>, bracket: Bracket, depth: usize) -> Result<Vec<Value>, Wrong> {
    let mut items = Vec::new();
    loop {
        match next(lexer, depth + 1)? {
            Next::Value(value) => items.push(value),
            Next::Close(close) if close.closing() == bracket.closing() => return Ok(items),
            Next::Close(close) => return Err(stray(close)),
            Next::End => {
                return Err(Wrong::new(
                    format!("the text ends before a closing {}", bracket.closing()),
                    "the file is cut off; remove its last, unfinished event, or record it again",
                ));
            }
        }
    }
}

pub(super) fn stray(bracket: Bracket) -> Wrong {
    Wrong::new(
        format!("a closing {} that was never opened", bracket.closing()),
        "brackets must match; is the file complete?",
    )
}
