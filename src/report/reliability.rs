//! Reliability diagrams, as SVG: the score of results against the share of them that is right.

use std::fmt::Write;

use super::markup::escape;
use crate::evaluation::ScoreBin;

/// One diagram.
#[derive(Debug, Clone, Copy)]
pub struct Reliability<'a> {
    /// Its title.
    pub title: &'a str,
    /// What is shown.
    pub bins: &'a [ScoreBin],
    /// The calibration error, if there is one.
    pub error: Option<f64>,
}

const SIDE: f64 = 260.0;
const LEFT: f64 = 46.0;
const TOP: f64 = 44.0;
const BOTTOM: f64 = 40.0;
/// Height of the counts below.
const COUNTS: f64 = 60.0;
const WIDTH: f64 = LEFT + SIDE + 16.0;
const HEIGHT: f64 = TOP + SIDE + 24.0 + COUNTS + BOTTOM;

/// Diagrams side by side. A bar up to the diagonal is a score that means what it says; below it
/// stand how many results have such a score.
pub fn reliability_diagrams(diagrams: &[Reliability<'_>]) -> String {
    let width = WIDTH * diagrams.len().max(1) as f64;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {HEIGHT}\" \
         width=\"{width}\" font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for (i, diagram) in diagrams.iter().enumerate() {
        let _ = writeln!(svg, "<g transform=\"translate({},0)\">", WIDTH * i as f64);
        draw(&mut svg, diagram);
        svg += "</g>\n";
    }
    svg += "</svg>\n";
    svg
}

fn draw(svg: &mut String, diagram: &Reliability<'_>) {
    let x = |score: f64| LEFT + score * SIDE;
    let y = |share: f64| TOP + (1.0 - share) * SIDE;
    let error = diagram
        .error
        .map_or_else(String::new, |error| format!(", error {error:.3}"));
    let _ = writeln!(
        svg,
        "<text x=\"{LEFT}\" y=\"18\" font-size=\"13\" font-weight=\"bold\">{}{error}</text>\
         <text x=\"{LEFT}\" y=\"34\" fill=\"#555\">share of results that are right, by their score</text>",
        escape(diagram.title)
    );
    for fifth in 0..=5 {
        let at = f64::from(fifth) / 5.0;
        let _ = writeln!(
            svg,
            "<line x1=\"{LEFT}\" x2=\"{0:.1}\" y1=\"{1:.1}\" y2=\"{1:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{2:.1}\" y=\"{3:.1}\" text-anchor=\"end\">{at:.1}</text>\
             <text x=\"{4:.1}\" y=\"{5:.1}\" text-anchor=\"middle\">{at:.1}</text>",
            x(1.0),
            y(at),
            LEFT - 6.0,
            y(at) + 4.0,
            x(at),
            y(0.0) + 15.0,
        );
    }
    let most = diagram.bins.iter().map(|bin| bin.results).max();
    let most = most.unwrap_or_default().max(1) as f64;
    let base = HEIGHT - BOTTOM;
    for bin in diagram.bins {
        let (left, width) = (x(bin.from) + 1.0, x(bin.to) - x(bin.from) - 2.0);
        if let (Some(right), Some(score)) = (bin.right, bin.score) {
            let _ = writeln!(
                svg,
                "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{:.1}\" \
                 fill=\"#2a7de1\" fill-opacity=\".75\"><title>score {score:.3}: {right:.3} of {} \
                 results are right</title></rect>\
                 <line x1=\"{left:.1}\" x2=\"{end:.1}\" y1=\"{mean:.1}\" y2=\"{mean:.1}\" \
                 stroke=\"#c2371f\" stroke-width=\"2\"/>",
                y(right),
                y(0.0) - y(right),
                bin.results,
                end = left + width,
                mean = y(score),
            );
        }
        let height = bin.results as f64 / most * COUNTS;
        let _ = writeln!(
            svg,
            "<rect x=\"{left:.1}\" y=\"{:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" \
             fill=\"#999\"/><text x=\"{:.1}\" y=\"{:.1}\" font-size=\"9\" text-anchor=\"middle\">{}</text>",
            base - height,
            left + width / 2.0,
            base + 11.0,
            bin.results,
        );
    }
    let _ = writeln!(
        svg,
        "<line x1=\"{:.1}\" y1=\"{:.1}\" x2=\"{:.1}\" y2=\"{:.1}\" stroke=\"#555\" \
         stroke-dasharray=\"4 3\"/>\
         <text x=\"{LEFT}\" y=\"{:.1}\" fill=\"#555\">results by score; red: their mean score</text>",
        x(0.0),
        y(0.0),
        x(1.0),
        y(1.0),
        HEIGHT - 12.0,
    );
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::evaluation::Calibration;

    #[test]
    fn a_diagram_is_whole_xml_with_a_bar_for_each_bin_that_has_results() {
        let bins = Calibration::of(&[(0.95, true), (0.95, false), (0.2, false)]).bins();
        let svg = reliability_diagrams(&[
            Reliability {
                title: "a <b> & \"c\"",
                bins: &bins,
                error: Some(0.25),
            },
            Reliability {
                title: "none",
                bins: &Calibration::default().bins(),
                error: None,
            },
        ]);
        let mut reader = quick_xml::Reader::from_str(&svg);
        let (mut titles, mut depth) = (0, 0);
        loop {
            match reader.read_event().unwrap() {
                quick_xml::events::Event::Start(tag) => {
                    depth += 1;
                    titles += usize::from(tag.name().as_ref() == "title");
                }
                quick_xml::events::Event::End(_) => depth -= 1,
                quick_xml::events::Event::Eof => break,
                _ => {}
            }
        }
        assert_eq!((depth, titles), (0, 2));
        assert!(svg.contains("0.500 of 2 results are right"), "{svg}");
        assert!(svg.contains("a &lt;b&gt; &amp;"), "{svg}");
    }
}
