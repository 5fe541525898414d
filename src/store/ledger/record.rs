//! The ledger's records: 64 bytes each, integers little-endian.
//!
//! | bytes | field |
//! |---|---|
//! | 0 | kind: 0 header, 1 opened, 2 started, 3 ended, 4 name |
//! | 1, 2, 3 | purpose, robots decision, outcome |
//! | 4..6 | HTTP status, 0 without an answer |
//! | 6 | 1 if the host is asked one request at a time |
//! | 8..16 | request number |
//! | 16..24 | time, ms since 1970 |
//! | 24..32 | host |
//! | 32..48 | address, IPv4 mapped into IPv6; 0 if it is not known |
//! | 48..52 | bytes of the body, at most 4 GiB - 1 |
//! | 52..56 | delay in force, ms |
//! | 56..60 | wait that the host asks for, ms from the record's time |
//! | 60..64 | CRC-32 of bytes 0..60 |
//!
//! The header has the magic in bytes 8..16, the version in 16..20 and in 24..32 its own
//! number, from which the file's records are numbered. A host's name stands in records in
//! a row, before the first request to it: the part's place in byte 1, the number of parts
//! in 2, the part's length in 3, the host in 8..16, the text in 16..60.

use std::net::{IpAddr, Ipv6Addr};

use super::labels::{Outcome, Purpose, RobotsDecision};
use crate::canonical_url::HostId;

/// Length of a record, in bytes.
pub(super) const LEN: usize = 64;
/// Where the checksum stands.
const CRC: usize = LEN - 4;
/// Where a part of a name stands.
const NAME: std::ops::Range<usize> = 16..CRC;
const MAGIC: [u8; 8] = *b"simdexRQ";
/// The format written and read here.
pub(super) const VERSION: u32 = 1;

/// One entry of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LedgerEntry {
    /// The ledger was opened: whatever was under way before has ended by then.
    Opened { time_ms: u64 },
    /// A request is about to be sent.
    Started(Start),
    /// It has ended.
    Ended(End),
    /// What a host is called.
    Name(NamePart),
}

/// A request, as it is known before it is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    /// Links the two entries of a request; never used twice in a ledger.
    pub(super) number: u64,
    /// When, in milliseconds since 1970.
    pub(super) time_ms: u64,
    pub(super) terms: RequestTerms,
}

/// Whom a request asks, what for, and why it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RequestTerms {
    /// The host.
    pub host: HostId,
    /// Its address, if it is already known.
    pub address: Option<IpAddr>,
    /// What the request is for.
    pub purpose: Purpose,
    /// Why robots.txt does not forbid it.
    pub robots: RobotsDecision,
    /// The gap that the host's delay asks for before this request, in milliseconds.
    pub delay_ms: u32,
    /// Whether the host is asked one request at a time: delays then count from the end of
    /// the last request, else from its start.
    pub serial: bool,
}

/// How and when a request ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct End {
    pub(super) number: u64,
    /// When, in milliseconds since 1970.
    pub(super) time_ms: u64,
    pub(super) host: HostId,
    pub(super) ending: Ending,
}

/// What came of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ending {
    /// The address that was asked, if it came so far.
    pub address: Option<IpAddr>,
    /// The HTTP status; 0 without an answer.
    pub status: u16,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes of the body that were read; more than fit are written as `u32::MAX`.
    pub bytes: u64,
    /// The delay that is in force now, in milliseconds: the least gap after this request.
    pub delay_ms: u32,
    /// How long the host asks not to be asked from now on (Retry-After, RFC 9110, section
    /// 10.2.3), in milliseconds; 0 if it does not say.
    pub wait_ms: u32,
}

/// A part of a host's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NamePart {
    pub(super) host: HostId,
    pub(super) place: u8,
    pub(super) parts: u8,
    length: u8,
    text: [u8; NAME.end - NAME.start],
}

impl LedgerEntry {
    /// When it was written, in milliseconds since 1970; names do not say.
    pub(super) fn time_ms(&self) -> Option<u64> {
        match self {
            Self::Opened { time_ms } => Some(*time_ms),
            Self::Started(start) => Some(start.time_ms),
            Self::Ended(end) => Some(end.time_ms),
            Self::Name(_) => None,
        }
    }

