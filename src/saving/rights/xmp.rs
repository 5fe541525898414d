//! XMP (ISO 16684-1), in whatever file: its packets are made to be found by looking for them.

use quick_xml::escape::resolve_xml_entity;
use quick_xml::events::{BytesStart, Event};
use quick_xml::name::ResolveResult;
use quick_xml::{NsReader, XmlVersion};

use super::{LONGEST, Rights, find, text};

/// Longest packet that is read, in bytes.
const PACKET: usize = 1 << 20;
/// Most packets that are read of one file.
const PACKETS: usize = 8;

const CC: [&str; 2] = [
    "http://creativecommons.org/ns#",
    "http://web.resource.org/cc/",
];
const XMP_RIGHTS: &str = "http://ns.adobe.com/xap/1.0/rights/";
const DC: &str = "http://purl.org/dc/elements/1.1/";

/// What is said, each in the order of its worth.
#[derive(Debug, Default)]
struct Said {
    license: Option<String>,
    statement: Option<String>,
    terms: Option<String>,
    rights: Option<String>,
    creator: Option<String>,
}

/// Properties that are looked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Property {
    License,
    Statement,
    Terms,
    Rights,
    Creator,
}

/// What the packets of a file say.
pub(super) fn rights(bytes: &[u8]) -> Rights {
    let mut said = Said::default();
    let mut from = 0;
    for _ in 0..PACKETS {
        let Some(start) = find(bytes, b"<rdf:RDF", from) else {
            break;
        };
        let end = find(bytes, b"</rdf:RDF>", start).map(|end| end + b"</rdf:RDF>".len());
        let Some(end) = end else { break };
        if end - start <= PACKET {
            said.read(&String::from_utf8_lossy(&bytes[start..end]));
        }
        from = end;
    }
    Rights {
        license: said.license.or(said.statement).or(said.terms),
        copyright: said.rights,
        creator: said.creator,
    }
}

impl Said {
    fn of(&mut self, property: Property) -> &mut Option<String> {
        match property {
            Property::License => &mut self.license,
            Property::Statement => &mut self.statement,
            Property::Terms => &mut self.terms,
            Property::Rights => &mut self.rights,
            Property::Creator => &mut self.creator,
        }
    }

    /// The first value of a property counts.
    fn say(&mut self, property: Property, value: &str) {
        let known = self.of(property);
        if known.is_none() {
            *known = text(value);
        }
    }

    /// Reads a packet as far as it is one.
    fn read(&mut self, packet: &str) {
        // Prefixes that are declared around it, as Inkscape does; those it declares itself count more.
        let whole = format!("{WRAPPER}{packet}");
        let mut reader = NsReader::from_str(&whole);
        let config = reader.config_mut();
        config.check_end_names = false;
        config.allow_dangling_amp = true;
        let (mut open, mut depth, mut value) = (None, 0u32, String::new());
        while let Ok(event) = reader.read_event() {
            match event {
                Event::Start(element) => {
                    let property = self.element(&reader, &element);
                    match open {
                        Some(_) => depth += 1,
                        None if property.is_some() => (open, depth) = (property, 0),
                        None => {}
                    }
                }
                Event::Empty(element) => {
                    self.element(&reader, &element);
                }
                Event::Text(words) if open.is_some() && value.len() < LONGEST => {
                    value.push_str(&words);
                }
                Event::GeneralRef(name) if open.is_some() => match name.resolve_char_ref() {
                    Ok(Some(character)) => value.push(character),
                    _ => value.push_str(resolve_xml_entity(&name).unwrap_or(" ")),
                },
                // Of several values, as in other languages, the first counts.
                Event::End(_) if depth > 0 => {
                    depth -= 1;
                    if let Some(property) = open {
                        self.say(property, &value);
                    }
                    value.clear();
                }
                Event::End(_) => {
                    if let Some(property) = open.take() {
                        self.say(property, &value);
                    }
                    value.clear();
                }
                Event::Eof => break,
                _ => {}
            }
        }
    }

    /// Takes the properties that an element's attributes name, and says which it is itself.
    fn element(&mut self, reader: &NsReader<&[u8]>, element: &BytesStart<'_>) -> Option<Property> {
        let resolver = reader.resolver();
        let (namespace, name) = resolver.resolve_element(element.name());
        let own = property(&namespace, name.as_ref());
        for attribute in element.attributes().flatten() {
            let (namespace, name) = resolver.resolve_attribute(attribute.key);
            let is_resource = attribute.key.as_ref() == "rdf:resource";
            let named = match own {
                Some(own) if is_resource => Some(own),
                _ => property(&namespace, name.as_ref()),
            };
            if let Some(property) = named {
                let value = attribute.normalized_value(XmlVersion::Implicit1_0);
                self.say(property, &value.unwrap_or(attribute.value));
            }
        }
        own
    }
}

fn property(namespace: &ResolveResult<'_>, name: &str) -> Option<Property> {
    let ResolveResult::Bound(namespace) = namespace else {
        return None;
    };
    let namespace = namespace.as_ref();
    match name {
        "license" if CC.contains(&namespace) => Some(Property::License),
        "WebStatement" if namespace == XMP_RIGHTS => Some(Property::Statement),
        "UsageTerms" if namespace == XMP_RIGHTS => Some(Property::Terms),
        "rights" if namespace == DC => Some(Property::Rights),
        "creator" if namespace == DC => Some(Property::Creator),
        _ => None,
    }
}

/// Declares the usual prefixes.
const WRAPPER: &str = "<x xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' \
    xmlns:cc='http://creativecommons.org/ns#' xmlns:dc='http://purl.org/dc/elements/1.1/' \
    xmlns:xmpRights='http://ns.adobe.com/xap/1.0/rights/'>";
