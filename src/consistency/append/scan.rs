//! Steps over the bytes of plain EDN: brackets, keywords, whole numbers and `nil`. Anything else is nothing here.

/// Bytes that end a word.
static DELIMITER: [bool; 256] = {
    let mut table = [false; 256];
    let bytes = b" ,\n\t\r[]{}";
    let mut at = 0;
    while at < bytes.len() {
        table[bytes[at] as usize] = true;
        at += 1;
    }
    table
};

/// The number of a keyword's name.
pub(super) const fn word(name: &[u8]) -> u64 {
    let mut packed = 0;
    let mut at = 0;
    while at < name.len() {
        packed = packed << 8 | name[at] as u64;
        at += 1;
    }
    packed
}

/// Reads from the front. Commas and white space are passed over; nothing is copied.
pub(super) struct Scan<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scan<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0 }
    }

    #[inline]
    fn peek(&mut self) -> Option<u8> {
        loop {
            let byte = *self.bytes.get(self.at)?;
            if !matches!(byte, b' ' | b',' | b'\n' | b'\t' | b'\r') {
                return Some(byte);
            }
            self.at += 1;
        }
    }

    /// Passes this byte if it is next.
    #[inline]
    pub(super) fn passes(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    #[inline]
    pub(super) fn expect(&mut self, byte: u8) -> Option<()> {
        self.passes(byte).then_some(())
    }

    pub(super) fn at_end(&mut self) -> bool {
        self.peek().is_none()
    }

    /// `:name` as the number that `word` makes of it; names are of at most eight bytes.
    #[inline]
    pub(super) fn keyword(&mut self) -> Option<u64> {
        self.expect(b':')?;
        let start = self.at;
        let mut packed = 0_u64;
        while let Some(byte) = self.bytes.get(self.at).filter(|byte| !DELIMITER[usize::from(**byte)]) {
            packed = packed << 8 | u64::from(*byte);
            self.at += 1;
        }
        (1..=8).contains(&(self.at - start)).then_some(packed)
    }

    /// Passes over a keyword of any length.
    pub(super) fn any_keyword(&mut self) -> Option<()> {
        self.expect(b':')?;
        let start = self.at;
        while self.bytes.get(self.at).is_some_and(|byte| !DELIMITER[usize::from(*byte)]) {
            let plain = self.bytes[self.at].is_ascii_alphanumeric() || self.bytes[self.at] == b'-';
            plain.then(|| self.at += 1)?;
        }
        (self.at > start).then_some(())
    }

    pub(super) fn nil(&mut self) -> Option<()> {
        self.peek()?;
        self.bytes[self.at..].starts_with(b"nil").then(|| self.at += 3)?;
        self.ends().then_some(())
    }

    /// A whole number of up to eighteen digits.
    #[inline]
    pub(super) fn whole(&mut self) -> Option<i64> {
        let negative = self.peek()? == b'-';
        self.at += usize::from(negative);
        let start = self.at;
        let mut whole = 0_i64;
        while let Some(digit) = self.bytes.get(self.at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10)
        {
            whole = whole.wrapping_mul(10).wrapping_add(i64::from(digit));
            self.at += 1;
        }
        let sound = (1..=18).contains(&(self.at - start)) && self.ends();
        sound.then_some(if negative { -whole } else { whole })
    }

    /// The whole numbers up to the closing bracket of a list, whose opening one has been read.
    #[inline]
    pub(super) fn wholes(&mut self, list: &mut Vec<i64>) -> Option<()> {
        // Elements of one list are nearly always parted by one byte; anything else takes the careful way.
        loop {
            let mut at = self.at;
            let mut whole = 0_i64;
            while let Some(digit) = self.bytes.get(at).map(|byte| byte.wrapping_sub(b'0')).filter(|digit| *digit < 10) {
                whole = whole.wrapping_mul(10).wrapping_add(i64::from(digit));
                at += 1;
            }
            match self.bytes.get(at) {
                Some(b' ') if (1..=18).contains(&(at - self.at)) => {
                    list.push(whole);
                    self.at = at + 1;
                }
                Some(b']') if (1..=18).contains(&(at - self.at)) => {
                    list.push(whole);
                    self.at = at + 1;
                    return Some(());
                }
                _ if self.passes(b']') => return Some(()),
                _ => list.push(self.whole()?),
            }
        }
    }

    /// Whether a word ends here.
    #[inline]
    fn ends(&self) -> bool {
        self.bytes.get(self.at).is_none_or(|byte| DELIMITER[usize::from(*byte)])
    }
}
