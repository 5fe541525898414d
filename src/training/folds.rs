//! Parts of the training pictures, so that what is learned on some is tried on others.

use super::stores::Kinds;

/// Folds that domains are dealt into.
const FOLDS: usize = 4;

/// The fold of each picture: whole domains, so that a fold is as new to what was learned on the
/// others as a user's pictures are. Of fewer than four domains classes are dealt, into two.
pub(super) fn folds(kinds: Kinds<'_>) -> Vec<usize> {
    let domains = kinds.domains.iter().max().map_or(0, |last| last + 1);
    if domains < FOLDS {
        return kinds.labels.iter().map(|label| label % 2).collect();
    }
    let mut sizes = vec![0usize; domains];
    kinds.domains.iter().for_each(|&domain| sizes[domain] += 1);
    let mut order: Vec<usize> = (0..domains).collect();
    order.sort_by_key(|&domain| (usize::MAX - sizes[domain], domain));
    let mut loads = [0usize; FOLDS];
    let mut fold_of = vec![0; domains];
    for domain in order {
        let least = (0..FOLDS)
            .min_by_key(|&fold| loads[fold])
            .unwrap_or_default();
        fold_of[domain] = least;
        loads[least] += sizes[domain];
    }
    kinds
        .domains
        .iter()
        .map(|&domain| fold_of[domain])
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_stay_whole_and_folds_are_of_like_size() {
        let sizes = [50, 10, 40, 20, 30, 10, 10];
        let domains: Vec<usize> = (0..7).flat_map(|d| vec![d; sizes[d]]).collect();
        let labels: Vec<usize> = (0..domains.len()).map(|i| i / 5).collect();
        let kinds = |domains| Kinds {
            domains,
            labels: &labels,
            names: &labels,
        };
        let folds_of = folds(kinds(&domains));
        for domain in 0..7 {
            let of_domain = domains.iter().zip(&folds_of).filter(|(d, _)| **d == domain);
            let mut seen: Vec<usize> = of_domain.map(|(_, fold)| *fold).collect();
            seen.dedup();
            assert_eq!(seen.len(), 1);
        }
        let size = |fold| folds_of.iter().filter(|f| **f == fold).count();
        assert!((0..4).all(|fold| (30..=50).contains(&size(fold))));
        // One domain: classes are dealt.
        let one = vec![0; domains.len()];
        assert_eq!(
            folds(kinds(&one))[..12],
            [0, 0, 0, 0, 0, 1, 1, 1, 1, 1, 0, 0]
        );
    }
}
