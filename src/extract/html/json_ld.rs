//! Pictures in JSON-LD (schema.org's `image`, `ImageObject`, `thumbnailUrl`).

use serde_json::{Map, Value};

use super::img::side;
use crate::extract::{MOST, PageRules};

/// A picture that JSON-LD names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Named {
    /// Its versions, best first.
    pub(super) references: Vec<String>,
    /// The `caption`, else the `name`.
    pub(super) text: String,
    /// Its own licence.
    pub(super) license: Option<String>,
}

/// What a block says.
#[derive(Debug, Clone, Default)]
pub(super) struct JsonLd {
    /// The pictures that it names.
    pub(super) pictures: Vec<Named>,
    /// The licence of the page.
    pub(super) license: Option<String>,
}

/// Longest block that is read, in bytes; its tree takes several times as much.
const LONGEST: usize = 1 << 20;

/// Properties whose values are pictures, or the texts that are their references.
const PICTURES: [&str; 5] = [
    "image",
    "photo",
    "photos",
    "primaryImageOfPage",
    "associatedMedia",
];

/// What stands for a page, so that its licence is the page's.
const PAGES: [&str; 10] = [
    "Article",
    "BlogPosting",
    "CollectionPage",
    "CreativeWork",
    "ImageGallery",
    "ItemPage",
    "MediaGallery",
    "NewsArticle",
    "VisualArtwork",
    "WebPage",
];

impl JsonLd {
    /// Reads a block; a broken one says nothing. serde_json reads at most 128 levels.
    pub(super) fn read(json: &str, rules: &PageRules) -> Self {
        let mut read = Self::default();
        if json.len() <= LONGEST
            && let Ok(value) = serde_json::from_str::<Value>(json.trim())
        {
            visit(&value, rules, &mut read.pictures);
            read.license = page_license(&value);
        }
        read
    }
}

/// The licence of the first object that stands for the page.
fn page_license(value: &Value) -> Option<String> {
    match value {
        Value::Array(values) => values.iter().find_map(page_license),
        Value::Object(object) => {
            let own = is_a(object, &PAGES).then(|| license(object)).flatten();
            own.or_else(|| page_license(object.get("@graph")?))
        }
        _ => None,
    }
}

/// An object's `license`: text, or an object with an address.
fn license(object: &Map<String, Value>) -> Option<String> {
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Object(object) => {
            let address = ["url", "@id"].iter().find_map(|name| object.get(*name));
            address.and_then(Value::as_str).map(str::to_owned)
        }
        _ => None,
    };
    let license = match object.get("license")? {
        Value::Array(values) => values.iter().find_map(text),
        value => text(value),
    };
    license.filter(|license| !license.trim().is_empty())
}

fn visit(value: &Value, rules: &PageRules, named: &mut Vec<Named>) {
    match value {
        Value::Array(values) => values.iter().for_each(|value| visit(value, rules, named)),
        Value::Object(object) if is_image_object(object) => image_object(object, rules, named),
        Value::Object(object) => {
            let before = named.len();
            for (name, value) in object {
                if PICTURES.contains(&name.as_str()) {
                    picture(value, rules, named);
                } else if name == "logo" {
                    if rules.icons {
                        picture(value, rules, named);
                    }
                } else if name != "thumbnailUrl" && name != "thumbnail" {
                    visit(value, rules, named);
                }
            }
            // A thumbnail is the same picture in small, if there is one in large.
            if named.len() == before {
                for name in ["thumbnailUrl", "thumbnail"] {
                    if let Some(value) = object.get(name) {
                        picture(value, rules, named);
                    }
                }
            }
        }
        _ => {}
    }
}

/// The value of a property that holds pictures.
fn picture(value: &Value, rules: &PageRules, named: &mut Vec<Named>) {
    match value {
        Value::String(reference) => push(vec![reference.as_str()], "", None, named),
        Value::Array(values) => values.iter().for_each(|value| picture(value, rules, named)),
        Value::Object(object) if is_image_object(object) || !object.contains_key("@type") => {
            image_object(object, rules, named);
        }
        Value::Object(_) => visit(value, rules, named),
        _ => {}
    }
}

fn image_object(object: &Map<String, Value>, rules: &PageRules, named: &mut Vec<Named>) {
    let text = |name: &str| object.get(name).and_then(Value::as_str);
    let too_small = ["width", "height"]
        .iter()
        .filter_map(|name| pixels(object.get(*name)?))
        .any(|side| side < rules.min_side);
    let references = ["contentUrl", "url", "thumbnailUrl"];
    let references = references.iter().filter_map(|name| text(name));
    let references: Vec<&str> = references.filter(|it| !it.is_empty()).collect();
    if !too_small && !references.is_empty() {
        let about = text("caption").or(text("name")).unwrap_or_default();
        push(references, about, license(object), named);
    }
}

