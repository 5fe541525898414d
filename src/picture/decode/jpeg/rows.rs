//! Whether a JPEG has all its rows: its scans are read without making pixels of them.
//!
//! Decoders go on with grey, or with whatever zeros mean, where data ends early, and say nothing.

use super::bits::{Bits, Ended, Table};
use super::frame::{Component, Frame, next_segment};

/// Scans of a picture that are read; nobody writes more.
pub(super) const MOST_SCANS: usize = 100;

/// Whether the coded data ends before the picture does. A missing end marker alone is no fault,
/// and of kinds of coding that are not known here nothing is said.
pub(super) fn are_missing(bytes: &[u8]) -> bool {
    let Some(frame) = Frame::read(bytes) else {
        return true;
    };
    if !matches!(frame.kind, 0xc0..=0xc2) || frame.precision != 8 || frame.height == 0 {
        return false;
    }
    !Walk::over(&frame, bytes).ends_well(bytes)
}

/// So many zeros at the end of a file are no coded data: its place was kept and never filled.
const FILLING: usize = 64;

/// Where the zeros begin with which a file ends that has no end marker; they read as coded data, too.
fn filling(bytes: &[u8]) -> Option<usize> {
    let last = bytes.iter().rposition(|byte| *byte != 0)?;
    let has_end = bytes[..=last].ends_with(b"\xff\xd9");
    (bytes.len() - last > FILLING && !has_end).then_some(last + 1)
}

/// The tables and coefficients that the next scan needs.
struct Walk<'a> {
    frame: &'a Frame,
    dc: [Option<Table>; 4],
    ac: [Option<Table>; 4],
    interval: usize,
    channels: Vec<Channel>,
}

/// Nothing of a coefficient has come.
const ALL_BITS: u8 = u8::MAX;

/// A component's blocks.
struct Channel {
    component: Component,
    columns: usize,
    rows: usize,
    /// Of each block, which coefficients are not zero: later scans depend on that.
    nonzero: Vec<u64>,
    /// Of each coefficient, how many of its lowest bits have not come yet; [`ALL_BITS`] if none has.
    missing_bits: [u8; 64],
}

/// A scan's header.
struct Scan {
    /// Numbers of components, with their tables.
    parts: Vec<(usize, usize, usize)>,
    first: u32,
    last: u32,
    refines: bool,
    /// How many of the lowest bits are left to later scans.
    low: u8,
}

impl<'a> Walk<'a> {
    fn over(frame: &'a Frame, bytes: &[u8]) -> Self {
        let (across, down) = frame.most();
        let blocks = |side: u16, part: u8, most: u32| {
            (u32::from(side) * u32::from(part)).div_ceil(8 * most) as usize
        };
        let channels = frame.components.iter().map(|component| {
            let columns = blocks(frame.width, component.across, across);
            let rows = blocks(frame.height, component.down, down);
            let kept = if frame.is_progressive() {
                columns * rows
            } else {
                0
            };
            Channel {
                component: *component,
                columns,
                rows,
                nonzero: vec![0; kept],
                missing_bits: [ALL_BITS; 64],
            }
        });
        let channels = channels.collect();
        let mut walk = Self {
            frame,
            dc: [const { None }; 4],
            ac: [const { None }; 4],
            interval: 0,
            channels,
        };
        walk.read_tables(bytes, 2, frame.first_scan - 4);
        walk
    }

    fn read_tables(&mut self, bytes: &[u8], mut at: usize, end: usize) {
        while at < end
            && let Some(segment) = next_segment(bytes, at)
            && segment.start <= end
        {
            self.read_table(segment.kind, &bytes[segment.start..segment.end]);
            at = segment.end;
        }
    }

    fn read_table(&mut self, kind: u8, mut data: &[u8]) {
        match kind {
            0xc4 => {
                while let Some((class, table, rest)) = Table::read(data) {
                    let tables = if class >> 4 == 0 {
                        &mut self.dc
                    } else {
                        &mut self.ac
                    };
                    if let Some(place) = tables.get_mut(usize::from(class & 15)) {
                        *place = Some(table);
                    }
                    data = rest;
                }
            }
            0xdd => {
                let interval = data.first_chunk().map(|two| u16::from_be_bytes(*two));
                self.interval = interval.unwrap_or(0).into();
            }
            _ => {}
        }
    }

