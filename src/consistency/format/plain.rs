//! Lines exactly as our recorder writes them, read without a detour. Anything else is left to the reader of JSON, errors above
//! all: this one says only that it has no opinion.

use std::borrow::Cow;

use super::native::Line;
use super::seen::Seen;
use crate::history::Value;

/// The event of a line; none where somebody else must look.
#[inline]
#[expect(clippy::many_single_char_names, reason = "the fields of a line have these names")]
pub(super) fn line(text: &str) -> Option<Line<'_>> {
    let mut scan = Scan { text, at: 0 };
    scan.expect("{\"i\":")?;
    let i = scan.whole()?;
    scan.expect(",\"t\":")?;
    let t = scan.whole()?;
    scan.expect(",\"p\":")?;
    let p = u64::try_from(scan.whole()?).ok()?;
    scan.expect(",\"type\":")?;
    let kind = Cow::Borrowed(scan.text()?);
    scan.expect(",\"f\":")?;
    let f = Cow::Borrowed(scan.text()?);
    let given = |value: &Seen<'_>| *value != Seen::Nil;
    let k = if scan.finds(",\"k\":") { Some(scan.value()?).filter(given) } else { None };
    let v = if scan.finds(",\"v\":") { Some(scan.value()?).filter(given) } else { None };
    let node = if scan.finds(",\"node\":") { Some(Cow::Borrowed(scan.text()?)) } else { None };
    let saw = if scan.finds(",\"saw\":") { Some(scan.value()?) } else { None };
    if scan.finds(",\"revision\":") {
        scan.whole()?;
    }
    scan.expect("}")?;
    (scan.at == text.len()).then_some(Line { i, t, p, kind, f, k, v, node, saw })
}

/// Reads from the front.
struct Scan<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Scan<'a> {
    fn rest(&self) -> &'a [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    /// Passes over these bytes, if they come next.
    fn finds(&mut self, bytes: &str) -> bool {
        let found = self.rest().starts_with(bytes.as_bytes());
        if found {
            self.at += bytes.len();
        }
        found
    }

    fn expect(&mut self, bytes: &str) -> Option<()> {
        self.finds(bytes).then_some(())
    }

    /// A whole number of at most 18 digits, as JSON writes it.
    fn whole(&mut self) -> Option<i64> {
        let negative = self.finds("-");
        let rest = self.rest();
        let count = rest.iter().take(19).take_while(|byte| byte.is_ascii_digit()).count();
        let zero = rest.first() == Some(&b'0');
        // A fraction or an exponent would follow at once.
        let ends = matches!(rest.get(count), Some(b',' | b'}' | b']'));
        if count == 0 || count > 18 || !ends || (zero && (count > 1 || negative)) {
            return None;
        }
        let number = rest[..count].iter().fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
        self.at += count;
        Some(if negative { -number } else { number })
    }

    /// A text without anything that stands for something else.
    fn text(&mut self) -> Option<&'a str> {
        self.expect("\"")?;
        let plain = |byte: &&u8| !matches!(**byte, b'"' | b'\\' | 0..0x20);
        let end = self.at + self.rest().iter().take_while(plain).count();
        let text = self.text.get(self.at..end)?;
        self.at = end;
        self.expect("\"")?;
        Some(text)
    }

    /// A whole number, a text, nothing, or the two sides of a compare-and-set.
    fn value(&mut self) -> Option<Seen<'a>> {
        match self.rest().first()? {
            b'"' => Some(Seen::Text(Cow::Borrowed(self.text()?))),
            b'n' => self.expect("null").map(|()| Seen::Nil),
            b'[' => {
                self.at += 1;
                let from = self.side()?;
                self.expect(",")?;
                let to = self.side()?;
                self.expect("]")?;
                Some(Seen::Whole(Value::List([from, to].into())))
            }
            _ => self.whole().map(Seen::Int),
        }
    }

    fn side(&mut self) -> Option<Value> {
        if self.finds("null") { Some(Value::Nil) } else { self.whole().map(Value::Int) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn by_library(text: &str) -> Option<Line<'_>> {
        serde_json::from_str(text).ok()
    }

    #[test]
    fn what_a_recorder_writes_is_read_at_once() {
        for text in [
            r#"{"i":0,"t":-7,"p":3,"type":"invoke","f":"read","k":"k7"}"#,
            r#"{"i":1,"t":12,"p":3,"type":"ok","f":"read","k":"ключ","v":41,"node":"db-1"}"#,
            r#"{"i":1,"t":12,"p":3,"type":"fail","f":"cas","k":7,"v":[null,-5],"node":"db-1","saw":null,"revision":9}"#,
            r#"{"i":1,"t":12,"p":3,"type":"info","f":"cas","k":null,"v":[1,2]}"#,
        ] {
            let at_once = line(text);
            assert!(at_once.is_some() && at_once == by_library(text), "{text}");
        }
    }

    proptest! {
        #[test]
        fn what_is_read_at_once_is_what_the_library_reads(
            parts in prop::collection::vec(
                r#"(\{"i":|,"t":|,"p":|,"type":"ok"|,"f":"read"|,"k":|,"v":|,"node":|,"saw":|,"revision":|\}|"[a-zé\\\n]{0,2}"|-?[0-9]{1,3}|-0|0[0-9]|[0-9]{17,20}|[0-9]\.5|1e3|null|true|\[[0-9],(null|-?[0-9])\]|\[\]| )"#,
                0..4,
            ),
            at in any::<usize>(),
            value in r#"(-?(0|[1-9][0-9]{0,19})|0[0-9]|-0|[0-9]\.5|1e3|null|true|"[a-zé\\\n]{0,3}"|\[[0-9],(null|-?[0-9])\])"#,
        ) {
            let whole = format!(
                r#"{{"i":1,"t":12,"p":{value},"type":"ok","f":"read","k":{value},"v":{value},"saw":{value},"revision":3}}"#
            );
            let kept = whole.replacen(&format!(r#""p":{value}"#), r#""p":3"#, 1);
            for text in [&whole, &kept] {
                let places: Vec<usize> = text.char_indices().map(|(place, _)| place).collect();
                let (front, back) = text.split_at(places[at % places.len()]);
                for text in [text.clone(), format!("{front}{}{back}", parts.concat()), format!("{front}{}", parts.concat())] {
                    if let Some(at_once) = line(&text) {
                        prop_assert_eq!(Some(at_once), by_library(&text), "{}", text);
                    }
                }
            }
        }
    }
}
