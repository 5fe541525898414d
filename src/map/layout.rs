//! Points that are drawn to their neighbours and pushed away by all others.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Nearest neighbours that a point is drawn to.
pub const NEIGHBOURS: usize = 10;
/// Points that push a point away, for each that draws it.
const PUSHES: usize = 5;
/// How far a single pull or push may move a point, before it is scaled down with time.
const FARTHEST: f32 = 4.0;
/// Rounds in which a new layout comes to rest ...
const ROUNDS: u32 = 200;
/// ... and one to which points were added.
const ROUNDS_OF_MORE: u32 = 60;
/// Half the width at which a layout begins.
const HALF_WIDTH: f32 = 10.0;

/// Points in two dimensions that come to rest round by round. The same calls give the same layout.
#[derive(Debug, Clone)]
pub struct Layout {
    points: Vec<[f32; 2]>,
    links: Vec<Link>,
    rounds: u32,
    round: u32,
    /// How far points move at first.
    stride: f32,
    random: ChaCha8Rng,
}

/// Two points that draw each other.
#[derive(Debug, Clone, Copy)]
struct Link {
    from: u32,
    to: u32,
    /// In how many of all rounds they do, 0 to 1.
    share: f32,
}

impl Layout {
    /// A layout that begins at these places, whatever their scale, with no links yet.
    pub fn new(mut points: Vec<[f32; 2]>) -> Self {
        let most = points
            .iter()
            .flatten()
            .fold(0.0_f32, |most, at| most.max(at.abs()));
        let scale = if most > 0.0 { HALF_WIDTH / most } else { 1.0 };
        let mut random = ChaCha8Rng::seed_from_u64(1);
        for at in points.iter_mut().flatten() {
            // Points that lie on each other could not part.
            *at = *at * scale + random.random_range(-1e-3..1e-3);
        }
        Self {
            points,
            links: Vec::new(),
            rounds: ROUNDS,
            round: 0,
            stride: 1.0,
            random,
        }
    }

    /// Adds a point amid its neighbours, and starts moving again.
    pub fn add(&mut self, neighbours: &[u32]) {
        let near = neighbours
            .iter()
            .filter_map(|to| self.points.get(*to as usize));
        let (mut sum, mut count) = ([0.0; 2], 0.0_f32);
        for [x, y] in near {
            sum = [sum[0] + x, sum[1] + y];
            count += 1.0;
        }
        let random = &mut self.random;
        self.points
            .push(sum.map(|sum| sum / count.max(1.0) + random.random_range(-0.1..0.1)));
        (self.round, self.rounds, self.stride) = (0, ROUNDS_OF_MORE, 0.3);
    }

    /// Draws a point to its neighbours, which are given with their distances, the nearest first.
    pub fn link(&mut self, from: u32, neighbours: &[(u32, f32)]) {
        let Some(&(_, nearest)) = neighbours.first() else {
            return;
        };
        let beyond = |distance: f32| distance - nearest;
        let sum: f32 = neighbours
            .iter()
            .map(|(_, distance)| beyond(*distance))
            .sum();
        let typical = (sum / neighbours.len() as f32).max(1e-6);
        self.links
            .extend(neighbours.iter().map(|&(to, distance)| Link {
                from,
                to,
                share: (-beyond(distance) / typical).exp(),
            }));
    }

    /// Keeps the points for which `keep` says so, in their order.
    pub fn retain(&mut self, keep: &dyn Fn(usize) -> bool) {
        const GONE: u32 = u32::MAX;
        let mut next = 0;
        let places: Vec<u32> = (0..self.points.len())
            .map(|place| match keep(place) {
                true => {
                    next += 1;
                    next - 1
                }
                false => GONE,
            })
            .collect();
        let mut place = 0;
        self.points.retain(|_| {
            place += 1;
            places[place - 1] != GONE
        });
        self.links.retain_mut(|link| {
            (link.from, link.to) = (places[link.from as usize], places[link.to as usize]);
            link.from != GONE && link.to != GONE
        });
    }

    /// Moves all points once; `false` if they are at rest.
    pub fn step(&mut self) -> bool {
        if self.round >= self.rounds || self.links.is_empty() {
            return false;
        }
        let stride = self.stride * (1.0 - self.round as f32 / self.rounds as f32);
        self.round += 1;
        let count = self.points.len();
        for link in &self.links {
            if self.random.random::<f32>() > link.share {
                continue;
            }
            let (from, to) = (link.from as usize, link.to as usize);
            let apart = difference(self.points[from], self.points[to]);
            let pull = -2.0 / (1.0 + square(apart));
            let step = apart.map(|apart| bounded(pull * apart) * stride);
            for (axis, step) in step.into_iter().enumerate() {
                self.points[from][axis] += step;
                self.points[to][axis] -= step;
            }
            for _ in 0..PUSHES {
                let other = self.random.random_range(0..count);
                if other == from {
                    continue;
                }
                let apart = difference(self.points[from], self.points[other]);
                let distance = square(apart);
                let push = 2.0 / ((0.001 + distance) * (1.0 + distance));
                for (axis, apart) in apart.into_iter().enumerate() {
                    self.points[from][axis] += bounded(push * apart) * stride;
                }
            }
        }
        true
    }

