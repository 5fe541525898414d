//! Registration: one small picture laid on another, pixel on pixel, and what they have in common
//! there.

mod correlation;
mod guess;
mod placement;
mod plane;
mod refine;
mod same;
mod sharpness;
mod square;
#[cfg(test)]
mod tests;

use correlation::Sums;
use guess::guesses;
use placement::Placement;
pub use plane::Plane;
use refine::refine;
use sharpness::equalised;
use square::{SIDE, STEP, Square};

/// One picture on another where they agree best: the whole of one on a part of the other, or on
/// all of it, turned by ten degrees at most.
#[derive(Debug, Clone)]
pub struct Registration {
    fit: Fit,
    /// How far the part is from lying on the whole corner on corner, in shares of its longer side.
    offset: f32,
    /// Those with something in them.
    squares: Vec<Square>,
    /// How much values vary in each of the two where they lie on each other.
    spreads: (f32, f32),
    /// Whether one of them was made of every few pixels of a larger picture.
    is_sparse: bool,
}

/// A place that is tried.
#[derive(Debug, Clone, Copy)]
struct Fit {
    /// Whether the second picture is the part that is laid on the first.
    is_reverse: bool,
    placement: Placement,
    /// How well the pictures agree there as far as they were looked at, and how well they did
    /// in small.
    correlation: f32,
    rough: f32,
}

impl Fit {
    /// All of one picture on all of another, as they are.
    fn corner_on_corner(a: &Plane, b: &Plane) -> Self {
        let placement = Placement::corner_on_corner(a, b);
        Self {
            is_reverse: false,
            placement,
            correlation: at_level(a, b, placement, (NEAR.0, 0)).1,
            rough: at_level(a, b, placement, (ROUGH.0, 0)).1,
        }
    }

    fn make_exact(&mut self, a: &Plane, b: &Plane, level: (usize, usize)) {
        let (part, whole) = ordered(a, b, self.is_reverse);
        (self.placement, self.correlation) = at_level(part, whole, self.placement, level);
        if level == ROUGH {
            self.rough = self.correlation;
        }
    }

    /// The squares of smaller versions of the two.
    fn squares(&self, [a, b]: [&Plane; 2], [small_a, small_b]: &[Plane; 2]) -> Vec<Square> {
        let share =
            |small: &Plane, of: &Plane| small.longer_side() as f32 / of.longer_side() as f32;
        let shares = (share(small_a, a), share(small_b, b));
        let (from, to) = match self.is_reverse {
            true => (shares.1, shares.0),
            false => shares,
        };
        let (part, whole) = ordered(small_a, small_b, self.is_reverse);
        squares(part, whole, self.placement.resized(from, to)).0
    }
}

/// Places that are looked at more closely, those of them that are made nearly exact, and exact.
/// Lines of text fit each other in many places.
const GUESSES: usize = 10;
const FINALISTS: [usize; 3] = [4, 2, 1];
/// The longer side of the larger picture while a place is made more and more exact, and the steps
/// of each.
const ROUGH: (usize, usize) = (48, 15);
const NEAR: (usize, usize) = (96, 12);
const EXACT: (usize, usize) = (192, 8);
/// The longer side of pictures while two places are compared.
const SMALL: usize = 160;
/// Blur of both pictures before squares are compared: half pixels do not matter.
const SOFT: f32 = 0.8;
/// How often contrast and brightness are taken anew from what they explain.
const TYPICAL: usize = 2;
/// Contrasts of two copies differ by so much at most.
const CONTRASTS: (f32, f32) = (0.3, 3.0);

/// Fewer squares that differ are chance.
const FEWEST: usize = 8;
/// Shares of squares that differ, and of them among all that differ or were covered, from which on
/// something else is shown.
const DIFFERING: [(f32, f32); 2] = [(0.02, 0.6), (0.065, 0.3)];
/// The least share of squares that agree where the place is right beyond doubt.
const AGREEING: f32 = 0.45;
/// Fewer squares with something in them, of a part, tell nothing of the rest.
const TELLING: usize = 20;
/// Of two pictures without anything in any square: how they correlate if they are one, and the most
/// that values vary in plain ones.
const SMOOTH: f32 = 0.8;
const PLAIN: f32 = 8.0;
/// Where less agrees, as on pages of other text, both must lie on each other corner on corner
/// and be alike in small.
const CORNERS: f32 = 0.03;
const ALIKE: f32 = 0.6;