    pub(super) fn encode(&self) -> [u8; LEN] {
        let mut bytes = [0; LEN];
        put(&mut bytes, 16, &self.time_ms().unwrap_or(0).to_le_bytes());
        match self {
            Self::Opened { .. } => bytes[0] = 1,
            Self::Started(Start { number, terms, .. }) => {
                bytes[..3].copy_from_slice(&[2, terms.purpose.code(), terms.robots.code()]);
                bytes[6] = terms.serial.into();
                put(&mut bytes, 8, &number.to_le_bytes());
                put(&mut bytes, 24, &terms.host.0);
                put(&mut bytes, 32, &address_bytes(terms.address));
                put(&mut bytes, 52, &terms.delay_ms.to_le_bytes());
            }
            Self::Ended(End {
                number,
                host,
                ending,
                ..
            }) => {
                bytes[..4].copy_from_slice(&[3, 0, 0, ending.outcome.code()]);
                put(&mut bytes, 4, &ending.status.to_le_bytes());
                put(&mut bytes, 8, &number.to_le_bytes());
                put(&mut bytes, 24, &host.0);
                put(&mut bytes, 32, &address_bytes(ending.address));
                let length = u32::try_from(ending.bytes).unwrap_or(u32::MAX);
                put(&mut bytes, 48, &length.to_le_bytes());
                put(&mut bytes, 52, &ending.delay_ms.to_le_bytes());
                put(&mut bytes, 56, &ending.wait_ms.to_le_bytes());
            }
            Self::Name(part) => {
                bytes[..4].copy_from_slice(&[4, part.place, part.parts, part.length]);
                put(&mut bytes, 8, &part.host.0);
                put(&mut bytes, NAME.start, &part.text);
            }
        }
        seal(bytes)
    }

    /// `None` if the bytes are torn, damaged, or of a later simdex.
    pub(super) fn decode(bytes: &[u8; LEN]) -> Option<Self> {
        if !is_sound(bytes) {
            return None;
        }
        let number = u64::from_le_bytes(take(bytes, 8));
        let time_ms = u64::from_le_bytes(take(bytes, 16));
        let host = HostId(take(bytes, 24));
        let address = address(take(bytes, 32));
        let delay_ms = u32::from_le_bytes(take(bytes, 52));
        Some(match bytes[0] {
            1 => Self::Opened { time_ms },
            2 => Self::Started(Start {
                number,
                time_ms,
                terms: RequestTerms {
                    host,
                    address,
                    purpose: Purpose::from_code(bytes[1])?,
                    robots: RobotsDecision::from_code(bytes[2])?,
                    delay_ms,
                    serial: bytes[6] != 0,
                },
            }),
            3 => Self::Ended(End {
                number,
                time_ms,
                host,
                ending: Ending {
                    address,
                    status: u16::from_le_bytes(take(bytes, 4)),
                    outcome: Outcome::from_code(bytes[3])?,
                    bytes: u32::from_le_bytes(take(bytes, 48)).into(),
                    delay_ms,
                    wait_ms: u32::from_le_bytes(take(bytes, 56)),
                },
            }),
            4 => Self::Name(NamePart {
                host: HostId(take(bytes, 8)),
                place: bytes[1],
                parts: bytes[2],
                length: bytes[3],
                text: take(bytes, NAME.start),
            }),
            _ => return None,
        })
    }
}

impl NamePart {
    /// The parts of a name, in order.
    pub(super) fn split(host: HostId, name: &str) -> impl Iterator<Item = Self> {
        let chunks = name.as_bytes().chunks(NAME.len());
        // A name has at most 253 bytes; the reader would not accept the parts of a longer one.
        let parts = u8::try_from(chunks.len()).unwrap_or(0);
        (0..parts).zip(chunks).map(move |(place, chunk)| {
            let mut text = [0; NAME.end - NAME.start];
            text[..chunk.len()].copy_from_slice(chunk);
            Self {
                host,
                place,
                parts,
                // At most 44.
                length: chunk.len() as u8,
                text,
            }
        })
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text[..usize::from(self.length).min(self.text.len())]
    }
}

/// The first record of a file, whose number is `first`.
pub(super) fn header(first: u64) -> [u8; LEN] {
    let mut bytes = [0; LEN];
    put(&mut bytes, 8, &MAGIC);
    put(&mut bytes, 16, &VERSION.to_le_bytes());
    put(&mut bytes, 24, &first.to_le_bytes());
    seal(bytes)
}

