//! Stores to learn from: of many sizes and mixes, with queries that are not in them.

use std::ops::Range;

use rand::Rng;
use rand::seq::index::sample;
use rand::seq::{IndexedRandom, SliceRandom};
use rand_chacha::ChaCha8Rng;

/// What is known of each picture, by its number.
#[derive(Debug, Clone, Copy)]
pub(super) struct Kinds<'a> {
    /// The domain it is of.
    pub(super) domains: &'a [usize],
    /// The class it is of, in its domain.
    pub(super) labels: &'a [usize],
    /// The name of its class, the same in all domains.
    pub(super) names: &'a [usize],
}

impl Kinds<'_> {
    /// Whether two pictures are of one class, in whatever domain.
    pub(super) fn same(&self, a: usize, b: usize) -> bool {
        self.labels[a] == self.labels[b] || self.names[a] == self.names[b]
    }
}

/// A store with queries that are not in it.
#[derive(Debug)]
pub(super) struct DrawnStore {
    /// Pictures in it.
    pub(super) stored: Vec<usize>,
    /// Pictures that are sought in it; for some there is nothing right.
    pub(super) queries: Vec<usize>,
}

/// Queries of classes that are stored.
const ANSWERED: usize = 8;
/// Fewest pictures in a store.
const FEWEST: usize = 8;
/// Strangers that are added to a large store: from e^5.5 to e^8.4.
const STRANGERS: (f32, f32) = (5.5, 8.4);
/// Pictures in a small store.
const SMALL: Range<f32> = 20.0..150.0;

/// What is in a store.
#[derive(Clone, Copy, PartialEq)]
enum Mix {
    OneDomain,
    SomeDomains,
    AllDomains,
    /// All domains and many pictures of others.
    Large,
}

/// Draws a store from `pictures`; `strangers` are of other domains. `None` if it came out too
/// small.
pub(super) fn draw(
    kinds: Kinds<'_>,
    pictures: &[usize],
    strangers: &[usize],
    rng: &mut ChaCha8Rng,
) -> Option<DrawnStore> {
    let domains = distinct(pictures.iter().map(|&i| kinds.domains[i]));
    let mix = match rng.random::<f32>() {
        ..0.25 => Mix::OneDomain,
        0.25..0.6 => Mix::SomeDomains,
        0.6..0.8 => Mix::AllDomains,
        _ => Mix::Large,
    };
    let chosen: Vec<usize> = match mix {
        Mix::OneDomain => domains.choose(rng).copied().into_iter().collect(),
        Mix::SomeDomains => {
            let count = rng.random_range(2.min(domains.len())..=domains.len());
            sample(rng, domains.len(), count)
                .into_iter()
                .map(|at| domains[at])
                .collect()
        }
        Mix::AllDomains | Mix::Large => domains,
    };
    let mut classes = distinct(
        pictures
            .iter()
            .filter(|i| chosen.contains(&kinds.domains[**i]))
            .map(|&i| kinds.labels[i]),
    );
    if classes.len() > 2 && rng.random::<f32>() < 0.4 {
        classes.shuffle(rng);
        let count = log_uniform(2.0, classes.len() as f32, rng).round() as usize;
        classes.truncate(count.clamp(2, classes.len()));
    }
    let is_in =
        |i: &&usize| chosen.contains(&kinds.domains[**i]) && classes.contains(&kinds.labels[**i]);
    let mut inside: Vec<usize> = pictures.iter().filter(is_in).copied().collect();
    inside.shuffle(rng);
    if rng.random::<f32>() < 0.5 {
        inside = thinned(kinds, &inside, &classes, rng);
    }
    let mut queries = Vec::new();
    for _ in 0..ANSWERED {
        let domain = chosen.choose(rng)?;
        let fits = |i: &&usize| kinds.domains[**i] == *domain && !queries.contains(*i);
        let fitting: Vec<usize> = inside.iter().filter(fits).copied().collect();
        queries.extend(fitting.choose(rng));
    }
    let mut stored: Vec<usize> = inside
        .iter()
        .filter(|i| !queries.contains(i))
        .copied()
        .collect();
    if rng.random::<f32>() < 0.5 {
        let size = log_uniform(20.0, (stored.len() as f32).max(21.0), rng);
        stored.truncate(size as usize);
    }
    if mix == Mix::Large {
        let count = rng.random_range(STRANGERS.0..STRANGERS.1).exp() as usize;
        let drawn = sample(rng, strangers.len(), count.min(strangers.len()));
        stored.extend(drawn.into_iter().map(|at| strangers[at]));
    }
    // One of those that have nothing like them in the store, mostly of the same domains.
    let near = rng.random::<f32>() < 0.7;
    let names: std::collections::HashSet<usize> = stored.iter().map(|&i| kinds.names[i]).collect();
    let outside = pictures.iter().filter(|i| {
        !classes.contains(&kinds.labels[**i])
            && !names.contains(&kinds.names[**i])
            && (!near || chosen.contains(&kinds.domains[**i]))
    });
    queries.extend(outside.copied().collect::<Vec<_>>().choose(rng));
    (stored.len() >= FEWEST).then_some(DrawnStore { stored, queries })
}

