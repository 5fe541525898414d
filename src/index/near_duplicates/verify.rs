//! Whether two pictures are copies of one.

use std::cell::{OnceCell, RefCell};

use crate::activation::Activations;
use crate::network::Embedding;
use crate::picture::{PictureId, Plane, Registration};
use crate::store::{Block, Sequence, Store, StoreError};

/// Says whether a picture whose hash is near another's really is a copy of it.
///
/// A hash of 64 bits takes plain pictures for each other, so two layers must agree too: the
/// first (edges and colours) and the middle one. Their MSE is measured against how much both
/// pictures vary from place to place: 0 for the same picture, 1 for two that have nothing in
/// common, plain ones included. Forms and memes differ in their words only, so the previews are
/// laid on each other as well.
pub(super) struct Verifier<'a> {
    store: &'a Store,
    features: Option<Features>,
}

struct Features {
    id: PictureId,
    block: Block,
    embedding: Embedding,
    /// Of the first and the middle layer.
    spreads: RefCell<Option<[f32; 2]>>,
    preview: OnceCell<Option<Plane>>,
}

/// Thresholds as measured (docs/similarity.md, "Near-copies").
const LEAST_COSINE: f32 = 0.7;
const MOST_RELATIVE: [f32; 2] = [0.15, 0.45];
/// Below this a layer is the same everywhere but for rounding.
const FLAT: f32 = 1e-6;

impl<'a> Verifier<'a> {
    pub(super) fn new(store: &'a Store, sequence: Sequence) -> Result<Self, StoreError> {
        let features = Features::read(store, sequence)?;
        Ok(Self { store, features })
    }

    pub(super) fn is_copy_of(&self, other: Sequence) -> Result<bool, StoreError> {
        let (Some(a), Some(b)) = (&self.features, Features::read(self.store, other)?) else {
            return Ok(false);
        };
        if a.embedding.cosine(&b.embedding) < LEAST_COSINE {
            return Ok(false);
        }
        let both = [a, &b].map(|picture| picture.activations(self.store));
        let spreads = [a.spreads(self.store), b.spreads(self.store)];
        if !layers_agree(both, spreads) {
            return Ok(false);
        }
        let previews = a.preview(self.store).zip(b.preview(self.store));
        let show_the_same = |(a, b)| Registration::of_wholes(a, b).shows_the_same();
        Ok(previews.is_none_or(show_the_same))
    }
}

impl Features {
    /// `None` if they are damaged or gone: such a picture is no copy of any.
    fn read(store: &Store, sequence: Sequence) -> Result<Option<Self>, StoreError> {
        let Some(id) = store.picture_at(sequence)? else {
            return Ok(None);
        };
        let block = store
            .block(id)
            .inspect_err(|error| tracing::warn!(%error, "a picture is not compared"));
        Ok(block.ok().map(|block| Self {
            embedding: Embedding::normalized(&Activations::new(store.layout(), &block).embedding()),
            id,
            block,
            spreads: RefCell::default(),
            preview: OnceCell::new(),
        }))
    }

    fn activations<'a>(&'a self, store: &'a Store) -> Activations<'a> {
        Activations::new(store.layout(), &self.block)
    }

    /// `None` where none is kept.
    fn preview(&self, store: &Store) -> Option<&Plane> {
        let read = || {
            let record = store.picture(self.id).ok().flatten()?;
            let jpeg = store.thumbnail(self.id).ok().flatten()?;
            let preview = image::load_from_memory_with_format(&jpeg, image::ImageFormat::Jpeg);
            let plane = Plane::of(&preview.ok()?.into_luma8())?;
            Some(plane.preview_of((record.width, record.height)))
        };
        self.preview.get_or_init(read).as_ref()
    }

    /// Where the codec keeps none, every difference is one.
    fn spreads(&self, store: &Store) -> [f32; 2] {
        let compute = || spreads(self.activations(store));
        *self.spreads.borrow_mut().get_or_insert_with(compute)
    }
}

/// Whether two pictures with near hashes are near-copies by their first and their middle layer.
pub fn are_near_copies(a: Activations<'_>, b: Activations<'_>) -> bool {
    let (a, b) = a.in_common(b);
    layers_agree([a, b], [spreads(a), spreads(b)])
}

fn layers_agree([a, b]: [Activations<'_>; 2], spreads: [[f32; 2]; 2]) -> bool {
    layers(a).into_iter().enumerate().all(|(i, layer)| {
        let spread = spreads[0][i] + spreads[1][i];
        a.layer_distance(b, layer).mse <= MOST_RELATIVE[i] * spread.max(FLAT)
    })
}

fn spreads(picture: Activations<'_>) -> [f32; 2] {
    layers(picture).map(|layer| picture.layer_spread(layer).unwrap_or_default())
}

/// The first and the middle layer.
fn layers(picture: Activations<'_>) -> [usize; 2] {
    [0, picture.layer_count() / 2]
}