    /// Reads all scans; whether each is whole, and they make a picture.
    fn ends_well(mut self, bytes: &[u8]) -> bool {
        let mut at = self.frame.first_scan - 4;
        let mut has_end = false;
        let zeros = filling(bytes);
        for _ in 0..MOST_SCANS {
            let Some(segment) = next_segment(bytes, at) else {
                break;
            };
            let data = &bytes[segment.start..segment.end];
            at = segment.end;
            match segment.kind {
                0xd9 => {
                    has_end = true;
                    break;
                }
                0xda => {
                    let Some(scan) = self.scan(data) else {
                        return false;
                    };
                    let Some(end) = self.end_of(&scan, bytes, at) else {
                        return false;
                    };
                    if zeros.is_some_and(|zeros| end >= zeros + FILLING / 2) {
                        return false;
                    }
                    at = end;
                }
                kind => self.read_table(kind, data),
            }
        }
        // A progressive picture may end before it is as fine as it could be (T.81, G.1.1.1): then it
        // is soft, and shows what it shows. Without its end marker it was cut.
        let has_means = |channel: &Channel| channel.missing_bits[0] < ALL_BITS;
        has_end && self.channels.iter().all(has_means) || self.is_refined()
    }

    /// Whether the picture came as fine as it can be: of brightness all, of colours the means.
    fn is_refined(&self) -> bool {
        let means = self.channels.iter().map(|channel| channel.missing_bits[0]);
        let first = self.channels.iter().take(1);
        let mut first = first.flat_map(|channel| channel.missing_bits);
        means.into_iter().all(|bits| bits == 0) && first.all(|bits| bits == 0)
    }

    fn scan(&self, data: &[u8]) -> Option<Scan> {
        let (count, rest) = data.split_first()?;
        let (parts, rest) = rest.split_at_checked(2 * usize::from(*count))?;
        let parts = parts.as_chunks::<2>().0.iter().map(|[id, tables]| {
            let mut components = self.frame.components.iter();
            let component = components.position(|component| component.id == *id)?;
            Some((
                component,
                usize::from(tables >> 4 & 3),
                usize::from(tables & 3),
            ))
        });
        let parts = parts.collect::<Option<Vec<_>>>()?;
        let &[first, last, bits] = rest.first_chunk::<3>()?;
        let is_progressive = self.frame.is_progressive();
        (!parts.is_empty()).then_some(Scan {
            parts,
            first: if is_progressive {
                first.min(63).into()
            } else {
                0
            },
            last: if is_progressive {
                last.min(63).into()
            } else {
                63
            },
            refines: is_progressive && bits >> 4 > 0,
            low: if is_progressive { bits & 15 } else { 0 },
        })
    }

    /// Where the scan that begins at `at` ends; `None` if it ends before its last unit.
    fn end_of(&mut self, scan: &Scan, bytes: &[u8], at: usize) -> Option<usize> {
        let (across, down) = self.frame.most();
        let units = |side: u16, most: u32| u32::from(side).div_ceil(8 * most) as usize;
        let (columns, rows) = match scan.parts[..] {
            [(component, ..)] => {
                let channel = &self.channels[component];
                (channel.columns, channel.rows)
            }
            _ => (
                units(self.frame.width, across),
                units(self.frame.height, down),
            ),
        };
        let mut bits = Bits::new(bytes, at);
        let mut run = 0;
        let mut unit = 0;
        while unit < columns * rows {
            if self.interval > 0 && unit > 0 && unit.is_multiple_of(self.interval) {
                bits.restart()?;
                run = 0;
            }
            let read = self.unit(scan, unit, &mut bits, &mut run);
            if read.is_ok() && !bits.is_over() {
                unit += 1;
            } else if let Some(interval) = unit.checked_div(self.interval) {
                // Decoders go on behind the next mark.
                unit = (interval + 1) * self.interval;
                if unit >= columns * rows {
                    return None;
                }
            } else {
                return None;
            }
        }
        for (component, ..) in &scan.parts {
            let channel = &mut self.channels[*component];
            // Both are at most 63.
            for place in scan.first..=scan.last {
                channel.missing_bits[place as usize] = scan.low;
            }
        }
        Some(bits.at())
    }

    fn unit(
        &mut self,
        scan: &Scan,
        unit: usize,
        bits: &mut Bits<'_>,
        run: &mut u32,
    ) -> Result<(), Ended> {
        let is_single = scan.parts.len() == 1;
        for &(component, dc, ac) in &scan.parts {
            let channel = &mut self.channels[component];
            let Component { across, down, .. } = channel.component;
            let blocks = if is_single { 1 } else { across * down };
            let (dc, ac) = (self.dc[dc].as_ref(), self.ac[ac].as_ref());
            for _ in 0..blocks {
                if !self.frame.is_progressive() {
                    bits.difference(dc.ok_or(Ended)?)?;
                    bits.sequential(ac.ok_or(Ended)?)?;
                } else if scan.first == 0 {
                    if scan.refines {
                        bits.skip(1);
                    } else {
                        bits.difference(dc.ok_or(Ended)?)?;
                    }
                } else {
                    let nonzero = channel.nonzero.get_mut(unit).ok_or(Ended)?;
                    let (table, range) = (ac.ok_or(Ended)?, scan.first..=scan.last);
                    if scan.refines {
                        bits.refine(table, range, nonzero, run)?;
                    } else {
                        bits.first_pass(table, range, nonzero, run)?;
                    }
                }
            }
        }
        Ok(())
    }
}