/// Draws a store that is a plain sample of `pictures` or of one of their domains: most classes
/// have few pictures in it or none.
pub(super) fn draw_sample(
    kinds: Kinds<'_>,
    pictures: &[usize],
    rng: &mut ChaCha8Rng,
) -> Option<DrawnStore> {
    let domains = distinct(pictures.iter().map(|&i| kinds.domains[i]));
    let mut from = pictures.to_vec();
    if rng.random::<f32>() < 0.4 {
        let domain = *domains.choose(rng)?;
        from.retain(|i| kinds.domains[*i] == domain);
    }
    let most = (from.len() as f32 * 0.8).min(600.0);
    sampled(kinds, from, 20.0..most.max(21.0), rng)
}

/// Draws a small store that is a plain sample of all `pictures`: what a user's first ones are.
pub(super) fn draw_small(
    kinds: Kinds<'_>,
    pictures: &[usize],
    rng: &mut ChaCha8Rng,
) -> Option<DrawnStore> {
    sampled(kinds, pictures.to_vec(), SMALL, rng)
}

fn sampled(
    kinds: Kinds<'_>,
    mut from: Vec<usize>,
    sizes: Range<f32>,
    rng: &mut ChaCha8Rng,
) -> Option<DrawnStore> {
    from.shuffle(rng);
    let size = log_uniform(sizes.start, sizes.end, rng) as usize;
    let (stored, rest) = from.split_at_checked(size)?;
    let names: std::collections::HashSet<usize> = stored.iter().map(|&i| kinds.names[i]).collect();
    let (answered, others): (Vec<usize>, Vec<usize>) =
        rest.iter().partition(|i| names.contains(&kinds.names[**i]));
    let among = distinct(answered.iter().map(|&i| kinds.domains[i]));
    let mut queries = Vec::new();
    for _ in 0..ANSWERED {
        let Some(domain) = among.choose(rng) else {
            break;
        };
        let fits = answered.iter().filter(|i| kinds.domains[**i] == *domain);
        queries.extend(fits.copied().collect::<Vec<_>>().choose(rng));
    }
    queries.extend(others.choose(rng));
    let stored = stored.to_vec();
    (stored.len() >= FEWEST).then_some(DrawnStore { stored, queries })
}

/// Some pictures of each class, at least two: few of all or many of some.
fn thinned(
    kinds: Kinds<'_>,
    pictures: &[usize],
    classes: &[usize],
    rng: &mut ChaCha8Rng,
) -> Vec<usize> {
    let share = 0.3 + 0.7 * rng.random::<f32>();
    let mut kept = Vec::new();
    for class in classes {
        let of_class = pictures.iter().filter(|i| kinds.labels[**i] == *class);
        let of_class: Vec<usize> = of_class.copied().collect();
        let most = (of_class.len().max(3) as f32).powf(share).max(2.0);
        let count = log_uniform(2.0, most, rng) as usize;
        kept.extend(of_class.iter().take(count.max(2)));
    }
    kept.shuffle(rng);
    kept
}

fn log_uniform(least: f32, most: f32, rng: &mut ChaCha8Rng) -> f32 {
    let (least, most) = (least.ln(), most.ln());
    (least + (most - least).max(0.0) * rng.random::<f32>()).exp()
}

fn distinct(values: impl Iterator<Item = usize>) -> Vec<usize> {
    let mut all: Vec<usize> = values.collect();
    all.sort_unstable();
    all.dedup();
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use rand::SeedableRng;

    #[test]
    fn queries_are_not_stored_and_some_have_no_answer() {
        // Five domains of four classes of ten pictures; strangers are the last domain.
        let domains: Vec<usize> = (0..200).map(|i| i / 40).collect();
        let labels: Vec<usize> = (0..200).map(|i| i / 10).collect();
        let kinds = Kinds {
            domains: &domains,
            labels: &labels,
            names: &labels,
        };
        let pictures: Vec<usize> = (0..160).collect();
        let strangers: Vec<usize> = (160..200).collect();
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        let (mut sizes, mut answerless, mut queries) = (Vec::new(), 0, 0);
        for n in 0..200 {
            let drawn = match n % 2 {
                0 => draw(kinds, &pictures, &strangers, &mut rng),
                _ => draw_sample(kinds, &pictures, &mut rng),
            };
            let Some(store) = drawn else { continue };
            sizes.push(store.stored.len());
            for query in &store.queries {
                assert!(!store.stored.contains(query) && *query < 160);
                queries += 1;
                let answered = store.stored.iter().any(|i| kinds.same(*query, *i));
                answerless += usize::from(!answered);
            }
        }
        assert!(
            sizes.len() > 150 && queries > 1_000,
            "{} {queries}",
            sizes.len()
        );
        assert!(sizes.iter().any(|s| *s < 25) && sizes.iter().any(|s| *s > 120));
        let share = answerless as f32 / queries as f32;
        assert!((0.03..0.4).contains(&share), "{share}");
    }
}
