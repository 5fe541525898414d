//! The dates of `unavailable_after`.

use std::time::{Duration, SystemTime};

use jiff::civil::Date;
use jiff::tz::Offset;

/// Parses a date in one of the forms that Google's documentation names: RFC 822 (also
/// with a full year), RFC 850 and ISO 8601. Without a time it is the start of the day,
/// without a known zone it is UTC. `None` if it is no date.
pub(super) fn parse_date(text: &str) -> Option<SystemTime> {
    let text = text.trim();
    // Far above any date.
    if text.len() > 64 || !text.is_ascii() {
        return None;
    }
    let (days, rest) = iso_day(text).or_else(|| worded_day(text))?;
    let (seconds, rest) = time_of_day(rest)?;
    let offset = zone(rest)?;
    let since_epoch = days * 86_400 + seconds - offset;
    // Earlier dates have passed in any case.
    let since_epoch = u64::try_from(since_epoch).unwrap_or_default();
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_secs(since_epoch))
}

/// `2030-06-25`; gives the days since 1970 and what follows.
fn iso_day(text: &str) -> Option<(i64, &str)> {
    let day = text.get(..10)?;
    let mut parts = day.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 || month.len() != 2 {
        return None;
    }
    let days = days_since_epoch(number(year)?, number(month)?, number(day)?)?;
    let rest = &text[10..];
    let rest = rest.strip_prefix(['T', 't']).unwrap_or(rest);
    Some((days, rest))
}

/// `Tue, 25 Jun 2030`, `Tuesday, 25-Jun-30`, `June 25, 2030`; as above.
fn worded_day(text: &str) -> Option<(i64, &str)> {
    let mut rest = text;
    let mut word = || {
        rest = rest.trim_start_matches([' ', ',', '-']);
        let end = rest.find([' ', ',', '-']).unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        rest = after;
        word
    };
    let mut first = word();
    if is_weekday(first) {
        first = word();
    }
    let second = word();
    let (day, month) = match month(first) {
        Some(month) => (second, month),
        None => (first, month(second)?),
    };
    let year = word();
    let year = match year.len() {
        4 => number(year)?,
        // RFC 850 and RFC 822 have two digits.
        2 => match number(year)? {
            year @ 0..70 => 2000 + year,
            year => 1900 + year,
        },
        _ => return None,
    };
    Some((days_since_epoch(year, month, number(day)?)?, rest))
}

/// `15:00` or `15:00:00.5`; gives seconds and what follows. Nothing is midnight.
fn time_of_day(text: &str) -> Option<(i64, &str)> {
    let text = text.trim_start_matches([' ', ',']);
    if text.is_empty() {
        return Some((0, text));
    }
    let end = text.find(|c: char| !(c.is_ascii_digit() || ":.".contains(c)));
    let (time, rest) = text.split_at(end.unwrap_or(text.len()));
    let mut parts = time.split(':');
    let (hour, minute) = (number(parts.next()?)?, number(parts.next()?)?);
    let second = match parts.next() {
        Some(second) => number(second.split('.').next()?)?,
        None => 0,
    };
    // 24:00 and the leap second are real.
    let is_real = hour <= 24 && minute < 60 && second <= 60 && parts.next().is_none();
    is_real.then_some((hour * 3600 + minute * 60 + second, rest))
}

/// The offset from UTC in seconds.
fn zone(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Some(sign @ (b'+' | b'-')) = text.bytes().next() {
        let digits: String = text[1..].chars().filter(|c| *c != ':').collect();
        let hours = number(digits.get(..2)?)?;
        let minutes = digits.get(2..).filter(|rest| !rest.is_empty());
        let minutes = minutes.map_or(Some(0), number)?;
        let offset = hours * 3600 + minutes * 60;
        return (digits.len() <= 4).then_some(if sign == b'-' { -offset } else { offset });
    }
    // RFC 822, section 5.1; other names are too ambiguous to be known.
    let hours = match text.to_ascii_uppercase().as_str() {
        "EDT" => -4,
        "EST" | "CDT" => -5,
        "CST" | "MDT" => -6,
        "MST" | "PDT" => -7,
        "PST" => -8,
        name if name.len() <= 5 && name.bytes().all(|c| c.is_ascii_uppercase()) => 0,
        _ => return None,
    };
    Some(hours * 3600)
}

