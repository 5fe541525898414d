//! The plot of a training, as SVG.

use std::fmt::Write;

use crate::head::Mse18Training;
use crate::plural::counted;

const WIDTH: f32 = 720.0;
const HEIGHT: f32 = 420.0;
const MARGIN: f32 = 56.0;

/// The report's plot of training and validation accuracy against epochs, as SVG.
pub fn training_curve(training: &Mse18Training) -> String {
    let epochs = &training.epochs;
    let x =
        |i: usize| MARGIN + i as f32 / (epochs.len().max(2) - 1) as f32 * (WIDTH - 2.0 * MARGIN);
    let y = |accuracy: f32| HEIGHT - MARGIN - accuracy * (HEIGHT - 2.0 * MARGIN);
    let line = |color: &str, values: &mut dyn Iterator<Item = (usize, f32)>| {
        let points: Vec<String> = values
            .map(|(i, accuracy)| format!("{:.1},{:.1}", x(i), y(accuracy)))
            .collect();
        format!(
            "<polyline fill=\"none\" stroke=\"{color}\" stroke-width=\"1.5\" points=\"{}\"/>\n",
            points.join(" ")
        )
    };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {HEIGHT}\" \
         font-family=\"sans-serif\" font-size=\"12\">\n\
         <rect width=\"100%\" height=\"100%\" fill=\"white\"/>\n"
    );
    for tenth in 0..=10 {
        let accuracy = tenth as f32 / 10.0;
        let (left, right, at) = (MARGIN, WIDTH - MARGIN, y(accuracy));
        let _ = writeln!(
            svg,
            "<line x1=\"{left}\" x2=\"{right}\" y1=\"{at:.1}\" y2=\"{at:.1}\" stroke=\"#ddd\"/>\
             <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{accuracy:.1}</text>",
            left - 6.0,
            at + 4.0,
        );
    }
    svg += &line(
        "#1f77b4",
        &mut epochs.iter().map(|e| e.train_accuracy).enumerate(),
    );
    let validation = epochs.iter().enumerate();
    svg += &line(
        "#d62728",
        &mut validation.filter_map(|(i, e)| e.validation_accuracy.map(|accuracy| (i, accuracy))),
    );
    let _ = writeln!(
        svg,
        "<text x=\"{MARGIN}\" y=\"{:.1}\">1</text>\
         <text x=\"{:.1}\" y=\"{:.1}\" text-anchor=\"end\">{}</text>\
         <text x=\"{MARGIN}\" y=\"24\">balanced accuracy: <tspan fill=\"#1f77b4\">training ({})</tspan>, \
         <tspan fill=\"#d62728\">validation ({} of held-out pictures)</tspan></text>\n</svg>",
        HEIGHT - MARGIN + 18.0,
        WIDTH - MARGIN,
        HEIGHT - MARGIN + 18.0,
        counted(epochs.len(), "epoch"),
        counted(training.train_pairs, "pair"),
        counted(training.validation_pairs, "pair"),
    );
    svg
}
