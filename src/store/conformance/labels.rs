//! What the user has said of pictures: it is kept until it is taken back, or the picture removed.

use super::fixture::{commit, fetch, file, host, open, options, picture_id};
use crate::local_path::LocalPath;
use crate::store::leases::LEASE_TIME;
use crate::store::{
    Again, BackupOptions, FilePlace, Label, LabelId, RemovalRules, Store, UrlOutcome, Verdict,
    Wasteful,
};

fn alike(a: u8, b: u8, is_alike: bool) -> Label {
    Label {
        verdict: Verdict::Alike {
            pictures: [a, b].map(picture_id),
            mode: "same-subject".to_owned(),
            is_alike,
        },
        at_ms: 1,
    }
}

fn apart(a: u8, b: u8) -> Label {
    Label {
        verdict: Verdict::NotDuplicates {
            pictures: [a, b].map(picture_id),
        },
        at_ms: 2,
    }
}

fn class(n: u8, class: &str) -> Label {
    Label {
        verdict: Verdict::Class {
            picture: picture_id(n),
            class: class.to_owned(),
        },
        at_ms: 3,
    }
}

fn all(store: &Store) -> Vec<Label> {
    store.labels(None).collect::<Result<_, _>>().unwrap()
}

/// In the order in which they are listed.
fn sorted(mut labels: Vec<Label>) -> Vec<Label> {
    labels.sort_by_key(Label::id);
    labels
}

pub(super) fn what_is_said_again_takes_the_place_of_the_first(store: &Store) {
    let first = [alike(1, 2, true), class(1, "cat")];
    assert_eq!(store.keep_labels(&first).unwrap(), [None, None]);
    // Which of the two was asked for is of no matter.
    let again = [alike(2, 1, false), class(1, "dog"), class(2, "dog")];
    let before = store.keep_labels(&again).unwrap();
    let [alike, cat] = first;
    assert_eq!(before, [Some(alike), Some(cat), None]);
    assert_eq!(all(store), sorted(again.to_vec()));
    assert_eq!(store.label(again[0].id()).unwrap(), Some(again[0].clone()));
    let of_first = sorted(again[..2].to_vec());
    assert_eq!(store.labels_of(picture_id(1)).unwrap(), of_first);
    let ids: Vec<LabelId> = all(store).iter().map(Label::id).collect();
    let rest = store.labels(Some(ids[0])).collect::<Result<Vec<_>, _>>();
    assert_eq!(rest.unwrap(), all(store)[1..]);
}

pub(super) fn labels_are_taken_back(store: &Store) {
    let labels = [alike(1, 2, true), apart(1, 2)];
    assert_eq!(store.changes_of_duplicates(), 0);
    store.keep_labels(&labels).unwrap();
    let changes = store.changes_of_duplicates();
    assert!(changes > 0);
    let [alike, apart] = labels;
    assert_eq!(
        store.take_back_label(alike.id()).unwrap(),
        Some(alike.clone())
    );
    assert_eq!(store.take_back_label(alike.id()).unwrap(), None);
    assert_eq!(store.changes_of_duplicates(), changes);
    let left = store.labels_of(picture_id(2)).unwrap();
    assert_eq!(left, std::slice::from_ref(&apart));
    store.take_back_label(apart.id()).unwrap();
    assert!(store.changes_of_duplicates() > changes);
    assert_eq!(
        (all(store), store.labels_of(picture_id(2)).unwrap()),
        (vec![], vec![])
    );
}

pub(super) fn labels_go_with_pictures_that_somebody_removes(store: &Store) {
    for n in 1..=3 {
        assert!(commit(store, file(&n.to_string()), n));
    }
    assert!(fetch(store, "a.example", "a.example/4", 4));
    assert!(fetch(store, "b.example", "b.example/5", 5));
    let kept = class(5, "stays");
    let removed = [
        alike(1, 5, true),
        class(2, "cat"),
        apart(2, 3),
        class(4, "dog"),
    ];
    store.keep_labels(&removed).unwrap();
    store.keep_labels(std::slice::from_ref(&kept)).unwrap();
    assert!(store.remove_picture(picture_id(1)).unwrap());
    let place = FilePlace {
        picture: picture_id(2),
        path: LocalPath::new("/2"),
        is_current: true,
    };
    let by_word = Some("/2".as_ref());
    assert_eq!(store.drop_files(&[place], by_word).unwrap().pictures, 1);
    assert_eq!(store.remove_host("a.example").unwrap(), 1);
    assert_eq!(all(store), [kept]);
    assert_eq!(store.labels_of(picture_id(3)).unwrap(), []);
}

pub(super) fn labels_wait_for_pictures_that_left_by_themselves(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    assert!(commit(store, file("2"), 2));
    let labels = sorted(vec![class(1, "cat"), class(2, "dog")]);
    store.keep_labels(&labels).unwrap();
    let rules = RemovalRules {
        gone_after_s: 0,
        most_share: 1.0,
        ..RemovalRules::default()
    };
    store.begin_run(1, rules).unwrap();
    for _ in 0..2 {
        store.queue_again(&Again::Visited).unwrap();
        if let Some(lease) = store.lease(host("a.example"), true).unwrap() {
            let gone = UrlOutcome::Gone("http_404".to_owned());
            store.settle(lease, gone).unwrap();
        }
    }
    let place = FilePlace {
        picture: picture_id(2),
        path: LocalPath::new("/2"),
        is_current: true,
    };
    store.drop_files(&[place], None).unwrap();
    assert_eq!(store.picture_count(), 0);
    assert_eq!(all(store), labels);
}

#[test]
fn labels_outlast_their_records() {
    let dir = tempfile::tempdir().unwrap();
    let kept = {
        let store = open(&dir, LEASE_TIME);
        for n in 1..=3 {
            assert!(commit(&store, file(&n.to_string()), n));
        }
        let labels = [
            alike(1, 2, true),
            alike(1, 3, true),
            apart(1, 2),
            class(3, "cat"),
        ];
        store.keep_labels(&labels).unwrap();
        store.keep_labels(&[alike(1, 2, false)]).unwrap();
        store.take_back_label(apart(1, 2).id()).unwrap();
        store.remove_picture(picture_id(3)).unwrap();
        store.compact(Wasteful::Any).unwrap();
        store.keep_labels(&[class(2, "dog")]).unwrap();
        all(&store)
    };
    assert_eq!(kept, sorted(vec![alike(1, 2, false), class(2, "dog")]));
    assert_eq!(all(&open(&dir, LEASE_TIME)), kept);
    // The log alone tells it, too: in a backup, and where the records are lost.
    let [backup, restored] = [(); 2].map(|()| tempfile::tempdir().unwrap());
    let to = backup.path().join("backup");
    Store::backup(dir.path(), &to, BackupOptions::default(), &mut |_, _| {}).unwrap();
    let into = restored.path().join("store");
    Store::restore(&to, &into, &options(), &mut |_, _| {}).unwrap();
    assert_eq!(all(&Store::open(&into, &options()).unwrap()), kept);
    std::fs::remove_dir_all(dir.path().join("records")).unwrap();
    Store::repair(dir.path(), &options()).unwrap();
    assert_eq!(all(&open(&dir, LEASE_TIME)), kept);
}
