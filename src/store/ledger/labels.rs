//! What a record says about a request in one byte. A code keeps its meaning for good: new ones
//! are added at the end, and a reader skips records with codes that it does not know.

use serde::{Serialize, Serializer};

/// An enum with a stable one-byte code and a stable name for each of its values.
macro_rules! labels {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:ident = $code:literal $text:literal,)* }) => {
        $(#[$about])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$doc])* $value,)*
        }

        impl $name {
            /// All values in the order of their codes, which count from 0.
            pub const ALL: &'static [Self] = &[$(Self::$value,)*];

            /// The name in reports, logs and JSON.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$value => $text,)* }
            }

            /// The code in the ledger.
            pub fn code(self) -> u8 {
                match self { $(Self::$value => $code,)* }
            }

            /// The value of a code; `None` for one that this simdex does not know.
            pub fn from_code(code: u8) -> Option<Self> {
                Self::ALL.get(usize::from(code)).copied()
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(self.as_str())
            }
        }
    };
}

labels! {
    /// What a request is for.
    Purpose {
        /// A robots.txt.
        Robots = 0 "robots",
        /// Another file of rules for crawlers, such as ai.txt or tdmrep.json.
        PolicyFile = 1 "policy_file",
        /// A page.
        Page = 2 "page",
        /// A picture.
        Picture = 3 "picture",
        /// A sitemap or an index of sitemaps.
        Sitemap = 4 "sitemap",
        /// A style sheet.
        Sheet = 5 "sheet",
        /// An RSS or Atom feed.
        Feed = 6 "feed",
        /// A picture that the user asks to compare.
        Query = 7 "query",
    }
}

labels! {
    /// Why robots.txt did not forbid a request.
    RobotsDecision {
        /// The request is for a robots.txt or another file of rules.
        NotNeeded = 0 "not_needed",
        /// There is a robots.txt and it allows the URL.
        AllowedByFile = 1 "allowed_by_file",
        /// The server has no robots.txt: it answers 4xx, which allows everything (RFC 9309,
        /// section 2.3.1.3).
        NoFile = 2 "no_file",
        /// robots.txt cannot be reached now; an earlier copy allows the URL (RFC 9309,
        /// section 2.3.1.4).
        AllowedByOldFile = 3 "allowed_by_old_file",
        /// The user named this very URL and chose to ignore robots.txt.
        SetAside = 4 "set_aside",
    }
}

labels! {
    /// How a request ended.
    Outcome {
        /// With a whole answer, whatever its status.
        Ok = 0 "ok",
        /// A deadline passed.
        Timeout = 1 "timeout",
        /// The name does not resolve.
        Resolve = 2 "resolve",
        /// Nobody answers at the address, or TLS failed.
        Connect = 3 "connect",
        /// The answer breaks the protocol, or the connection broke.
        Transfer = 4 "transfer",
        /// The body is over its cap; reading stopped there.
        TooLarge = 5 "too_large",
        /// The name leads to an address that is not public.
        PrivateAddress = 6 "private_address",
        /// The crawl ended, or lost interest, before the answer was read.
        Abandoned = 7 "abandoned",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_to_their_values() {
        for (code, purpose) in (0..).zip(Purpose::ALL) {
            assert_eq!(purpose.code(), code);
            assert_eq!(Purpose::from_code(code), Some(*purpose));
        }
        for (code, robots) in (0..).zip(RobotsDecision::ALL) {
            assert_eq!(robots.code(), code);
            assert_eq!(RobotsDecision::from_code(code), Some(*robots));
        }
        for (code, outcome) in (0..).zip(Outcome::ALL) {
            assert_eq!(outcome.code(), code);
            assert_eq!(Outcome::from_code(code), Some(*outcome));
        }
        assert_eq!(Outcome::from_code(200), None);
    }
}