impl Registration {
    /// Lays two pictures on each other, a part on a whole if need be. Most copies are whole: that is
    /// tried first, and spares them the search for parts.
    pub fn of(a: &Plane, b: &Plane) -> Self {
        let wholes = Self::of_wholes(a, b);
        if wholes.shows_the_same() {
            return wholes;
        }
        let mut tried = Vec::new();
        for is_reverse in [false, true] {
            let (part, whole) = ordered(a, b, is_reverse);
            let found = guesses(part, whole, GUESSES).into_iter();
            tried.extend(found.map(|guess| Fit {
                is_reverse,
                placement: guess.placement,
                correlation: guess.correlation,
                rough: 0.0,
            }));
        }
        best(&mut tried, GUESSES);
        Self::among(tried, a, b)
    }

    /// Lays the whole of one picture on the whole of another.
    pub fn of_wholes(a: &Plane, b: &Plane) -> Self {
        Self::among(Vec::new(), a, b)
    }

    /// The best of some places, and of corner on corner: most copies are whole.
    fn among(mut tried: Vec<Fit>, a: &Plane, b: &Plane) -> Self {
        let corners = Fit::corner_on_corner(a, b);
        tried.push(corners);
        for (level, kept) in [ROUGH, NEAR, EXACT].into_iter().zip(FINALISTS) {
            for fit in &mut tried {
                fit.make_exact(a, b, level);
            }
            best(&mut tried, kept);
        }
        // One was pushed, and one is kept.
        let found = tried[0];
        let small = [a.within(SMALL), b.within(SMALL)];
        let agreeing = |fit: &Fit| {
            let squares = fit.squares([a, b], &small);
            squares.iter().filter(|square| square.agrees()).count()
        };
        // What was laid over one of them pulls, and lowers the correlation: where most agrees is right.
        let (there, at_corners) = (agreeing(&found), agreeing(&corners));
        let fit = match there == 0 || there < at_corners {
            true => corners,
            false => found,
        };
        Self::at(fit, a, b)
    }

    fn at(fit: Fit, a: &Plane, b: &Plane) -> Self {
        let (part, whole) = ordered(a, b, fit.is_reverse);
        let (squares, spreads) = squares(part, whole, fit.placement);
        Self {
            fit,
            offset: offset(part, whole, &fit.placement),
            squares,
            spreads,
            is_sparse: a.is_sparse() || b.is_sparse(),
        }
    }

    /// Whether the same is shown where the two lie on each other, but for what was laid over one of
    /// them. False also where that cannot be told.
    pub fn shows_the_same(&self) -> bool {
        let content = self.count(Square::has_content);
        if content < TELLING && self.offset > CORNERS {
            return false;
        }
        if content == 0 {
            // Plain, or one slope of light.
            return self.fit.correlation >= SMOOTH || self.spreads.0.max(self.spreads.1) < PLAIN;
        }
        same::log_odds(&self.squares, self.is_sparse) > 0.0
    }

    /// Whether the two surely show different things: most of what lies on each other agrees, or
    /// they are of one form, but there are places where each shows something that the other does
    /// not, on the same ground. What was laid over one of them (a logo, a bar with a caption)
    /// changes the ground.
    pub fn differs(&self) -> bool {
        let content = self.count(Square::has_content).max(1) as f32;
        let odd = self.count(|square| square.differs(self.is_sparse));
        let covered = self.count(Square::is_covered);
        let is_placed = self.agrees() || self.offset <= CORNERS && self.fit.rough >= ALIKE;
        let share = odd as f32 / content;
        let uncovered = odd as f32 / (odd + covered).max(1) as f32;
        let is_enough = |(least, of_all): &(f32, f32)| share >= *least && uncovered >= *of_all;
        odd >= FEWEST && is_placed && DIFFERING.iter().any(is_enough)
    }

    /// Whether much of what lies on each other agrees.
    fn agrees(&self) -> bool {
        let content = self.count(Square::has_content).max(1);
        self.count(Square::agrees) as f32 >= AGREEING * content as f32
    }

    fn count(&self, is_so: impl Fn(&Square) -> bool) -> usize {
        self.squares.iter().filter(|square| is_so(square)).count()
    }
}

/// Keeps so many places, the best first.
fn best(tried: &mut Vec<Fit>, count: usize) {
    tried.sort_by(|a, b| b.correlation.total_cmp(&a.correlation));
    tried.truncate(count);
}