/// The version of a file that starts with `bytes`, and its first number; `None` if it is
/// not of a ledger.
pub(super) fn read_header(bytes: &[u8; LEN]) -> Option<(u32, u64)> {
    let is_header = bytes[0] == 0 && take(bytes, 8) == MAGIC && is_sound(bytes);
    let version = u32::from_le_bytes(take(bytes, 16));
    is_header.then(|| (version, u64::from_le_bytes(take(bytes, 24))))
}

/// Whether the checksum is right.
pub(super) fn is_sound(bytes: &[u8; LEN]) -> bool {
    crc32fast::hash(&bytes[..CRC]).to_le_bytes() == take(bytes, CRC)
}

fn seal(mut bytes: [u8; LEN]) -> [u8; LEN] {
    let crc = crc32fast::hash(&bytes[..CRC]);
    put(&mut bytes, CRC, &crc.to_le_bytes());
    bytes
}

fn put(bytes: &mut [u8; LEN], at: usize, value: &[u8]) {
    bytes[at..at + value.len()].copy_from_slice(value);
}

fn take<const N: usize>(bytes: &[u8; LEN], at: usize) -> [u8; N] {
    let mut value = [0; N];
    value.copy_from_slice(&bytes[at..at + N]);
    value
}

fn address_bytes(address: Option<IpAddr>) -> [u8; 16] {
    match address {
        None => [0; 16],
        Some(IpAddr::V4(address)) => address.to_ipv6_mapped().octets(),
        Some(IpAddr::V6(address)) => address.octets(),
    }
}

fn address(bytes: [u8; 16]) -> Option<IpAddr> {
    (bytes != [0; 16]).then(|| Ipv6Addr::from(bytes).to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ended() -> LedgerEntry {
        LedgerEntry::Ended(End {
            number: u64::MAX - 1,
            time_ms: 1_800_000_000_123,
            host: HostId(*b"a host's"),
            ending: Ending {
                address: Some([192, 0, 2, 1].into()),
                status: 429,
                outcome: Outcome::TooLarge,
                bytes: 77,
                delay_ms: 5_000,
                wait_ms: 3_600_000,
            },
        })
    }

    fn started() -> LedgerEntry {
        LedgerEntry::Started(Start {
            number: 7,
            time_ms: 1_800_000_000_123,
            terms: RequestTerms {
                host: HostId(*b"a host's"),
                address: Some("2001:db8::1".parse().unwrap()),
                purpose: Purpose::Picture,
                robots: RobotsDecision::NoFile,
                delay_ms: 5_000,
                serial: true,
            },
        })
    }

    #[test]
    fn an_entry_reads_back_as_it_was_written() {
        let opened = LedgerEntry::Opened { time_ms: 5 };
        let name = format!("{}.example", "long".repeat(15));
        let parts: Vec<_> = NamePart::split(HostId::of(&name), &name).collect();
        assert_eq!(parts.len(), 2);
        let names = parts.iter().copied().map(LedgerEntry::Name);
        for entry in [opened, started(), ended()].into_iter().chain(names) {
            assert_eq!(LedgerEntry::decode(&entry.encode()), Some(entry));
        }
        let text: Vec<_> = parts.iter().flat_map(|part| part.text().to_vec()).collect();
        assert_eq!(text, name.as_bytes());
    }

    #[test]
    fn a_flipped_bit_anywhere_is_noticed() {
        let whole = ended().encode();
        for bit in 0..LEN * 8 {
            let mut bytes = whole;
            bytes[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(LedgerEntry::decode(&bytes), None, "bit {bit}");
        }
        // What a power failure may leave behind.
        assert_eq!(LedgerEntry::decode(&[0; LEN]), None);
        assert_eq!(read_header(&[0; LEN]), None);
        assert_eq!(read_header(&header(9)), Some((VERSION, 9)));
    }

    #[test]
    fn more_bytes_than_fit_are_the_most_that_fit() {
        let LedgerEntry::Ended(mut end) = ended() else {
            unreachable!()
        };
        end.ending.bytes = 1 << 40;
        let read = LedgerEntry::decode(&LedgerEntry::Ended(end).encode());
        let Some(LedgerEntry::Ended(end)) = read else {
            panic!("{read:?}")
        };
        assert_eq!(end.ending.bytes, u64::from(u32::MAX));
    }
}
