//! How large a web is and what it has.

use super::picture::PictureStyle;

/// How large a web is and what it has. Nothing of it is stored: each answer is worked out from
/// the seed when it is asked for, so a hundred thousand hosts cost no more than one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebPlan {
    /// Settles everything that is left open here: equal plans are equal webs.
    pub seed: u64,
    /// Ordinary hosts.
    pub hosts: u32,
    /// Addresses that the hosts share, from 127.0.0.1 on: 1 to 254.
    pub addresses: u8,
    /// Pages of each ordinary host, in a tree.
    pub pages_per_host: u32,
    /// Pictures of each of those pages.
    pub pictures_per_page: u32,
    /// What the pictures look like.
    pub pictures: PictureStyle,
    /// Whether there are hosts that misbehave, one for each [`Fault`](super::Fault).
    pub faults: bool,
    /// Whether there are hosts without end, one for each [`Trap`](super::Trap).
    pub traps: bool,
    /// Whether there are hosts that opt out, one for each [`OptOut`](super::OptOut).
    pub opt_outs: bool,
    /// Whether there are hosts with other robots.txt files, one for each
    /// [`RobotsKind`](super::RobotsKind).
    pub robots: bool,
}

impl Default for WebPlan {
    fn default() -> Self {
        Self {
            seed: 0,
            hosts: 3,
            addresses: 2,
            pages_per_host: 9,
            pictures_per_page: 4,
            pictures: PictureStyle::Small,
            faults: false,
            traps: false,
            opt_outs: false,
            robots: false,
        }
    }
}

impl WebPlan {
    /// How many addresses there are, within what an IPv4 loopback network has.
    pub(super) fn addresses(&self) -> u8 {
        self.addresses.clamp(1, 254)
    }

    /// The address of the host with a number, from 1: hosts take turns.
    pub(super) fn address_of(&self, number: u32) -> u8 {
        // The remainder is below 254.
        (number % u32::from(self.addresses())) as u8 + 1
    }

    /// The name of an ordinary host.
    pub fn host_name(&self, number: u32) -> String {
        format!("h{number}.a{}.test", self.address_of(number))
    }

    /// Some 64 bits that the seed and a text settle.
    pub(super) fn hash(&self, text: &str) -> u64 {
        let mut hasher = blake3::Hasher::new();
        hasher
            .update(&self.seed.to_le_bytes())
            .update(text.as_bytes());
        let mut bits = [0; 8];
        hasher.finalize_xof().fill(&mut bits);
        u64::from_le_bytes(bits)
    }
}
