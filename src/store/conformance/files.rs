//! Local files: where pictures are, what leaves with them, what does not come back.

use std::path::Path;

use super::fixture::{commit, fetch, file, lease, offer, picture_id};
use crate::local_path::LocalPath;
use crate::store::{
    Body, FilePlace, FileSystemMark, FilesLeft, PictureOutcome, Role, Source, Store,
};

fn place(n: u8, path: &str) -> FilePlace {
    FilePlace {
        picture: picture_id(n),
        path: LocalPath::new(path),
        is_current: true,
    }
}

fn places(store: &Store) -> Vec<FilePlace> {
    let places = store.file_places().collect::<Result<Vec<_>, _>>();
    let mut places = places.unwrap();
    places.sort_by(|a, b| a.path.cmp(&b.path));
    places
}

fn known(store: &Store, path: &str) -> bool {
    store.known_file(path.as_ref(), 1, 1).unwrap().is_some()
}

pub(super) fn all_files_of_a_picture_are_listed(store: &Store) {
    assert!(fetch(store, "a.example", "a.example/1", 1));
    for n in 0..150 {
        assert!(!commit(store, file(&format!("{n:03}")), 1));
    }
    let provenance = store.provenance(picture_id(1)).unwrap();
    assert_eq!(provenance.urls.len(), 1);
    assert_eq!(provenance.paths.len(), 150);
    assert!(provenance.paths.is_sorted());
    assert_eq!(places(store).len(), 150);
    assert!(places(store).iter().all(|place| place.is_current));
    // One has other bytes now.
    assert!(commit(store, file("000"), 2));
    let first: Vec<bool> = places(store)[..2].iter().map(|p| p.is_current).collect();
    assert!(first.contains(&true) && first.contains(&false));
}

pub(super) fn pictures_leave_with_their_last_file(store: &Store) {
    assert!(commit(store, file("a"), 1));
    assert!(!commit(store, file("b"), 1));
    assert!(commit(store, file("c"), 2));
    assert!(fetch(store, "a.example", "a.example/3", 3));
    assert!(!commit(store, file("d"), 3));
    let gone = [
        place(1, "/a"),
        place(2, "/c"),
        place(3, "/d"),
        place(3, "/x"),
    ];
    let left = store.drop_files(&gone, None).unwrap();
    let expected = FilesLeft {
        files: 3,
        pictures: 1,
    };
    assert_eq!(left, expected);
    assert!(!known(store, "/a") && known(store, "/b"));
    assert!(store.contains(picture_id(1)).unwrap());
    assert!(!store.contains(picture_id(2)).unwrap());
    assert!(store.contains(picture_id(3)).unwrap());
    assert_eq!(places(store), [place(1, "/b")]);
    assert_eq!(store.removed_since(0).len(), 1);
    // Nobody said that they are not to come back.
    for (n, path) in [(1, "/a"), (2, "/c"), (3, "/d")] {
        assert_eq!(
            store.removed_file(picture_id(n), path.as_ref()).unwrap(),
            None
        );
    }
    assert!(commit(store, file("c"), 2));
    assert_eq!(store.drop_files(&[], None).unwrap(), FilesLeft::default());
}

pub(super) fn what_a_user_removes_is_remembered(store: &Store) {
    let named = |n: u8, path: &str| store.removed_file(picture_id(n), path.as_ref()).unwrap();
    assert!(commit(store, file("in/a"), 1));
    assert!(commit(store, file("in/b"), 2));
    assert!(!commit(store, file("out/b"), 2));
    let folder = Some(Path::new("/in"));
    let both = [place(1, "/in/a"), place(2, "/in/b")];
    assert_eq!(store.drop_files(&both, folder).unwrap().pictures, 1);
    // The picture is gone, wherever it is; of the other one only the file.
    for path in ["/in/a", "/new/name"] {
        assert_eq!(named(1, path), Some(LocalPath::new("/in")));
    }
    assert_eq!(named(2, "/in/b"), Some(LocalPath::new("/in")));
    assert_eq!(named(2, "/out/b"), None);
    store
        .take_back_file(picture_id(1), "/in/a".as_ref())
        .unwrap();
    assert_eq!(named(1, "/in/a"), None);
    assert_eq!(named(2, "/in/b"), Some(LocalPath::new("/in")));
    // By its identity.
    assert!(store.remove_picture(picture_id(2)).unwrap());
    assert_eq!(named(2, "/anywhere"), Some(LocalPath::new("")));
    // What is not known from a file is no file's business.
    assert!(fetch(store, "a.example", "a.example/3", 3));
    assert!(store.remove_picture(picture_id(3)).unwrap());
    assert_eq!(named(3, "/c"), None);
}

pub(super) fn folders_have_file_systems(store: &Store) {
    assert_eq!(store.file_systems().unwrap(), []);
    let mark = |folder: &str, file_system: &str| FileSystemMark {
        folder: LocalPath::new(folder),
        file_system: file_system.to_owned(),
    };
    let marks = [mark("/a", "1"), mark("/a/b", "2")];
    store.keep_file_systems(&marks).unwrap();
    assert_eq!(store.file_systems().unwrap(), marks);
    store.keep_file_systems(&marks[1..]).unwrap();
    assert_eq!(store.file_systems().unwrap(), marks[1..]);
    // A file that gave nothing is none.
    store
        .commit(vec![PictureOutcome::Postponed(file("a"))])
        .unwrap();
    assert!(!known(store, "/a"));
}

pub(super) fn a_file_brings_what_waits(store: &Store) {
    offer(store, Role::Picture, &["a.example/1"]);
    let body = Body {
        origin: Source::Url(lease(store, "a.example")),
        id: picture_id(1),
        bytes: vec![1],
    };
    assert_eq!(store.keep_bodies(vec![body]).unwrap(), [true]);
    assert!(commit(store, file("a"), 1));
    assert_eq!((store.waiting_count(), store.waiting().count()), (0, 0));
    let provenance = store.provenance(picture_id(1)).unwrap();
    assert_eq!((provenance.urls.len(), provenance.paths.len()), (1, 1));
    assert!(store.remove_picture(picture_id(1)).unwrap());
    assert!(!store.remove_picture(picture_id(1)).unwrap());
}
