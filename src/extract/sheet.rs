//! Pictures and further sheets that a style sheet names.

use cssparser::{ParseError, Parser, Token};
use url::Url;

use super::data_picture::is_data;
use super::link_target::LinkTarget;
use super::page_builder::PageBuilder;
use super::version::Version;
use super::{InlinePicture, LeftOut, MOST, MOST_VERSIONS, PageRules, PictureLink, charset};
use crate::canonical_url::CanonicalUrl;

/// What a style sheet names, each list in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sheet {
    /// Pictures, each URL once; those of an `image-set()` are versions of one.
    pub pictures: Vec<PictureLink>,
    /// Pictures whose bytes stand in the sheet itself.
    pub inline: Vec<InlinePicture>,
    /// Sheets that it imports.
    pub imports: Vec<CanonicalUrl>,
    /// What limits have left out.
    pub left_out: LeftOut,
}

/// Parses a style sheet fetched from `url`. `charset` is the one of its Content-Type header.
pub fn parse_sheet(css: &[u8], charset: Option<&str>, url: &Url) -> Sheet {
    // The URLs of sheets are encoded in UTF-8 (CSS Values, section 4.5).
    let (css, _) = charset::decode(css, charset, charset::of_css);
    let mut builder = PageBuilder::new(url, &PageRules::default());
    let references = References::read(&css);
    for versions in references.pictures {
        let versions: Vec<_> = versions.into_iter().map(Version::shown).collect();
        builder.versions(&versions, "", "");
    }
    for reference in &references.imports {
        builder.sheet(reference);
    }
    let page = builder.finish();
    Sheet {
        pictures: page.pictures,
        inline: page.inline,
        imports: page.sheets,
        left_out: page.left_out,
    }
}

/// The references in a style sheet or a style attribute, not yet resolved.
#[derive(Debug, Default)]
pub(super) struct References {
    /// Of each picture at least one version, best first.
    pub(super) pictures: Vec<Vec<String>>,
    pub(super) imports: Vec<String>,
}

type Ended = Result<(), ParseError<()>>;

impl References {
    pub(super) fn read(css: &str) -> Self {
        let mut references = Self::default();
        // Whatever it ends with, what was found until then counts.
        let _ = references.block(&mut Parser::new(css));
        references
    }

    /// Reads to the end of a block. cssparser bounds how deep blocks nest.
    fn block(&mut self, parser: &mut Parser<'_>) -> Ended {
        // Within the prelude of an at-rule whose URLs are no pictures.
        let mut skipping = false;
        while let Ok(token) = parser.next().cloned() {
            match token {
                Token::AtKeyword(name) if name.eq_ignore_ascii_case("import") => {
                    if let Ok(reference) = parser.try_parse(Parser::expect_url_or_string) {
                        push(&mut self.imports, &reference);
                    }
                }
                Token::AtKeyword(name) => {
                    skipping = ["font-face", "namespace", "document"]
                        .iter()
                        .any(|known| name.eq_ignore_ascii_case(known));
                }
                Token::Semicolon => skipping = false,
                // A block that is not entered is skipped when the next token is read.
                Token::CurlyBracketBlock if skipping => skipping = false,
                _ if skipping => {}
                Token::UnquotedUrl(reference) => self.picture(&reference),
                Token::Function(name) if is_url(&name) => {
                    let reference = parser.parse_nested_block(string)?;
                    self.picture(&reference);
                }
                Token::Function(name)
                    if name.eq_ignore_ascii_case("image-set")
                        || name.eq_ignore_ascii_case("-webkit-image-set") =>
                {
                    parser.parse_nested_block(|parser| {
                        self.image_set(parser);
                        Ok::<(), ParseError<()>>(())
                    })?;
                }
                Token::Function(_)
                | Token::ParenthesisBlock
                | Token::SquareBracketBlock
                | Token::CurlyBracketBlock => {
                    parser.parse_nested_block(|parser| self.block(parser))?;
                }
                _ => {}
            }
        }
        Ok(())
    }

    fn picture(&mut self, reference: &str) {
        if self.pictures.len() < MOST && !reference.is_empty() {
            self.pictures.push(vec![reference.to_owned()]);
        }
    }

    /// `image-set("a.jp2" type("image/jp2"), url(b.jpg) 2x)`: those that can be read, the
    /// largest first.
    fn image_set(&mut self, parser: &mut Parser<'_>) {
        let mut options: Vec<(String, f32)> = Vec::new();
        let mut option = ImageSetOption::default();
        loop {
            let token = parser.next().cloned();
            match &token {
                Ok(Token::QuotedString(text) | Token::UnquotedUrl(text)) => {
                    option.reference = Some(text.to_string());
                }
                Ok(Token::Function(name)) if is_url(name) => {
                    option.reference = parser.parse_nested_block(string).ok();
                }
                Ok(Token::Function(name)) if name.eq_ignore_ascii_case("type") => {
                    option.media_type = parser.parse_nested_block(string).unwrap_or_default();
                }
                Ok(Token::Dimension { value, unit, .. }) => {
                    option.resolution = Some(value / dots_per_pixel(unit));
                }
                Ok(Token::Comma) | Err(_) => {
                    let usable = std::mem::take(&mut option).usable();
                    if options.len() < MOST {
                        options.extend(usable);
                    }
                }
                Ok(_) => {}
            }
            if token.is_err() {
                break;
            }
        }
        options.sort_by(|(_, a), (_, b)| b.total_cmp(a));
        options.truncate(MOST_VERSIONS);
        let versions: Vec<_> = options
            .into_iter()
            .map(|(reference, _)| reference)
            .collect();
        if !versions.is_empty() && self.pictures.len() < MOST {
            self.pictures.push(versions);
        }
    }
}

