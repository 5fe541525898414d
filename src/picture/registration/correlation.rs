//! How two rows of numbers go together.

/// What a correlation is made of.
#[derive(Debug, Default, Clone, Copy)]
pub(super) struct Sums {
    count: f64,
    a: f64,
    b: f64,
    aa: f64,
    bb: f64,
    ab: f64,
}

/// The least spread, in values of 255, of what is not plain.
const PLAIN: f32 = 1.0;

impl Sums {
    pub(super) fn of(pairs: impl Iterator<Item = (f32, f32)>) -> Self {
        let mut sums = Self::default();
        pairs.for_each(|(a, b)| sums.add(a, b));
        sums
    }

    pub(super) fn add(&mut self, a: f32, b: f32) {
        let (a, b) = (f64::from(a), f64::from(b));
        self.count += 1.0;
        self.a += a;
        self.b += b;
        self.aa += a * a;
        self.bb += b * b;
        self.ab += a * b;
    }

    pub(super) fn count(&self) -> usize {
        self.count as usize
    }

    pub(super) fn means(&self) -> (f32, f32) {
        let count = self.count.max(1.0);
        ((self.a / count) as f32, (self.b / count) as f32)
    }

    /// Standard deviations.
    pub(super) fn spreads(&self) -> (f32, f32) {
        let count = self.count.max(1.0);
        let of = |sum: f64, squares: f64| {
            let variance = squares / count - (sum / count).powi(2);
            variance.max(0.0).sqrt() as f32
        };
        (of(self.a, self.aa), of(self.b, self.bb))
    }

    fn covariance(&self) -> f32 {
        let count = self.count.max(1.0);
        (self.ab / count - self.a / count * (self.b / count)) as f32
    }

    /// Pearson's correlation, -1 to 1; 0 where one of them is plain.
    pub(super) fn correlation(&self) -> f32 {
        let (a, b) = self.spreads();
        if a < PLAIN || b < PLAIN {
            return 0.0;
        }
        (self.covariance() / (a * b)).clamp(-1.0, 1.0)
    }

    /// The line that tells the second from the first: its slope, and where it begins.
    pub(super) fn line(&self) -> (f32, f32) {
        let (a, b) = self.means();
        let slope = self.covariance() / self.spreads().0.max(PLAIN).powi(2);
        (slope, b - slope * a)
    }
}
