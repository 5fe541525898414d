//! The srcset attribute (HTML standard, "parse a srcset attribute").

/// The URL of the largest candidate: by width (`640w`), else by density (`2x`).
pub fn largest_candidate(srcset: &str) -> Option<&str> {
    let mut best: Option<(&str, f64)> = None;
    let mut rest = srcset;
    loop {
        rest = rest.trim_start_matches(|c: char| c.is_ascii_whitespace() || c == ',');
        if rest.is_empty() {
            return best.map(|(url, _)| url);
        }
        let end = rest
            .find(|c: char| c.is_ascii_whitespace())
            .unwrap_or(rest.len());
        let (word, after) = rest.split_at(end);
        // A URL that ends in commas has no descriptors; commas inside it are its own.
        let url = word.trim_end_matches(',');
        let descriptors;
        if url.len() < word.len() {
            (descriptors, rest) = ("", after);
        } else {
            let end = descriptors_end(after);
            descriptors = &after[..end];
            rest = &after[end..];
        }
        if let Some(size) = size(descriptors)
            && best.is_none_or(|(_, best)| size > best)
        {
            best = Some((url, size));
        }
    }
}

/// Descriptors end at the next comma outside parentheses.
fn descriptors_end(text: &str) -> usize {
    let mut depth = 0usize;
    text.find(|c| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    })
    .unwrap_or(text.len())
}

/// A candidate without a descriptor is `1x`; one with a broken descriptor does not count.
fn size(descriptors: &str) -> Option<f64> {
    let mut size = 1.0;
    for word in descriptors.split_ascii_whitespace() {
        let (number, unit) = word.split_at_checked(word.len().checked_sub(1)?)?;
        let number: f64 = number.parse().ok()?;
        match unit {
            "w" | "x" if number.is_finite() && number >= 0.0 => size = number,
            "h" => {}
            _ => return None,
        }
    }
    Some(size)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_is_taken() {
        for (srcset, largest) in [
            ("a.jpg 320w, b.jpg 1280w, c.jpg 640w", Some("b.jpg")),
            ("a.jpg, b.jpg 2x", Some("b.jpg")),
            ("a.jpg 1.5x,b.jpg 3x", Some("b.jpg")),
            ("  a.jpg  ", Some("a.jpg")),
            ("a,b.jpg 2x", Some("a,b.jpg")),
            ("data:image/png;base64,AA 1x, b.jpg 2x", Some("b.jpg")),
            ("a.jpg,, b.jpg 2x,", Some("b.jpg")),
            ("a.jpg 100w 50h, b.jpg 20w", Some("a.jpg")),
            ("a.jpg huge, b.jpg 1x", Some("b.jpg")),
            ("a.jpg (1,2) 3x, b.jpg 2x", Some("b.jpg")),
            ("", None),
            (" , ", None),
            ("a.jpg é", None),
        ] {
            assert_eq!(largest_candidate(srcset), largest, "{srcset:?}");
        }
    }
}