/// One of the versions in an `image-set()`.
#[derive(Debug, Default)]
struct ImageSetOption {
    reference: Option<String>,
    /// In dots per pixel.
    resolution: Option<f32>,
    media_type: String,
}

impl ImageSetOption {
    fn usable(self) -> Option<(String, f32)> {
        let reference = self.reference?;
        let is_usable = match LinkTarget::of_media_type(&self.media_type) {
            LinkTarget::Other => false,
            _ => is_data(&reference) || LinkTarget::of_path(&reference) != LinkTarget::Other,
        } && !reference.is_empty();
        is_usable.then_some((reference, self.resolution.unwrap_or(1.0)))
    }
}

/// How many of a resolution's unit make one dot per pixel (CSS Values, section 7.4).
fn dots_per_pixel(unit: &str) -> f32 {
    if unit.eq_ignore_ascii_case("dpi") {
        96.0
    } else if unit.eq_ignore_ascii_case("dpcm") {
        96.0 / 2.54
    } else {
        1.0
    }
}

fn is_url(function: &str) -> bool {
    function.eq_ignore_ascii_case("url") || function.eq_ignore_ascii_case("src")
}

fn string(parser: &mut Parser<'_>) -> Result<String, ParseError<()>> {
    // Modifiers may follow the string; they are skipped. Without a string there is no
    // reference.
    let text = match parser.next() {
        Ok(Token::QuotedString(text)) => text.to_string(),
        _ => String::new(),
    };
    while parser.next().is_ok() {}
    Ok(text)
}

fn push(references: &mut Vec<String>, reference: &str) {
    if references.len() < MOST && !reference.is_empty() {
        references.push(reference.to_owned());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sheet(css: &str) -> (String, String) {
        let url = Url::parse("http://h/css/main.css").unwrap();
        let sheet = parse_sheet(css.as_bytes(), None, &url);
        let list = |urls: &[CanonicalUrl]| {
            let urls: Vec<_> = urls
                .iter()
                .map(|url| {
                    url.as_str()
                        .strip_prefix("http://h")
                        .unwrap_or(url.as_str())
                })
                .collect();
            urls.join(" ")
        };
        {
            let pictures: Vec<_> = sheet.pictures.into_iter().map(|it| it.url).collect();
            (list(&pictures), list(&sheet.imports))
        }
    }

    #[test]
    fn backgrounds_are_found() {
        for (css, expected) in [
            ("a { background: #fff url(../a.jpg) no-repeat }", "/a.jpg"),
            (
                "a{b:url( 'a b.jpg' )}c{d:URL(\"e.png\")}",
                "/css/a%20b.jpg /css/e.png",
            ),
            (
                "@media (min-width: 9em) { a { b: url(a.jpg) } }",
                "/css/a.jpg",
            ),
            ("a{b:image-set('s.jpg' 1x, url(l.jpg) 2x)}", "/css/l.jpg"),
            (
                "a{b:-webkit-image-set(url('l.jpg') 192dpi, url(s.jpg) 1.5dppx)}",
                "/css/l.jpg",
            ),
            (
                "a{b:image-set('a.x' type('image/jp2'), 'b' type('image/png'))}",
                "/css/b",
            ),
            #[cfg(feature = "avif")]
            (
                "a{b:image-set('a.x' type('image/avif'), 'b' type('image/png'))}",
                "/css/a.x",
            ),
            (
                "a{b:cross-fade(url(a.jpg), url(b.jpg))}",
                "/css/a.jpg /css/b.jpg",
            ),
            (
                ":root{--hero:url(//cdn.example/a.jpg)}",
                "http://cdn.example/a.jpg",
            ),
            // A sheet that is cut off or wrong in places gives the rest.
            ("a{b:url(a.jpg", "/css/a.jpg"),
            ("}}) a{;;b:url()} c{d:url(a.jpg)}", "/css/a.jpg"),
            // Not pictures.
            (
                "/* url(a.jpg) */ a{b:url(#x)} c{d:url(a.svg)} e:'url(f.jpg)'",
                "",
            ),
            (
                "@font-face{src:url(f?x)} @namespace url(http://w/x); a{b:url(c.jpg)}",
                "/css/c.jpg",
            ),
        ] {
            assert_eq!(sheet(css).0, expected, "{css}");
        }
    }

    #[test]
    fn imports_are_sheets_not_pictures() {
        let css = "@import 'a.css'; @import url(b.css) screen; @import url('/c') layer(x);";
        let expected = "/css/a.css /css/b.css /c".to_owned();
        assert_eq!(sheet(css), (String::new(), expected));
    }
}