    /// How far it has come to rest, 0 to 1.
    pub fn progress(&self) -> f32 {
        self.round as f32 / self.rounds as f32
    }

    /// Where the points are when crowds are given room, 0 to 1 in both directions: half by their places, half by
    /// their ranks, so that all keep their order.
    pub fn roomy(&self) -> Vec<[f32; 2]> {
        let mut roomy = vec![[0.0; 2]; self.points.len()];
        let last = (self.points.len().max(2) - 1) as f32;
        for axis in [0, 1] {
            let at = |place: &usize| self.points[*place][axis];
            let mut order: Vec<usize> = (0..self.points.len()).collect();
            order.sort_by(|a, b| at(a).total_cmp(&at(b)));
            let [low, high] = [order.first(), order.last()].map(|place| place.map_or(0.0, at));
            let width = (high - low).max(f32::MIN_POSITIVE);
            for (rank, place) in order.iter().enumerate() {
                roomy[*place][axis] = ((at(place) - low) / width + rank as f32 / last) / 2.0;
            }
        }
        roomy
    }

    /// Where the points are, in the order in which they were given.
    pub fn points(&self) -> &[[f32; 2]] {
        &self.points
    }
}

fn difference(a: [f32; 2], b: [f32; 2]) -> [f32; 2] {
    [a[0] - b[0], a[1] - b[1]]
}

fn square(vector: [f32; 2]) -> f32 {
    vector[0] * vector[0] + vector[1] * vector[1]
}

fn bounded(step: f32) -> f32 {
    step.clamp(-FARTHEST, FARTHEST)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Groups of 30 points that know only each other, and begin in one heap.
    fn groups(count: u32) -> Layout {
        let mut random = ChaCha8Rng::seed_from_u64(7);
        let points = (0..count * 30).map(|_| [random.random(), random.random()]);
        let mut layout = Layout::new(points.collect());
        for point in 0..count * 30 {
            let others =
                (1..=10).map(|step| (point / 30 * 30 + (point + step) % 30, step as f32 / 10.0));
            let others: Vec<(u32, f32)> = others.collect();
            layout.link(point, &others);
        }
        layout
    }

    /// The share of points whose nearest other is of their own group.
    fn together(layout: &Layout) -> f32 {
        let points = layout.points();
        let alike = (0..points.len()).filter(|&i| {
            let others = (0..points.len()).filter(|j| *j != i);
            let far = |j: &usize| square(difference(points[i], points[*j]));
            let nearest = others.min_by(|a, b| far(a).total_cmp(&far(b))).unwrap();
            nearest / 30 == i / 30
        });
        alike.count() as f32 / points.len() as f32
    }

    #[test]
    fn neighbours_come_together_and_the_same_way_each_time() {
        let mut layout = groups(6);
        assert!(together(&layout) < 0.4, "{}", together(&layout));
        while layout.step() {}
        assert!(together(&layout) > 0.95, "{}", together(&layout));
        assert!((layout.progress() - 1.0).abs() < f32::EPSILON);
        let mut again = groups(6);
        while again.step() {}
        assert_eq!(layout.points(), again.points());
    }

    #[test]
    fn points_come_amid_their_neighbours_and_go_without_a_trace() {
        let mut layout = groups(4);
        while layout.step() {}
        layout.add(&[31, 32, 33]);
        layout.link(120, &[(31, 0.1), (32, 0.2), (33, 0.3)]);
        assert!(layout.step());
        while layout.step() {}
        let far = |a: usize, b: usize| square(difference(layout.points()[a], layout.points()[b]));
        assert!(
            far(120, 32) < far(120, 2),
            "{} {}",
            far(120, 32),
            far(120, 2)
        );
        // The first group goes; the others keep their places under new numbers.
        let before = layout.points().to_vec();
        layout.retain(&|place| place >= 30);
        assert_eq!(layout.points(), &before[30..]);
        assert!(
            layout
                .links
                .iter()
                .all(|link| (link.from.max(link.to) as usize) < layout.points.len())
        );
    }

    #[test]
    fn crowds_are_given_room_and_points_keep_their_order() {
        let layout = Layout::new(vec![[0.0, 5.0], [0.01, 5.0], [0.02, 5.0], [9.0, -5.0]]);
        let roomy = layout.roomy();
        let across: Vec<f32> = roomy.iter().map(|at| at[0]).collect();
        assert!(
            across.is_sorted() && across[0] == 0.0 && across[3] == 1.0,
            "{across:?}"
        );
        assert!(across[1] - across[0] > 0.15, "{across:?}");
    }

    #[test]
    fn few_points_are_at_rest_at_once() {
        for count in 0..3 {
            let mut layout = Layout::new(vec![[0.0; 2]; count]);
            assert!(!layout.step());
            let roomy = layout.roomy();
            let all = layout.points().iter().chain(&roomy).flatten();
            assert!(all.into_iter().all(|at| at.is_finite()));
        }
    }
}
