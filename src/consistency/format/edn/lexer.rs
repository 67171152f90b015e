//! Cuts EDN into tokens without copying. Builds no values.

use std::borrow::Cow;

use super::super::error::{Wrong, quoted};
use super::scalar;

/// One token. Comments, white space and commas are none.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Token<'a> {
    /// `(`, `[`, `{` or `#{`.
    Open(Bracket),
    /// `)`, `]` or `}`.
    Close(Bracket),
    /// `:name`, without its colon.
    Keyword(&'a str),
    /// `name`.
    Symbol(&'a str),
    Nil,
    Bool(bool),
    Int(i64),
    /// Numbers that are not whole or not of 64 bits, as they are written.
    Number(&'a str),
    Text(Cow<'a, str>),
    Char(char),
    /// `#name`, before the value that it tags.
    Tag(&'a str),
    /// `#_`, before the value to leave out.
    Discard,
    End,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Bracket {
    Round,
    Square,
    Curly,
    /// Opens with `#{`, closes with `}`.
    Set,
}

impl Bracket {
    pub(super) const fn closing(self) -> char {
        match self {
            Self::Round => ')',
            Self::Square => ']',
            Self::Curly | Self::Set => '}',
        }
    }
}

/// Reads tokens from the front.
#[derive(Clone)]
pub(crate) struct Lexer<'a> {
    pub(super) text: &'a str,
    pub(super) at: usize,
    /// Where the last token begins.
    pub(crate) start: usize,
}

impl<'a> Lexer<'a> {
    pub(crate) fn new(text: &'a str) -> Self {
        Self { text, at: 0, start: 0 }
    }

    /// The next token; `End` at the end of the text.
    #[inline]
    pub(crate) fn token(&mut self) -> Result<Token<'a>, Wrong> {
        let bytes = self.text.as_bytes();
        loop {
            match bytes.get(self.at) {
                Some(b' ' | b',' | b'\n' | b'\t' | b'\r' | 0x0c | 0x0b) => self.at += 1,
                Some(b';') => self.at += self.text[self.at..].find('\n').unwrap_or(self.text.len() - self.at),
                _ => break,
            }
        }
        self.start = self.at;
        let Some(byte) = bytes.get(self.at) else { return Ok(Token::End) };
        self.at += 1;
        match byte {
            b'[' => Ok(Token::Open(Bracket::Square)),
            b']' => Ok(Token::Close(Bracket::Square)),
            b'{' => Ok(Token::Open(Bracket::Curly)),
            b'}' => Ok(Token::Close(Bracket::Curly)),
            b'(' => Ok(Token::Open(Bracket::Round)),
            b')' => Ok(Token::Close(Bracket::Round)),
            b':' => self.keyword(),
            b'0'..=b'9' => self.number(),
            b'-' | b'+' if bytes.get(self.at).is_some_and(u8::is_ascii_digit) => self.number(),
            b'"' => self.string().map(Token::Text),
            b'\\' => self.character(),
            b'#' => self.dispatch(),
            _ => self.symbol(),
        }
    }

    /// The text of the last token and what follows it directly, up to a delimiter.
    fn word(&mut self) -> &'a str {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|byte| is_delimiter(*byte)).unwrap_or(rest.len());
        &self.text[self.start..self.at]
    }

    fn keyword(&mut self) -> Result<Token<'a>, Wrong> {
        match &self.word()[1..] {
            "" => Err(Wrong::new("a colon without a name", "a keyword is written `:name`")),
            name => Ok(Token::Keyword(name)),
        }
    }

    fn number(&mut self) -> Result<Token<'a>, Wrong> {
        let word = self.word();
        scalar::number(word).ok_or_else(|| {
            Wrong::new(format!("{} is no number", quoted(word)), "put a space or a comma between two values")
        })
    }

    fn symbol(&mut self) -> Result<Token<'a>, Wrong> {
        match self.word() {
            "nil" => Ok(Token::Nil),
            "true" => Ok(Token::Bool(true)),
            "false" => Ok(Token::Bool(false)),
            word if word.starts_with(|first: char| {
                first.is_alphabetic() || (first.is_ascii_punctuation() && !"@^`'~%".contains(first))
            }) =>
            {
                Ok(Token::Symbol(word))
            }
            word => Err(Wrong::new(format!("{} is no EDN", quoted(word)), "is the file complete, and of this format?")),
        }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Wrong> {
        let start = self.at;
        let bytes = self.text.as_bytes();
        let mut escaped = false;
        while let Some(byte) = bytes.get(self.at) {
            match byte {
                b'"' => {
                    let raw = &self.text[start..self.at];
                    self.at += 1;
                    return if escaped { scalar::unescape(raw).map(Cow::Owned) } else { Ok(Cow::Borrowed(raw)) };
                }
                b'\\' => {
                    escaped = true;
                    self.at += 2;
                }
                _ => self.at += 1,
            }
        }
        self.at = bytes.len();
        Err(Wrong::new("a text that does not end", "the closing quote is missing; is the file cut off?"))
    }

    fn character(&mut self) -> Result<Token<'a>, Wrong> {
        let first = self.text[self.at..].chars().next();
        self.at += first.map_or(0, char::len_utf8);
        let word = &self.word()[1..];
        scalar::character(word).map(Token::Char).ok_or_else(|| {
            Wrong::new(format!("{} is no character", quoted(word)), r"a character is written \a, \newline or \u0041")
        })
    }

    fn dispatch(&mut self) -> Result<Token<'a>, Wrong> {
        match self.text.as_bytes().get(self.at) {
            Some(b'{') => {
                self.at += 1;
                Ok(Token::Open(Bracket::Set))
            }
            Some(b'_') => {
                self.at += 1;
                Ok(Token::Discard)
            }
            // ##Inf, ##-Inf, ##NaN
            Some(b'#') => {
                self.at += 1;
                Ok(Token::Number(&self.word()[2..]))
            }
            Some(byte) if byte.is_ascii_alphabetic() || *byte == b':' => {
                let word = self.word();
                Ok(Token::Tag(&word[1..]))
            }
            _ => Err(Wrong::new("a # before nothing", "a tag is written `#name value`, a set `#{…}`")),
        }
    }
}

const fn is_delimiter(byte: u8) -> bool {
    matches!(
        byte,
        b' ' | b',' | b'\n' | b'\t' | b'\r' | 0x0b | 0x0c | b'[' | b']' | b'{' | b'}' | b'(' | b')' | b'"' | b';'
    )
}