fn number(digits: &str) -> Option<i64> {
    let all_digits = !digits.is_empty() && digits.bytes().all(|c| c.is_ascii_digit());
    all_digits.then(|| digits.parse().ok()).flatten()
}

fn is_weekday(word: &str) -> bool {
    const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
    let start = word.get(..3).unwrap_or_default();
    DAYS.iter().any(|day| day.eq_ignore_ascii_case(start))
}

fn month(word: &str) -> Option<i64> {
    const MONTHS: [&str; 12] = [
        "jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec",
    ];
    let start = word.get(..3)?;
    let found = MONTHS
        .iter()
        .position(|month| month.eq_ignore_ascii_case(start));
    // Twelve at most.
    found.map(|month| month as i64 + 1)
}

/// Days from 1970-01-01 in the Gregorian calendar. A day that its month does not have, such
/// as June 31, is one of the next month.
fn days_since_epoch(year: i64, month: i64, day: i64) -> Option<i64> {
    if !(0..=9999).contains(&year) || !(1..=31).contains(&day) {
        return None;
    }
    let first = Date::new(year.try_into().ok()?, month.try_into().ok()?, 1).ok()?;
    let midnight = Offset::UTC.to_timestamp(first.at(0, 0, 0, 0)).ok()?;
    Some(midnight.as_second().div_euclid(86_400) + day - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_moment_in_every_form() {
        let expected = httpdate::parse_http_date("Tue, 25 Jun 2030 15:00:00 GMT").unwrap();
        for text in [
            "25 Jun 2030 15:00:00 GMT",
            "Tue, 25 Jun 2030 15:00:00 GMT",
            "Tue, 25 Jun 30 15:00 UT",
            "25 Jun 2030 07:00:00 PST",
            "25 Jun 2030 17:00:00 +0200",
            "Tuesday, 25-Jun-30 15:00:00 UTC",
            "25-Jun-2030 11:00:00 EDT",
            "June 25, 2030, 15:00",
            "2030-06-25T15:00:00Z",
            "2030-06-25t15:00:00.25+00:00",
            "2030-06-25 12:30:00 -02:30",
            " 2030-06-25 15:00 ",
        ] {
            assert_eq!(parse_date(text), Some(expected), "{text}");
        }
    }

    #[test]
    fn days_agree_with_the_calendar() {
        for text in [
            "Thu, 01 Jan 1970 00:00:00 GMT",
            "Tue, 29 Feb 2000 00:00:00 GMT",
            "Sun, 31 Dec 2023 00:00:00 GMT",
            "Mon, 01 Mar 2100 00:00:00 GMT",
            "Fri, 31 Dec 9999 00:00:00 GMT",
        ] {
            let expected = httpdate::parse_http_date(text).ok();
            assert_eq!(parse_date(text), expected, "{text}");
            let day = text[5..16].trim();
            assert_eq!(parse_date(day), expected, "midnight of {day}");
        }
        assert_eq!(parse_date("1 Jan 1900"), Some(SystemTime::UNIX_EPOCH));
        assert_eq!(parse_date("31 Jun 2030"), parse_date("1 Jul 2030"));
    }

    #[test]
    fn what_is_no_date() {
        for text in [
            "",
            "soon",
            "2030",
            "25 Jun",
            "32 Jun 2030",
            "2030-13-01",
            "2030-06-25T99:00",
            "25 Jun 2030 noindex",
            "25 Jun 2030 15:00 +1",
            "Tue",
            "25 Jun 2030 15:00 +02000",
            "99999999999999999999-01-01",
            "Tue, 25 J\u{fc}n 2030",
        ] {
            assert_eq!(parse_date(text), None, "{text}");
        }
    }
}
