//! Usage preferences (Internet-Drafts draft-ietf-aipref-vocab and -attach).

/// The categories of use that simdex falls under.
///
/// - `search`: simdex selects pictures and leads to where they are.
/// - `bots`: all automated processing, in drafts until 2025; the parent of the others.
/// - `train-ai`: what is stored may train the head of the network. The later drafts mean only
///   generative models by it, and let `search=y` allow training for search; but the earlier ones
///   did not, and few who write `train-ai=n` think of the difference.
const CATEGORIES: [&str; 3] = ["search", "bots", "train-ai"];

/// Whether a preference expression, such as `train-ai=n, search=y`, disallows what simdex
/// does with a picture.
///
/// An expression is a dictionary (RFC 9651, section 3.2) in which the last value of a key
/// counts. It is read more leniently than such dictionaries, since a wish with a slip is still
/// a wish: keys and values in any case, and no part spoils another.
pub(super) fn disallows(expression: &str) -> bool {
    CATEGORIES.iter().any(|category| {
        let mut values = expression.split(',').filter_map(|member| {
            // Behind a semicolon stand parameters; none is defined.
            let member = member.split(';').next().unwrap_or_default();
            let (key, value) = member.split_once('=').unwrap_or((member, ""));
            key.trim().eq_ignore_ascii_case(category).then_some(value)
        });
        values
            .next_back()
            .is_some_and(|value| value.trim().eq_ignore_ascii_case("n"))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_of_our_categories_disallows() {
        for (expression, expected) in [
            ("search=n", true),
            ("train-ai=n", true),
            ("bots=n", true),
            ("train-ai=y, search=n", true),
            ("search=y,train-ai=n", true),
            (" Search = N ;why=\"x\"", true),
            ("broken broken, search=n", true),
            ("train-ai=n, train-ai=y", false),
            ("ai-use=n", false),
            ("search=y", false),
            ("search", false),
            ("search=?0", false),
            ("search;train-ai=n", false),
            ("", false),
        ] {
            assert_eq!(disallows(expression), expected, "{expression}");
        }
    }
}
