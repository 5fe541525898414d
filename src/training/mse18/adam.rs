//! Adam (Kingma and Ba 2015, algorithm 1).

use super::dense::Parameters;

/// Keras's defaults, which the report uses.
const LEARNING_RATE: f32 = 1e-3;
const EPSILON: f32 = 1e-7;
/// How much of the means a step keeps: of slopes, and of their squares.
const KEPT: [f32; 2] = [0.9, 0.999];

/// The means of the slopes, and of their squares.
pub(super) struct Adam {
    slopes: Parameters,
    squares: Parameters,
    steps: i32,
}

impl Adam {
    pub(super) fn new(parameters: &Parameters) -> Self {
        Self {
            slopes: parameters.zeros(),
            squares: parameters.zeros(),
            steps: 0,
        }
    }

    /// Changes parameters by a gradient.
    pub(super) fn step(&mut self, parameters: &mut Parameters, gradient: &Parameters) {
        self.steps += 1;
        // The means begin at zero, and are too small at first.
        let grown = KEPT.map(|kept| 1.0 / (1.0 - kept.powi(self.steps)));
        let means = self.slopes.values_mut().zip(self.squares.values_mut());
        let values = parameters.values_mut().zip(gradient.values());
        for ((mean, square), (value, slope)) in means.zip(values) {
            *mean = KEPT[0] * *mean + (1.0 - KEPT[0]) * slope;
            *square = KEPT[1] * *square + (1.0 - KEPT[1]) * slope * slope;
            let scale = (*square * grown[1]).sqrt() + EPSILON;
            *value -= LEARNING_RATE * *mean * grown[0] / scale;
        }
    }
}
