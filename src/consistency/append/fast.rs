//! The short way from EDN to transactions, without a history in between. What it does not understand it leaves to the
//! reader that can say what is wrong: it returns nothing, and never guesses.

use super::builder::Builder;
use super::{Completion, Micro, Transactions, What};
use crate::consistency::format::{Bracket, Lexer, Token};

/// Processes are looked up in a table below this.
const PROCESS_MAX: usize = 1 << 24;
const NONE: u32 = u32::MAX;

/// Transactions of a file of maps in Jepsen's or Elle's EDN; none if any event is not of the plain kind.
#[must_use]
pub fn read(bytes: &[u8]) -> Option<Transactions> {
    let text = std::str::from_utf8(bytes).ok()?;
    let mut reader = Reader {
        lexer: Lexer::new(text),
        builder: Builder::default(),
        open: Vec::new(),
        events: 0,
        index: None,
        time: None,
        list: Vec::new(),
    };
    let mut around = false;
    loop {
        match reader.lexer.token().ok()? {
            Token::Open(Bracket::Curly) => reader.event()?,
            Token::Open(Bracket::Square) if !around => around = true,
            Token::Close(Bracket::Square) if around => around = false,
            Token::End if !around => return reader.builder.finish(),
            _ => return None,
        }
    }
}

struct Reader<'a> {
    lexer: Lexer<'a>,
    builder: Builder,
    /// The transaction that each process waits for.
    open: Vec<u32>,
    events: u32,
    index: Option<i64>,
    time: Option<i64>,
    list: Vec<i64>,
}

#[derive(Clone, Copy, PartialEq)]
enum Type {
    Invoke,
    End(Completion),
}

impl<'a> Reader<'a> {
    fn event(&mut self) -> Option<()> {
        let (mut kind, mut process, mut value, mut index, mut time) = (None, None, None, None, None);
        loop {
            match self.lexer.token().ok()? {
                Token::Close(Bracket::Curly) => break,
                Token::Keyword("type") => kind = Some(self.kind()?),
                Token::Keyword("process") => process = Some(usize::try_from(self.whole()?).ok()?),
                Token::Keyword("index") => index = Some(self.whole()?),
                Token::Keyword("time") => time = Some(self.whole()?),
                Token::Keyword("f") => {
                    let Token::Keyword("txn") = self.lexer.token().ok()? else { return None };
                }
                Token::Keyword("value") => {
                    // The value is read when type and process are known; here its end is found.
                    value = Some(self.lexer.clone());
                    self.skip()?;
                }
                _ => return None,
            }
        }
        self.ordered(index, time)?;
        let end = std::mem::replace(&mut self.lexer, value?);
        self.transaction(kind?, process?)?;
        self.lexer = end;
        self.events = self.events.checked_add(1)?;
        Some(())
    }

    fn ordered(&mut self, index: Option<i64>, time: Option<i64>) -> Option<()> {
        let forward = index.is_none_or(|index| index >= 0 && self.index.is_none_or(|last| index > last))
            && (index.is_some() || self.index.is_none())
            && time.is_none_or(|time| self.time.is_none_or(|last| time >= last));
        self.index = index.or(self.index);
        self.time = time.or(self.time);
        forward.then_some(())
    }

    fn kind(&mut self) -> Option<Type> {
        match self.lexer.token().ok()? {
            Token::Keyword("invoke") => Some(Type::Invoke),
            Token::Keyword("ok") => Some(Type::End(Completion::Ok)),
            Token::Keyword("fail") => Some(Type::End(Completion::Fail)),
            Token::Keyword("info") => Some(Type::End(Completion::Info)),
            _ => None,
        }
    }

    fn whole(&mut self) -> Option<i64> {
        let Token::Int(whole) = self.lexer.token().ok()? else { return None };
        Some(whole)
    }

    /// Passes over a value of brackets and scalars.
    fn skip(&mut self) -> Option<()> {
        let mut depth = 0_u32;
        loop {
            match self.lexer.token().ok()? {
                Token::Open(Bracket::Square) => depth += 1,
                Token::Close(Bracket::Square) => depth = depth.checked_sub(1)?,
                Token::Nil | Token::Int(_) | Token::Keyword(_) | Token::Bool(_) | Token::Text(_) => {}
                _ => return None,
            }
            if depth == 0 {
                return Some(());
            }
        }
    }

    fn transaction(&mut self, kind: Type, process: usize) -> Option<()> {
        if process >= self.open.len() {
            (process < PROCESS_MAX).then(|| self.open.resize((process + 1).next_power_of_two(), NONE))?;
        }
        match kind {
            Type::Invoke if self.open[process] == NONE => {
                self.builder.begin(process as u64, self.events);
                self.open[process] = self.builder.next() - 1;
                self.called()
            }
            Type::Invoke => None,
            Type::End(completion) => {
                let transaction = std::mem::replace(&mut self.open[process], NONE);
                (transaction != NONE).then_some(())?;
                self.builder.end(transaction, completion, self.events);
                if completion == Completion::Ok { self.answered(transaction) } else { Some(()) }
            }
        }
    }

    fn token(&mut self) -> Option<Token<'a>> {
        self.lexer.token().ok()
    }

    fn opens(&mut self) -> Option<()> {
        matches!(self.token()?, Token::Open(Bracket::Square)).then_some(())
    }

    fn closes(&mut self) -> Option<()> {
        matches!(self.token()?, Token::Close(Bracket::Square)).then_some(())
    }

    /// The micro-operations of a call.
    fn called(&mut self) -> Option<()> {
        self.opens()?;
        loop {
            match self.token()? {
                Token::Close(Bracket::Square) => return Some(()),
                Token::Open(Bracket::Square) => {}
                _ => return None,
            }
            let word = self.token()?;
            let key = self.whole()?;
            let key = self.builder.whole_key(key);
            let micro = match (word, self.token()?) {
                (Token::Keyword("append"), Token::Int(value)) => Micro { key, what: What::Append, value },
                (Token::Keyword("r"), Token::Nil) => Micro { key, what: What::Unread, value: 0 },
                _ => return None,
            };
            self.builder.push(micro);
            self.closes()?;
        }
    }

    /// The micro-operations of an answer, which must be those of the call.
    fn answered(&mut self, transaction: u32) -> Option<()> {
        self.opens()?;
        let mut at = 0;
        loop {
            match self.token()? {
                Token::Close(Bracket::Square) => return (at == self.builder.micro_count(transaction)).then_some(()),
                Token::Open(Bracket::Square) => {}
                _ => return None,
            }
            let word = self.token()?;
            let key = self.whole()?;
            let key = self.builder.whole_key(key);
            let called = *self.builder.micro(transaction, at)?;
            let read = match (word, self.token()?) {
                (Token::Keyword("append"), Token::Int(value)) => {
                    (called == Micro { key, what: What::Append, value }).then_some(called)?
                }
                (Token::Keyword("r"), token) if (called.key, called.what) == (key, What::Unread) => {
                    self.elements(token)?;
                    self.builder.read(key, &self.list, transaction)
                }
                _ => return None,
            };
            *self.builder.micro(transaction, at)? = read;
            self.closes()?;
            at += 1;
        }
    }

    /// The list that begins with this token.
    fn elements(&mut self, first: Token<'a>) -> Option<()> {
        self.list.clear();
        match first {
            Token::Nil => return Some(()),
            Token::Open(Bracket::Square) => {}
            _ => return None,
        }
        loop {
            match self.token()? {
                Token::Close(Bracket::Square) => return Some(()),
                Token::Int(value) => self.list.push(value),
                _ => return None,
            }
        }
    }
}
