//! The pages of the drawn site.

use std::fmt::Write;

use super::super::drawing::Motif;
use super::super::retouch::Retouch;
use super::{
    ABOUT, ARCHIVE, CLOSED, DIARY, ICON, MISSING, Picture, STYLE, Shown, TRAVEL, companion, topic,
    workshop,
};

/// Every page that may be fetched, by its path.
pub(super) fn pages(pictures: &[Picture]) -> Vec<(String, String)> {
    let figures = |path: &str, base: &str| {
        let shown = pictures.iter().filter(|picture| picture.page == path);
        let figures: String = shown.map(|picture| figure(picture, base)).collect();
        format!("<main>\n{figures}</main>\n")
    };
    let mut pages = Vec::new();
    let mut links = String::new();
    for motif in Motif::ALL {
        let path = topic(motif);
        add_link(&mut links, &path, motif.name());
        let body = format!(
            "<p>Drawn four times. <a href=\"../\">All topics</a></p>\n{}",
            figures(&path, &path)
        );
        pages.push((path, page(motif.caption(), "", &body)));
    }
    pages.push((
        "/topics/".to_owned(),
        page("Topics", "", &format!("<nav>\n{links}</nav>\n")),
    ));

    let mut copies = String::new();
    for edit in Retouch::ALL {
        let path = workshop(edit);
        add_link(&mut copies, &path, edit.name());
        let body = figures(&path, &path);
        pages.push((path, page(&format!("Copies, {edit}"), "", &body)));
    }

    let (path, base) = ARCHIVE;
    let head = format!("<base href=\"{base}\">\n");
    // With a base, even this link leads into the base's folder unless it starts at the root.
    let body = format!("{}<p><a href=\"/\">Home</a></p>\n", figures(path, base));
    pages.push((path.to_owned(), page("From the archive", &head, &body)));

    let body = format!(
        "{}<p>One got lost on the way: <img src=\"{MISSING}\" alt=\"\"></p>\n\
         <p>More of <a href=\"../../topics/lake/#shore\">the lake</a>.</p>\n",
        figures(TRAVEL, TRAVEL)
    );
    pages.push((TRAVEL.to_owned(), page("Travels in the north", "", &body)));

    let cover = pictures
        .iter()
        .filter(|picture| picture.shown == Shown::OpenGraph);
    let head: String = cover
        .map(|it| format!("<meta property=\"og:image\" content=\"{}\">\n", it.path))
        .collect();
    let [(sunset, _), (car, _)] = CLOSED;
    let body = format!(
        "<p>All drawn by a program. Robots may not read <a href=\"{DIARY}\">the diary</a>.</p>\n\
         <p><img src=\"{sunset}\" alt=\"A sunset of ours\"> <a href=\"{car}\">Our car</a></p>\n"
    );
    pages.push((ABOUT.to_owned(), page("About these pictures", &head, &body)));

    let mut places = String::new();
    for (path, name) in [
        (ARCHIVE.0, "archive"),
        (TRAVEL, "travels"),
        (ABOUT, "about"),
    ] {
        add_link(&mut places, path, name);
    }
    let body = format!(
        "<p>Sixteen things, drawn again and again.</p>\n\
         <h2>Topics</h2>\n<nav>\n{links}</nav>\n<h2>Copies</h2>\n<nav>\n{copies}</nav>\n\
         <h2>Elsewhere</h2>\n<nav>\n{places}</nav>\n"
    );
    pages.push(("/".to_owned(), page("A gallery of drawings", "", &body)));
    pages
}

fn add_link(links: &mut String, path: &str, name: &str) {
    // Writing to a string cannot fail.
    let _ = writeln!(links, "<a href=\"{path}\">{name}</a>");
}

/// A page with its title as heading.
pub(super) fn page(title: &str, head: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <title>{title}</title>\n<link rel=\"icon\" href=\"{ICON}\">\n\
         <link rel=\"stylesheet\" href=\"{STYLE}\">\n{head}</head>\n<body>\n\
         <h1>{title}</h1>\n{body}</body>\n</html>\n"
    )
}

/// The picture in the way it is to be shown; those that come with another show nothing here.
fn figure(picture: &Picture, base: &str) -> String {
    let Picture {
        path,
        motif,
        edit,
        variation,
        ..
    } = picture;
    let width = picture.size.0;
    let (small, small_width) = (companion(path), width * 3 / 10);
    let alt = match edit {
        Some(edit) => format!("{}, {edit}", motif.caption()),
        None => format!("{}, number {}", motif.caption(), variation + 1),
    };
    let markup = match picture.shown {
        Shown::Image => format!("<img src=\"{path}\" alt=\"{alt}\">"),
        Shown::Relative => format!("<img src=\"{}\" alt=\"{alt}\">", relative(path, base)),
        Shown::Lazy => format!("<img class=\"lazy\" data-src=\"{path}\" alt=\"{alt}\">"),
        Shown::Srcset => format!(
            "<img src=\"{small}\" srcset=\"{small} {small_width}w, {path} {width}w\" alt=\"{alt}\">"
        ),
        Shown::Source => format!(
            "<picture><source type=\"image/webp\" srcset=\"{path}\">\
             <img src=\"{small}\" alt=\"{alt}\"></picture>"
        ),
        Shown::Linked => {
            format!("<a href=\"{path}\"><img src=\"{small}\" alt=\"{alt}\"></a>")
        }
        Shown::OpenGraph | Shown::Companion => return String::new(),
    };
    format!("<figure>{markup}<figcaption>{alt}</figcaption></figure>\n")
}

/// A path as seen from another.
pub(super) fn relative(path: &str, base: &str) -> String {
    let folder = base.rsplit_once('/').map_or("", |(folder, _)| folder);
    match path
        .strip_prefix(folder)
        .and_then(|rest| rest.strip_prefix('/'))
    {
        Some(rest) => rest.to_owned(),
        None => "..".to_owned() + &"/..".repeat(folder.matches('/').count() - 1) + path,
    }
}
