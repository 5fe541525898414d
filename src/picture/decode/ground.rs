//! What transparent pixels show.

/// The plain ground behind a transparent picture. Transparent pixels carry arbitrary colours, so
/// something must stand behind them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ground {
    /// What pages have, as a rule.
    White,
    /// For drawings that nobody would see on white.
    Black,
}

/// A pixel nearer to its ground than this, of 255, is not seen.
const UNSEEN: u8 = 48;

impl Ground {
    /// Black where nearly all that the picture shows vanishes on white and would be seen on black;
    /// white everywhere else.
    pub(super) fn of(pixels: &[[u8; 4]]) -> Self {
        let (mut visible, mut unseen_on_white, mut unseen_on_black) = (0u64, 0u64, 0u64);
        let mut clear = 0u64;
        for pixel in pixels {
            let a = pixel[3];
            clear += u64::from(255 - a);
            // Weighed, so that the rim of a drawing counts for what it is.
            let weight = u64::from(a);
            let apart = |on: [u8; 3], ground: u8| {
                let apart = on.map(|value| value.abs_diff(ground));
                apart.into_iter().max().unwrap_or(0)
            };
            visible += weight;
            if apart(Self::White.under(*pixel), 255) < UNSEEN {
                unseen_on_white += weight;
            }
            if apart(Self::Black.under(*pixel), 0) < UNSEEN {
                unseen_on_black += weight;
            }
        }
        // A white page with a shadow or round corners is no drawing on nothing.
        let is_drawing = clear * 8 >= visible + clear;
        let vanishes = unseen_on_white * 20 > visible * 19;
        if is_drawing && vanishes && unseen_on_black < unseen_on_white {
            Self::Black
        } else {
            Self::White
        }
    }

    /// What a pixel shows on it.
    pub(super) fn under(self, [r, g, b, a]: [u8; 4]) -> [u8; 3] {
        let ground = match self {
            Self::White => 255,
            Self::Black => 0,
        };
        [r, g, b].map(|c| {
            let sum = u32::from(c) * u32::from(a) + ground * (255 - u32::from(a));
            // At most 255 * 255 / 255.
            ((sum + 127) / 255) as u8
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOTHING: [u8; 4] = [9, 99, 199, 0];

    fn ground(shown: &[[u8; 4]]) -> Ground {
        let mut pixels = vec![NOTHING; 100];
        pixels.extend_from_slice(shown);
        Ground::of(&pixels)
    }

    #[test]
    fn white_drawings_are_shown_on_black() {
        assert_eq!(ground(&[[255; 4]; 50]), Ground::Black);
        assert_eq!(ground(&[[240, 240, 235, 255]; 50]), Ground::Black);
        // With a rim that thins out.
        assert_eq!(
            ground(&[[255; 4], [255, 255, 255, 99], [255, 255, 255, 9]]),
            Ground::Black
        );
        assert_eq!(Ground::Black.under(NOTHING), [0; 3]);
    }

    #[test]
    fn all_others_are_shown_on_white() {
        assert_eq!(ground(&[[0, 0, 0, 255]; 50]), Ground::White);
        assert_eq!(ground(&[[255, 255, 90, 255]; 50]), Ground::White);
        assert_eq!(ground(&[]), Ground::White);
        let outlined = [vec![[255; 4]; 80], vec![[0, 0, 0, 255]; 20]].concat();
        assert_eq!(ground(&outlined), Ground::White);
        // Little or nothing of it is transparent.
        assert_eq!(Ground::of(&[[255; 4]; 50]), Ground::White);
        let page = [vec![[255; 4]; 95], vec![NOTHING; 5]].concat();
        assert_eq!(Ground::of(&page), Ground::White);
        assert_eq!(Ground::White.under(NOTHING), [255; 3]);
    }
}
