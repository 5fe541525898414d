//! When what failed is tried again.

use std::time::Duration;

use crate::store::LONGEST_RETRY;

/// How long to wait after so many attempts before this one: four times longer each time, and up
/// to half as long again by chance, so that what failed together is not tried together. If a
/// host asks for a longer wait, it gets it, up to a day.
pub(in crate::crawl) fn retry_wait(
    delay: Duration,
    attempts: u32,
    asked: Option<Duration>,
) -> Duration {
    let shortest = delay.max(Duration::from_millis(100));
    let wait = shortest * 4u32.saturating_pow((attempts + 1).min(6));
    let wait = wait.mul_f64(1.0 + 0.5 * rand::random::<f64>());
    wait.max(asked.unwrap_or_default()).min(LONGEST_RETRY)
}
