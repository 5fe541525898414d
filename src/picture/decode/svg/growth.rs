//! How large an SVG becomes when all that it repeats is written out.

use std::collections::{HashMap, HashSet};

use resvg::usvg::roxmltree::{Document, Node, NodeId};

/// Elements that a drawing may have after that.
const MOST: u64 = 200_000;

/// Elements, attributes and style sheets name others by `#id`, and those again others: a text of
/// ten lines can mean a thousand million elements.
pub(super) fn is_bounded(document: &Document<'_>) -> bool {
    let named = document
        .descendants()
        .filter_map(|node| Some((node.attribute("id")?, node)));
    let mut growth = Growth {
        named: named.collect(),
        known: HashMap::new(),
        under_way: HashSet::new(),
        of_sheets: 0,
    };
    // A rule of a sheet can be meant for every element.
    let sheets = document
        .descendants()
        .filter(|node| node.tag_name().name() == "style");
    let sheets: Vec<&str> = sheets.filter_map(|node| node.text()).collect();
    let of_sheets = sheets
        .iter()
        .map(|text| growth.of_names(text, 1))
        .fold(0, u64::saturating_add);
    if of_sheets > MOST {
        return false;
    }
    // Markers repeat at each point, which a sheet does not know.
    let repeats = sheets.iter().any(|text| text.contains("marker"));
    growth.of_sheets = of_sheets.saturating_mul(if repeats { 1000 } else { 1 });
    growth.known.clear();
    growth.of(document.root_element()) <= MOST
}

struct Growth<'a, 'input> {
    named: HashMap<&'a str, Node<'a, 'input>>,
    known: HashMap<NodeId, u64>,
    under_way: HashSet<NodeId>,
    of_sheets: u64,
}

impl Growth<'_, '_> {
    fn of(&mut self, node: Node<'_, '_>) -> u64 {
        if let Some(known) = self.known.get(&node.id()) {
            return *known;
        }
        // What names itself is left out when it is drawn.
        if !self.under_way.insert(node.id()) {
            return 0;
        }
        let mut sum = if node.is_element() {
            1 + self.of_sheets
        } else {
            0
        };
        for attribute in node.attributes() {
            let times = match attribute.name() {
                // About one point for four letters of a path.
                name if name.starts_with("marker") || name == "style" => {
                    let points = node.attribute("d").or_else(|| node.attribute("points"));
                    let is_marker =
                        attribute.name() != "style" || attribute.value().contains("marker");
                    if is_marker {
                        points.map_or(1, |points| points.len() as u64 / 4 + 1)
                    } else {
                        1
                    }
                }
                _ => 1,
            };
            sum = sum.saturating_add(self.of_names(attribute.value(), times));
        }
        for child in node.children() {
            sum = sum.saturating_add(self.of(child));
        }
        self.under_way.remove(&node.id());
        self.known.insert(node.id(), sum);
        sum
    }

    /// Of all that a text names: `#id`, `url(#id)`.
    fn of_names(&mut self, text: &str, times: u64) -> u64 {
        let mut sum = 0u64;
        for rest in text.split('#').skip(1) {
            let end = rest.find(|c: char| ")'\";, ".contains(c) || c.is_whitespace());
            let name = rest[..end.unwrap_or(rest.len())].trim();
            if let Some(node) = self.named.get(name).copied() {
                sum = sum.saturating_add(self.of(node).saturating_mul(times));
            }
        }
        sum
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn is_bounded_text(inner: &str) -> bool {
        let text = format!("<svg xmlns='http://www.w3.org/2000/svg'>{inner}</svg>");
        is_bounded(&Document::parse(&text).unwrap())
    }

    #[test]
    fn what_is_repeated_is_counted() {
        let mut uses = "<g id='a0'><path d='M0 0h9'/></g>".to_owned();
        let mut patterns = "<pattern id='a0'><path d='M0 0h9'/></pattern>".to_owned();
        for level in 1..8 {
            let below = level - 1;
            let many = format!("<use href='#a{below}'/>").repeat(10);
            uses += &format!("<g id='a{level}'>{many}</g>");
            let many = format!("<path fill='url(#a{below})'/>").repeat(10);
            patterns += &format!("<pattern id='a{level}'>{many}</pattern>");
        }
        assert!(!is_bounded_text(&uses));
        assert!(!is_bounded_text(&patterns));
        assert!(is_bounded_text(
            &"<use href='#a'/><path id='a' d='M0 0h9'/>".repeat(50)
        ));
        let points = "1 1 ".repeat(5000);
        let marker = format!("<marker id='m'>{}</marker>", "<g/>".repeat(100));
        assert!(!is_bounded_text(&format!(
            "{marker}<polyline points='{points}' marker-mid='url(#m)'/>"
        )));
        assert!(is_bounded_text(&format!(
            "{marker}<polyline points='1 1 2 2' marker-mid='url(#m)'/>"
        )));
    }

    #[test]
    fn what_names_itself_ends() {
        assert!(is_bounded_text("<g id='a'><use href='#a'/></g>"));
        assert!(is_bounded_text(
            "<style>.x { fill: url(#p) }</style><pattern id='p'><g/></pattern><g/>"
        ));
    }
}