fn push(references: Vec<&str>, text: &str, license: Option<String>, named: &mut Vec<Named>) {
    if named.len() < MOST {
        named.push(Named {
            references: references.into_iter().map(str::to_owned).collect(),
            text: text.to_owned(),
            license,
        });
    }
}

/// A side in pixels: `640`, `"640"` or `"640px"`.
fn pixels(value: &Value) -> Option<u32> {
    match value {
        Value::Number(number) => u32::try_from(number.as_u64()?).ok(),
        Value::String(text) => side(text.trim()),
        _ => None,
    }
}

fn is_image_object(object: &Map<String, Value>) -> bool {
    is_a(object, &["ImageObject"])
}

/// Whether an object is of one of these types.
fn is_a(object: &Map<String, Value>, types: &[&str]) -> bool {
    let is_one = |value: &Value| {
        let name = value
            .as_str()
            .and_then(|name| name.rsplit(['/', ':']).next());
        name.is_some_and(|name| types.contains(&name))
    };
    match object.get("@type") {
        Some(Value::Array(types)) => types.iter().any(is_one),
        Some(name) => is_one(name),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pictures(json: &str) -> String {
        let rules = PageRules {
            agent: "simdex",
            icons: false,
            min_side: 64,
        };
        let read = JsonLd::read(json, &rules);
        read.pictures
            .iter()
            .map(|named| named.references[0].as_str())
            .collect::<Vec<_>>()
            .join(" ")
    }

    #[test]
    fn pictures_of_every_form() {
        for (json, expected) in [
            (r#"{"@type": "Article", "image": "a.jpg"}"#, "a.jpg"),
            (
                r#"{"image": ["a.jpg", {"@type": "ImageObject", "url": "b.jpg"}]}"#,
                "a.jpg b.jpg",
            ),
            (
                r#"[{"@graph": [{"@type": "Recipe", "image": {"url": "a.jpg"}}]}]"#,
                "a.jpg",
            ),
            (
                r#"{"@type": ["ImageObject"], "thumbnailUrl": "s.jpg", "contentUrl": "l.jpg"}"#,
                "l.jpg",
            ),
            (
                r#"{"@type": "https://schema.org/ImageObject", "url": "a.jpg"}"#,
                "a.jpg",
            ),
            // A small declared picture, a logo and a film are not wanted.
            (
                r#"{"image": {"url": "a.jpg", "width": 32, "height": "900"}}"#,
                "",
            ),
            (r#"{"image": {"url": "a.jpg", "width": "32px"}}"#, ""),
            (
                r#"{"publisher": {"logo": {"@type": "ImageObject", "url": "a.jpg"}}}"#,
                "",
            ),
            (
                r#"{"@type": "VideoObject", "contentUrl": "f", "thumbnailUrl": ["t.jpg"]}"#,
                "t.jpg",
            ),
            (r#"{"image": "a.jpg", "thumbnailUrl": "t.jpg"}"#, "a.jpg"),
            (
                r#"{"name": "image", "author": {"image": "me.jpg"}}"#,
                "me.jpg",
            ),
            // A name for the picture elsewhere in the graph, not its address.
            (
                r#"[{"primaryImageOfPage": {"@id": "/#i"}},
                {"@type": "ImageObject", "@id": "/#i", "url": "a.jpg"}]"#,
                "a.jpg",
            ),
            (r#"{"image": "a.jpg""#, ""),
            (r#"{"image": [7, null, {}]}"#, ""),
        ] {
            assert_eq!(pictures(json), expected, "{json}");
        }
    }

    #[test]
    fn an_image_tells_what_it_shows() {
        let json = r#"{"@type": "ImageObject", "url": "a.jpg", "name": "n", "caption": "A fish"}"#;
        assert_eq!(
            JsonLd::read(json, &PageRules::default()).pictures[0].text,
            "A fish"
        );
    }

    #[test]
    fn licences_are_of_pictures_or_of_the_page() {
        let read = |json: &str| {
            let read = JsonLd::read(json, &PageRules::default());
            let picture = read.pictures.first().and_then(|it| it.license.clone());
            (
                picture.unwrap_or_default(),
                read.license.unwrap_or_default(),
            )
        };
        for (json, picture, page) in [
            (
                r#"{"@type": "ImageObject", "contentUrl": "a.jpg", "license": "https://l/1"}"#,
                "https://l/1",
                "",
            ),
            (
                r#"{"@type": "WebPage", "license": {"@id": "https://l/2"}, "image": "a.jpg"}"#,
                "",
                "https://l/2",
            ),
            (
                r#"{"@graph": [{"@type": "Person"}, {"@type": ["Article"], "license": ["https://l/3"]}]}"#,
                "",
                "https://l/3",
            ),
            // The licence of something that the page speaks of.
            (r#"{"@type": "Dataset", "license": "https://l/4"}"#, "", ""),
            (r#"{"@type": "WebPage", "license": " "}"#, "", ""),
        ] {
            assert_eq!(read(json), (picture.to_owned(), page.to_owned()), "{json}");
        }
    }
}
