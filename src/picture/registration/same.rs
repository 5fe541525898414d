//! Whether two pictures that lie on each other show the same there, told from all squares together.

use std::collections::BTreeSet;

use super::square::Square;

/// What a logistic regression over four numbers says, learned on made documents of ten kinds and on edited
/// photos (docs/similarity.md, "Copies on pixels"): the worst tenth of the correlations, the pieces of
/// what is unlike, the share of it that nothing laid over one of them explains, the share that agrees.
const WEIGHTS: [f32; 4] = [1.4, -1.6, -4.5, 2.8];
const BIAS: f32 = -1.45;
/// The share of squares that agree worst.
const WORST: f32 = 0.1;
/// Correlations are within this when they are turned into numbers of even spread (Fisher's z).
const SURE: f32 = 0.99;

/// The log-odds that the same is shown; squares with something in them, one at least.
pub(super) fn log_odds(squares: &[Square], is_sparse: bool) -> f32 {
    let numbers = [
        worst(squares),
        (pieces(squares) as f32).ln_1p(),
        other(squares, is_sparse),
        share_that_agrees(squares),
    ];
    let weighed = numbers.iter().zip(WEIGHTS);
    BIAS + weighed.map(|(number, weight)| number * weight).sum::<f32>()
}

fn count(squares: &[Square], is_so: impl Fn(&Square) -> bool) -> usize {
    squares.iter().filter(|square| is_so(square)).count()
}

fn share_that_agrees(squares: &[Square]) -> f32 {
    let content = count(squares, Square::has_content).max(1);
    count(squares, Square::agrees) as f32 / content as f32
}

/// How well the tenth agrees that does worst, where nothing covers it; 0 if all is covered.
fn worst(squares: &[Square]) -> f32 {
    let mut all: Vec<f32> = squares.iter().filter_map(Square::agreement).collect();
    all.sort_unstable_by(f32::total_cmp);
    let worst = all.get((all.len() as f32 * WORST) as usize);
    worst.map_or(0.0, |worst| worst.clamp(-SURE, SURE).atanh())
}

/// In how many pieces what is unlike lies: a logo or a bar is one, other words are many.
fn pieces(squares: &[Square]) -> usize {
    let unlike = squares.iter().filter(|square| square.is_unlike());
    let mut left: BTreeSet<(usize, usize)> = unlike.map(|square| square.place).collect();
    let mut pieces = 0;
    while let Some(first) = left.pop_first() {
        pieces += 1;
        let mut reached = vec![first];
        while let Some((x, y)) = reached.pop() {
            let around = (x.saturating_sub(1)..=x + 1)
                .flat_map(|x| (y.saturating_sub(1)..=y + 1).map(move |y| (x, y)));
            reached.extend(around.filter(|place| left.remove(place)));
        }
    }
    pieces
}

/// The share of what differs that was not laid over one of the pictures: that covers what is there,
/// or adds to one of them.
fn other(squares: &[Square], is_sparse: bool) -> f32 {
    let added = [true, false].map(|to_first| count(squares, |square| square.is_added(to_first)));
    // What one alone has in one place, and the other in another, was not laid over one.
    let both = 2 * added[0].min(added[1]);
    let explained = count(squares, Square::is_covered) + added[0] + added[1] - both;
    let other = count(squares, |square| square.differs(is_sparse)) + both;
    other as f32 / (other + explained).max(1) as f32
}
