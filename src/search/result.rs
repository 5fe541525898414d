//! What a query gives, as JSON prints it.

use std::fmt;

use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use super::explanation::Explanation;
use crate::head::Alignment;
use crate::store::SourcePage;

/// The answer to one query; the JSON that `query` and `export` print.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct QueryResult {
    /// The query as it was given: a path or a URL.
    pub query: String,
    /// The results, best first.
    pub results: Vec<ResultEntry>,
    /// Ids of stored pictures that belong to the answer and are damaged: left out, or shown
    /// without their preview. Not in the JSON if there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<String>,
    /// Where the time went.
    pub timing_ms: Timing,
    /// The query picture's thumbnail, for HTML; not part of the JSON.
    #[serde(skip)]
    pub thumbnail: Vec<u8>,
    /// The query picture's width and height, for HTML.
    #[serde(skip)]
    pub size: (u32, u32),
}

/// One result, with what explains it.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct ResultEntry {
    /// 1 for the best.
    pub rank: usize,
    /// Similarity by the head, 0 to 1.
    pub score: f32,
    /// Whether its distances are estimates: no more than a sketch is kept of it, or of the picture that
    /// is asked for. Not in the JSON if they are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// The picture's id: BLAKE3 of its bytes in hexadecimal.
    pub id: String,
    /// URLs that served it.
    pub urls: Vec<String>,
    /// Pages that showed it.
    pub pages: Vec<SourcePage>,
    /// Its local path, for files added with `simdex add`; the `file:` URL of a path that is
    /// not UTF-8.
    pub path: Option<String>,
    /// All local paths at which these very bytes are.
    pub paths: Vec<String>,
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Cosine of the embeddings.
    pub cosine: f32,
    /// Mean squared error of each layer.
    #[schema(value_type = BTreeMap<String, f32>)]
    pub layers: Layers,
    /// What speaks for and against, by layer; of heads that weigh more than the MSEs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, f32>>)]
    pub evidence: Option<Evidence>,
    /// Why it is a result, as a person would say it; not where it is one of several queries.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub explanation: Option<Explanation>,
    /// Which parts of the two pictures match, if that was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
    /// Stored near-copies of it, which the result stands for.
    pub copies: Vec<CopyEntry>,
    /// The stored thumbnail, for HTML; not part of the JSON.
    #[serde(skip)]
    pub thumbnail: Vec<u8>,
}

/// A near-copy of a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CopyEntry {
    /// The picture's id.
    pub id: String,
    /// Where it is: its first URL or its path, written as `path` is.
    pub place: String,
    /// All its local paths.
    pub paths: Vec<String>,
}

impl ResultEntry {
    /// Where the picture is, for people: its first URL or its path.
    pub fn place(&self) -> &str {
        self.urls
            .first()
            .or(self.path.as_ref())
            .map_or(&self.id, String::as_str)
    }

    /// Where else it is, for people: its other local paths, and where it is the very picture
    /// that was asked for, its other URLs, too.
    pub fn other_places(&self) -> impl Iterator<Item = &str> {
        let is_exact = self.score >= 1.0;
        let urls = self.urls.iter().skip(1).filter(move |_| is_exact);
        // The first path is the place where there is no URL.
        let paths = self.paths.iter().skip(usize::from(self.urls.is_empty()));
        urls.chain(paths).map(String::as_str)
    }
}

/// The mean squared error of each layer, from the first to the last; a JSON object.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Layers(pub Vec<(String, f32)>);

impl Serialize for Layers {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, mse)| (name, mse)))
    }
}

/// What speaks for (above 0) and against "the same", in log-odds against the average pair
/// of the training: a JSON object of layers, `embedding`, `descriptor`, `neighbourhood`,
/// `local`, or `look` alone, where looks rank.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Evidence(pub Vec<(String, f32)>);

impl Serialize for Evidence {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_map(self.0.iter().map(|(name, odds)| (name, odds)))
    }
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

impl<'de> Deserialize<'de> for Evidence {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(InOrder).map(Self)
    }
}

/// Reads an object in the order in which it was written.
struct InOrder;

impl<'de> Visitor<'de> for InOrder {
    type Value = Vec<(String, f32)>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of numbers")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<Self::Value, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = object.next_entry()? {
            entries.push(entry);
        }
        Ok(entries)
    }
}

/// Milliseconds by stage.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, ToSchema)]
pub struct Timing {
    /// Reading or fetching the query picture, decoding it and running the network.
    pub features: f64,
    /// Pruning with the index.
    pub candidates: f64,
    /// Per-layer MSEs and the head.
    pub rescore: f64,
    /// Everything, with the results' metadata.
    pub total: f64,
}

/// Two pictures compared; the JSON that `compare` prints.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Comparison {
    /// Similarity by the head, 0 to 1.
    pub score: f32,
    /// Whether its distances are estimates: no more than a sketch is kept of one of the two. Not in the
    /// JSON if they are not.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub estimated: bool,
    /// The share of pairs that are the same at which the score is their probability: a pair alone
    /// does not tell how rare its like is, as a list does. `None` of heads whose scores are none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base_rate: Option<f32>,
    /// Cosine of the embeddings.
    pub cosine: f32,
    /// Mean squared error of each layer.
    #[schema(value_type = BTreeMap<String, f32>)]
    pub layers: Layers,
    /// What speaks for and against, by layer; of heads that weigh more than the MSEs.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<BTreeMap<String, f32>>)]
    pub evidence: Option<Evidence>,
    /// What they have in common, as a person would say it.
    pub explanation: Explanation,
    /// Which parts of the two pictures match.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alignment: Option<Alignment>,
}
