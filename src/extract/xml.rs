//! Reading XML as far as it can be read: feeds and sitemaps are often a little broken.

use quick_xml::events::{BytesStart, Event};
use quick_xml::{Reader, XmlVersion};

/// Longest text of one element that is kept, in bytes.
const LONGEST: usize = 1 << 20;

/// A reader that minds neither bare ampersands nor wrong end tags. It knows only the five
/// entities of XML: what a document declares itself is never expanded.
pub(super) fn reader(text: &str) -> Reader<&[u8]> {
    let mut reader = Reader::from_str(text);
    let config = reader.config_mut();
    config.allow_dangling_amp = true;
    config.allow_unmatched_ends = true;
    config.check_end_names = false;
    reader
}

/// An attribute's value without white space around it; empty ones do not count. One with an
/// unknown entity is taken as it is written: most are URLs with a bare ampersand.
pub(super) fn attribute(start: &BytesStart<'_>, name: &str) -> Option<String> {
    let mut attributes = start.attributes();
    let attribute = attributes
        .with_checks(false)
        .filter_map(Result::ok)
        .find(|attribute| attribute.key.as_ref() == name)?;
    let value = attribute
        .normalized_value(XmlVersion::Implicit1_0)
        .unwrap_or(attribute.value);
    let value = value.trim();
    (!value.is_empty()).then(|| value.to_owned())
}

/// Adds what an event says to an element's text.
pub(super) fn push_text(text: &mut String, event: &Event<'_>) {
    if text.len() > LONGEST {
        return;
    }
    match event {
        Event::Text(piece) => text.push_str(piece),
        Event::CData(piece) => text.push_str(piece),
        Event::GeneralRef(name) => match name.resolve_char_ref() {
            Ok(Some(c)) => text.push(c),
            _ => match quick_xml::escape::resolve_xml_entity(name) {
                Some(known) => text.push_str(known),
                // Perhaps an entity of HTML, which the HTML parser knows.
                None => {
                    text.push('&');
                    text.push_str(name);
                    text.push(';');
                }
            },
        },
        _ => {}
    }
}
