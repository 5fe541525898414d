//! Figures with their intervals, as SVG.

use std::fmt::Write;

use super::markup::escape;
use crate::evaluation::Estimate;

const NAMES: f64 = 190.0;
const SCALE: f64 = 320.0;
const FIGURES: f64 = 150.0;
const WIDTH: f64 = NAMES + SCALE + FIGURES;
const TOP: f64 = 30.0;
const ROW: f64 = 22.0;
const BOTTOM: f64 = 22.0;

/// Shares from 0 to 1, a row each: a dot for the mean, a line for where its middle 95 % lie.
pub fn interval_plot(title: &str, rows: &[(String, Estimate)]) -> String {
    let height = TOP + ROW * rows.len() as f64 + BOTTOM;
    let x = |share: f64| NAMES + share.clamp(0.0, 1.0) * SCALE;
    let base = height - BOTTOM;
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" \
         font-family=\"sans-serif\" font-size=\"11\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n\
         <text x=\"4\" y=\"16\" font-size=\"13\" font-weight=\"bold\">{}</text>\n",
        escape(title)
    );
    for fifth in 0..=5 {
        let at = f64::from(fifth) / 5.0;
        // Into a string: nothing can fail.
        let _ = writeln!(
            svg,
            "<line x1=\"{0:.1}\" x2=\"{0:.1}\" y1=\"{TOP}\" y2=\"{base}\" stroke=\"#ddd\"/>\
             <text x=\"{0:.1}\" y=\"{1:.1}\" text-anchor=\"middle\">{at:.1}</text>",
            x(at),
            base + 14.0
        );
    }
    for (number, (name, figure)) in rows.iter().enumerate() {
        let y = TOP + ROW * (number as f64 + 0.5);
        let [low, high] = figure.interval;
        let _ = writeln!(
            svg,
            "<text x=\"{:.1}\" y=\"{text:.1}\" text-anchor=\"end\">{}</text>\
             <line x1=\"{:.1}\" x2=\"{:.1}\" y1=\"{y:.1}\" y2=\"{y:.1}\" stroke=\"#2a7de1\" stroke-width=\"2\"/>\
             <circle cx=\"{:.1}\" cy=\"{y:.1}\" r=\"4\" fill=\"#2a7de1\"/>\
             <text x=\"{:.1}\" y=\"{text:.1}\" fill=\"#555\">{:.3} ({low:.3}-{high:.3})</text>",
            NAMES - 8.0,
            escape(name),
            x(low),
            x(high),
            x(figure.mean),
            NAMES + SCALE + 10.0,
            figure.mean,
            text = y + 4.0,
        );
    }
    svg += "</svg>\n";
    svg
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_row_stands_where_its_figure_is() {
        let figure = |mean: f64| Estimate {
            mean,
            interval: [mean - 0.25, mean + 0.25],
            std: 0.0,
        };
        let rows = [
            ("a <b>".to_owned(), figure(0.5)),
            ("c".to_owned(), figure(0.0)),
        ];
        let svg = interval_plot("t & u", &rows);
        assert!(svg.contains("a &lt;b&gt;") && svg.contains("t &amp; u"));
        assert!(svg.contains("cx=\"350.0\"") && svg.contains("x1=\"270.0\" x2=\"430.0\""));
        // What lies outside of the scale stays in the drawing.
        assert!(svg.contains("cx=\"190.0\"") && svg.contains("x1=\"190.0\" x2=\"270.0\""));
        assert!(svg.contains("0.000 (-0.250-0.250)"));
    }
}