/// How far the corners of the part are from those of the whole, in shares of its longer side.
fn offset(part: &Plane, whole: &Plane, placement: &Placement) -> f32 {
    let size = (part.width() as f32, part.height() as f32);
    let whole_on_whole = Placement::corner_on_corner(part, whole);
    placement.apart(&whole_on_whole, size) / whole.longer_side() as f32
}

/// The part and the whole.
fn ordered<'a>(a: &'a Plane, b: &'a Plane, is_reverse: bool) -> (&'a Plane, &'a Plane) {
    match is_reverse {
        true => (b, a),
        false => (a, b),
    }
}

/// The part as fine as what it lies on, and how many times as large that is.
fn as_fine(part: &Plane, scale: f32) -> (Plane, f32) {
    let side = (part.longer_side() as f32 * scale.min(1.0)).round();
    let small = part.within((side as usize).max(1));
    let share = small.longer_side() as f32 / part.longer_side() as f32;
    (small, share)
}

fn at_level(
    part: &Plane,
    whole: &Plane,
    placement: Placement,
    (side, steps): (usize, usize),
) -> (Placement, f32) {
    // Of a part that is cut out no less is seen at the end.
    let share = part.longer_side() as f32 * placement.scale() / whole.longer_side() as f32;
    let side = match side == EXACT.0 {
        true => (side as f32 / share.clamp(0.3, 1.0)) as usize,
        false => side,
    };
    let large = whole.within(side);
    let to = large.longer_side() as f32 / whole.longer_side() as f32;
    let (small, from) = as_fine(part, placement.scale() * to);
    let (found, correlation) = refine(&small, &large, placement.resized(from, to), steps);
    (found.resized(1.0 / from, 1.0 / to), correlation)
}

/// The squares, and how much values vary in each of the two.
fn squares(part: &Plane, whole: &Plane, placement: Placement) -> (Vec<Square>, (f32, f32)) {
    let (small, from) = as_fine(part, placement.scale());
    let at = placement.resized(from, 1.0);
    let (width, height) = (small.width(), small.height());
    let places = (0..height).flat_map(|y| (0..width).map(move |x| (x as f32, y as f32)));
    let under: Vec<Option<f32>> = places
        .map(|(x, y)| whole.at(at.apply((x + 0.5, y + 0.5))))
        .collect();
    let is_there: Vec<bool> = under.iter().map(Option::is_some).collect();
    let own = (0..height).flat_map(|y| small.row(y));
    let pairs = under.iter().zip(own);
    let pairs: Vec<(f32, f32)> = pairs
        .filter_map(|(other, own)| Some(((*other)?, *own)))
        .collect();
    let sums = typical(&pairs);
    // In the part's brightness and contrast.
    let contrast = sums.line().0.clamp(CONTRASTS.0, CONTRASTS.1);
    let (mean, own_mean) = sums.means();
    let other = Plane::from_fn(width, height, |x, y| {
        under[y * width + x].map_or(own_mean, |value| own_mean + contrast * (value - mean))
    });
    let (own, other) = equalised(small, other, &is_there);
    let (own, other) = (own.blurred(SOFT), other.blurred(SOFT));
    let is_whole = |x: usize, y: usize| {
        let rows = (y..y + SIDE).map(|y| y * width + x);
        rows.map(|start| &is_there[start..start + SIDE])
            .all(|row| row.iter().all(|is_there| *is_there))
    };
    let mut squares = Vec::new();
    for y in (0..(height + 1).saturating_sub(SIDE)).step_by(STEP) {
        for x in (0..(width + 1).saturating_sub(SIDE)).step_by(STEP) {
            if is_whole(x, y) {
                squares.extend(Square::of(&own, &other, x, y));
            }
        }
    }
    (squares, sums.spreads())
}

/// What pairs of values have in common, less those that are farther from it than most: something was
/// laid over them.
fn typical(pairs: &[(f32, f32)]) -> Sums {
    let mut sums = Sums::of(pairs.iter().copied());
    for _ in 0..TYPICAL {
        let (slope, start) = sums.line();
        let far = sums.spreads().1 * (1.0 - sums.correlation().powi(2)).sqrt();
        let is_near = |(a, b): &(f32, f32)| (b - slope * a - start).abs() <= far;
        let near = Sums::of(pairs.iter().copied().filter(is_near));
        if near.count() * 2 < pairs.len() {
            break;
        }
        sums = near;
    }
    sums
}
