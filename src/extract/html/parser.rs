//! Parsing a page, however deep its elements nest.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::time::Instant;

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::{
    BufferQueue, EndTag, StartTag, Tag, TagToken, Token, TokenSink, TokenSinkResult, Tokenizer,
    TokenizerOpts,
};
use html5ever::tree_builder::{TreeBuilder, TreeBuilderOpts, TreeSink};
use html5ever::{LocalName, TokenizerResult};
use scraper::{Html, HtmlTreeSink};

/// A page that was parsed.
pub(super) struct Parsed {
    pub(super) html: Html,
    /// Elements that nest deeper than is kept: they stand side by side.
    pub(super) flattened: u64,
    /// Bytes that the time did not suffice for.
    pub(super) left: u64,
}

/// Bytes parsed between two looks at the clock.
const CHUNK: usize = 4 << 10;
/// How deep elements nest, as in browsers; what is deeper stands side by side. A tree builder
/// goes through its open elements again and again, so depth costs time.
const DEEPEST: usize = 512;
/// How much deeper a start tag leads at most, with the elements that it implies.
const IMPLIED: usize = 4;
/// Elements without contents, and those whose contents are no elements.
const FLAT: [&str; 26] = [
    "area",
    "base",
    "br",
    "col",
    "embed",
    "frame",
    "hr",
    "image",
    "img",
    "input",
    "keygen",
    "link",
    "meta",
    "param",
    "source",
    "track",
    "wbr",
    "script",
    "style",
    "title",
    "textarea",
    "xmp",
    "iframe",
    "noembed",
    "noframes",
    "plaintext",
];

type Builder = TreeBuilder<<HtmlTreeSink as TreeSink>::Handle, HtmlTreeSink>;

/// A tree builder that closes elements at once which are too deep.
struct Flattening {
    builder: Builder,
    /// Of elements that were closed at once: the end tags that are still to come.
    closed: RefCell<HashMap<LocalName, u64>>,
    flattened: Cell<u64>,
    /// How many elements may come before their depth is measured again.
    unmeasured: Cell<usize>,
}

/// Parses as far as the time goes.
pub(super) fn parse(text: &str, deadline: Instant) -> Parsed {
    let options = TreeBuilderOpts {
        // What is in <noscript> is meant for readers like simdex.
        scripting_enabled: false,
        ..TreeBuilderOpts::default()
    };
    let sink = Flattening {
        builder: TreeBuilder::new(HtmlTreeSink::new(Html::new_document()), options),
        closed: RefCell::default(),
        flattened: Cell::default(),
        unmeasured: Cell::default(),
    };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let input = BufferQueue::default();
    let mut rest = text;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at(rest.floor_char_boundary(CHUNK));
        input.push_back(StrTendril::from_slice(chunk));
        // Nobody runs the scripts between which it stops.
        while !matches!(tokenizer.feed(&input), TokenizerResult::Done) {}
        rest = after;
        if Instant::now() > deadline {
            break;
        }
    }
    tokenizer.end();
    let Flattening {
        builder, flattened, ..
    } = tokenizer.sink;
    Parsed {
        html: builder.sink.finish(),
        flattened: flattened.get(),
        left: rest.len() as u64,
    }
}

impl TokenSink for Flattening {
    type Handle = <HtmlTreeSink as TreeSink>::Handle;

    fn process_token(&self, token: Token, line: u64) -> TokenSinkResult<Self::Handle> {
        let name = match &token {
            TagToken(tag) if tag.kind == EndTag => {
                if let Some(count) = self.closed.borrow_mut().get_mut(&tag.name)
                    && *count > 0
                {
                    *count -= 1;
                    return TokenSinkResult::Continue;
                }
                None
            }
            TagToken(tag) if tag.kind == StartTag && !FLAT.contains(&&*tag.name) => {
                Some(tag.name.clone())
            }
            _ => None,
        };
        let result = self.builder.process_token(token, line);
        if let Some(name) = name
            && self.is_too_deep()
        {
            let end = Tag {
                kind: EndTag,
                name: name.clone(),
                self_closing: false,
                attrs: Vec::new(),
                had_duplicate_attributes: false,
            };
            // An end tag changes nothing for the tokenizer.
            let _ = self.builder.process_token(TagToken(end), line);
            *self.closed.borrow_mut().entry(name).or_default() += 1;
            self.flattened.set(self.flattened.get() + 1);
        }
        result
    }

    fn end(&self) {
        self.builder.end();
    }

    fn adjusted_current_node_present_but_not_in_html_namespace(&self) -> bool {
        self.builder
            .adjusted_current_node_present_but_not_in_html_namespace()
    }
}

impl Flattening {
    /// Whether the element that came last lies too deep.
    fn is_too_deep(&self) -> bool {
        if let Some(left) = self.unmeasured.get().checked_sub(1) {
            self.unmeasured.set(left);
            return false;
        }
        let html = self.builder.sink.0.borrow();
        let mut node = html.tree.root();
        for depth in 0..=DEEPEST {
            match node.last_child() {
                Some(child) => node = child,
                None => {
                    self.unmeasured.set((DEEPEST - depth) / IMPLIED);
                    return false;
                }
            }
        }
        true
    }
}
