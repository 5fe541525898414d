//! Measurements as one self-contained page.

use super::TextLines;
use super::markup::escape;

const STYLE: &str = "\
:root{color-scheme:light dark;--line:#8884}\
body{font:15px/1.45 system-ui,sans-serif;margin:2rem auto;max-width:72rem;padding:0 1rem}\
h1{font-size:1.4rem}h2{font-size:1.1rem;margin-top:2rem}\
table{border-collapse:collapse;font-size:.85rem}\
th,td{border-bottom:1px solid var(--line);padding:.2rem .8rem .2rem 0;text-align:left;\
font-variant-numeric:tabular-nums}svg{max-width:100%;height:auto;margin-top:1rem}\
@media print{body{margin:0;max-width:none;padding:0;font-size:10pt}tr,svg{break-inside:avoid}}";

/// What a command prints, and drawings of it (SVG, made by this program) below, as one page. Nothing
/// is loaded from elsewhere.
pub fn measurements_page(title: &str, text: &TextLines, drawings: &[String]) -> String {
    let title = escape(title);
    format!(
        "<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\">\
         <title>simdex: {title}</title><style>{STYLE}</style>\n\
         <h1>{title}</h1>\n{}{}</html>\n",
        text.html(),
        drawings.concat()
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::{Column, Line, Table};

    #[test]
    fn lines_tables_and_drawings_are_on_it_and_no_text_is_markup() {
        let mut text: TextLines = ["a <b> & c", ""].into_iter().collect();
        text.push_line(Line::default().strong("Head").strong("ing"));
        text.push_line(Line::default().plain("so ").strong("much"));
        let mut table = Table::new([Column::left(4), Column::left(0)]);
        table.row(["name", "<i>"]);
        table.row(["x", "1"]);
        text.push_table(table);
        let page = measurements_page("t < u", &text, &["<svg>1</svg>".to_owned()]);
        let (_, body) = page.split_once("</style>").unwrap();
        assert_eq!(
            body,
            "\n<h1>t &lt; u</h1>\n<p>a &lt;b&gt; &amp; c</p>\n<h2>Heading</h2>\n<p>so <b>much</b></p>\n\
             <table><tr><th>name<th>&lt;i&gt;<tr><td>x<td>1</table>\n<svg>1</svg></html>\n"
        );
    }
}
