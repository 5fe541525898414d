//! The coded data of a JPEG's scans, bit by bit (ITU-T T.81, annexes F and G).

use std::ops::RangeInclusive;

/// A code that no table has, or a coefficient that no block has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Ended;

/// Bits of a last unit that some encoders forget to write.
const FORGOTTEN: u32 = 32;

/// A Huffman table.
#[derive(Debug)]
pub(super) struct Table {
    /// For each length of a code: one more than the last code, and where its symbols are. A
    /// length without codes ends at zero.
    lengths: [(u32, i32); 16],
    symbols: Vec<u8>,
    /// The length and the symbol of the short codes, by their first bits.
    short: Box<[(u8, u8); 256]>,
}

impl Table {
    /// The table at the start of a segment's data: its class and number, itself, and the rest.
    pub(super) fn read(data: &[u8]) -> Option<(u8, Self, &[u8])> {
        let (class, rest) = data.split_first()?;
        let (counts, rest) = rest.split_first_chunk::<16>()?;
        let total = counts.iter().map(|count| usize::from(*count)).sum();
        let (symbols, rest) = rest.split_at_checked(total)?;
        let mut lengths = [(0, 0); 16];
        let mut short = Box::new([(0, 0); 256]);
        let (mut code, mut place) = (0u32, 0u32);
        for (i, count) in counts.iter().enumerate() {
            let count = u32::from(*count);
            lengths[i].1 = place.cast_signed() - code.cast_signed();
            for number in 0..count {
                let symbol = symbols[(place + number) as usize];
                if let Some(spread) = 7usize.checked_sub(i) {
                    let first = ((code + number) as usize) << spread;
                    let places = short.get_mut(first..first + (1 << spread))?;
                    // Below 8.
                    places.fill((i as u8 + 1, symbol));
                }
            }
            code += count;
            place += count;
            lengths[i].0 = if count > 0 { code } else { 0 };
            code <<= 1;
        }
        let symbols = symbols.to_vec();
        Some((
            *class,
            Self {
                lengths,
                symbols,
                short,
            },
            rest,
        ))
    }
}

/// A scan's bits. Behind their end they are zeros, which are counted.
#[derive(Debug)]
pub(super) struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    buffer: u64,
    count: u32,
    made_up: u32,
}

impl<'a> Bits<'a> {
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self {
            bytes,
            at,
            buffer: 0,
            count: 0,
            made_up: 0,
        }
    }

    /// Where the next marker is looked for.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// Whether more was taken than there is.
    pub(super) fn is_over(&self) -> bool {
        self.made_up > self.count + FORGOTTEN
    }

    /// Goes on behind the next restart mark; `None` if another marker or the end comes first.
    pub(super) fn restart(&mut self) -> Option<()> {
        let mut at = self.at;
        loop {
            at += self
                .bytes
                .get(at..)?
                .iter()
                .position(|byte| *byte == 0xff)?;
            match *self.bytes.get(at + 1)? {
                0xd0..=0xd7 => break,
                0x00 => at += 2,
                0xff => at += 1,
                _ => return None,
            }
        }
        *self = Self::new(self.bytes, at + 2);
        Some(())
    }

    fn fill(&mut self) {
        while self.count <= 48 {
            let byte = match self.bytes.get(self.at..) {
                Some(&[0xff, 0x00, ..]) => {
                    self.at += 2;
                    0xff
                }
                Some(&[byte, ..]) if byte != 0xff => {
                    self.at += 1;
                    byte
                }
                _ => {
                    // More is never asked for before it is looked at.
                    self.made_up = self.made_up.saturating_add(8);
                    0
                }
            };
            self.buffer = self.buffer << 8 | u64::from(byte);
            self.count += 8;
        }
    }

    fn peek(&self, bits: u32) -> u32 {
        // At most 16 bits.
        (self.buffer >> (self.count - bits)) as u32 & ((1 << bits) - 1)
    }

    fn take(&mut self, bits: u32) -> u32 {
        if self.count < bits {
            self.fill();
        }
        let value = self.peek(bits);
        self.count -= bits;
        value
    }

    pub(super) fn skip(&mut self, bits: u32) {
        self.take(bits.min(16));
    }

    fn symbol(&mut self, table: &Table) -> Result<u32, Ended> {
        if self.count < 16 {
            self.fill();
        }
        let (length, symbol) = table.short[self.peek(8) as usize];
        if length > 0 {
            self.count -= u32::from(length);
            return Ok(symbol.into());
        }
        let next = self.peek(16);
        for (length, (end, offset)) in (1u32..).zip(table.lengths) {
            let code = next >> (16 - length);
            if code < end {
                let place = usize::try_from(code.cast_signed() + offset).map_err(|_| Ended)?;
                self.count -= length;
                return table.symbols.get(place).map(|s| u32::from(*s)).ok_or(Ended);
            }
        }
        Err(Ended)
    }

    /// The difference of a block's brightness to that before.
    pub(super) fn difference(&mut self, table: &Table) -> Result<(), Ended> {
        let bits = self.symbol(table)?;
        self.skip(bits);
        Ok(())
    }

    /// The other coefficients of a block of a sequential picture.
    pub(super) fn sequential(&mut self, table: &Table) -> Result<(), Ended> {
        let mut k = 1;
        while k < 64 {
            let symbol = self.symbol(table)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => k += 16,
                (_, 0) => break,
                (zeros, bits) => {
                    k += zeros + 1;
                    self.skip(bits);
                }
            }
        }
        if k > 64 { Err(Ended) } else { Ok(()) }
    }

    /// A block's coefficients of a range, in the first scan that has them.
    pub(super) fn first_pass(
        &mut self,
        table: &Table,
        range: RangeInclusive<u32>,
        nonzero: &mut u64,
        run: &mut u32,
    ) -> Result<(), Ended> {
        if *run > 0 {
            *run -= 1;
            return Ok(());
        }
        let mut k = *range.start();
        while k <= *range.end() {
            let symbol = self.symbol(table)?;
            match (symbol >> 4, symbol & 15) {
                (15, 0) => k += 16,
                (length, 0) => {
                    *run = (1 << length) - 1 + self.take(length);
                    break;
                }
                (zeros, bits) => {
                    k += zeros;
                    if k > 63 {
                        return Err(Ended);
                    }
                    self.skip(bits);
                    *nonzero |= 1 << k;
                    k += 1;
                }
            }
        }
        Ok(())
    }

    /// A block's coefficients of a range, in a scan that makes them finer.
    pub(super) fn refine(
        &mut self,
        table: &Table,
        range: RangeInclusive<u32>,
        nonzero: &mut u64,
        run: &mut u32,
    ) -> Result<(), Ended> {
        let (mut k, end) = range.into_inner();
        while *run == 0 && k <= end {
            let symbol = self.symbol(table)?;
            let (mut zeros, bits) = (symbol >> 4, symbol & 15);
            if bits == 0 && zeros < 15 {
                *run = (1 << zeros) + self.take(zeros);
                break;
            }
            self.skip(bits.min(1));
            while k <= end {
                if *nonzero >> k & 1 == 1 {
                    self.skip(1);
                } else if zeros == 0 {
                    break;
                } else {
                    zeros -= 1;
                }
                k += 1;
            }
            if bits > 0 && k < 64 {
                *nonzero |= 1 << k;
            }
            k += 1;
        }
        if *run > 0 {
            for k in k..=end {
                if *nonzero >> k & 1 == 1 {
                    self.skip(1);
                }
            }
            *run -= 1;
        }
        Ok(())
    }
}
