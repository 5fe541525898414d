//! Pictures that are named in several versions, or by guesses.

use super::*;
use crate::extract::{LeftOut, Limit, MOST_VERSIONS, PictureLink, PicturePlacement};

/// The versions of each picture, best first.
fn versions(html: &str) -> String {
    let page = page(html);
    let of_picture = |picture: &PictureLink| {
        let others = picture.others.iter().map(|other| other.url.as_str());
        list(std::iter::once(picture.url.as_str()).chain(others))
    };
    let all: Vec<String> = page.pictures.iter().map(of_picture).collect();
    all.join(" | ").replace("/dir/", "")
}

#[test]
fn the_other_versions_are_kept_best_first() {
    for (html, expected) in [
        (
            "<img src=s.jpg srcset='m.jpg 2x, l.jpg 3x' data-zoom-image=z.jpg>",
            "z.jpg l.jpg m.jpg s.jpg",
        ),
        (
            "<img src=s.jpg srcset='m.jpg 640w, l.jpg 1280w' data-src=d.jpg data-thumb=t.jpg>",
            "l.jpg m.jpg d.jpg s.jpg t.jpg",
        ),
        (
            "<picture><source type=image/jp2 srcset='x 2000w'>\
             <source srcset='x.jp2 3000w, l.webp 900w'><img src=f.jpg></picture>",
            "l.webp f.jpg x.jp2",
        ),
        #[cfg(feature = "avif")]
        (
            "<picture><source type=image/avif srcset='x 2000w, s.avif 300w'><img src=f.jpg></picture>",
            "x s.avif f.jpg",
        ),
        (
            "<a href=l.jpg><img src=s.jpg srcset='m.jpg 2x'></a>",
            "l.jpg m.jpg s.jpg",
        ),
        (
            "<a href=page data-full=l.jpg data-thumb=t.jpg><img src=s.jpg></a>",
            "l.jpg s.jpg t.jpg",
        ),
        // Held bytes are a placeholder, if there is anything else.
        (
            "<img src='data:image/gif;base64,R0lGODlh' data-src=a.jpg>",
            "a.jpg",
        ),
        (
            "<div data-bg=l.jpg style='background:url(s.jpg)'></div>",
            "l.jpg s.jpg",
        ),
        (
            "<video poster=s.jpg data-poster=l.jpg></video>",
            "l.jpg s.jpg",
        ),
        (
            "<link rel=preload as=image href=s.jpg imagesrcset='m.jpg 1280w'>\
             <img src=s.jpg srcset='m.jpg 1280w, l.jpg 2560w'>",
            "l.jpg m.jpg s.jpg",
        ),
        // What stands beside many pictures makes them no picture.
        (
            "<img data-src=a.jpg src=blank.gif><img data-src=b.jpg src=blank.gif>\
             <img src=blank.gif>",
            "a.jpg blank.gif | b.jpg blank.gif",
        ),
        (
            "<img srcset='a.jpg 640w, b.jpg 32w' src=c.jpg width=40>",
            "a.jpg",
        ),
        (
            "<style>a{b:image-set('s.jpg' 1x, url(l.jpg) 2x)}</style>",
            "l.jpg s.jpg",
        ),
        (
            "<script type=application/ld+json>{\"@type\": \"ImageObject\", \
             \"contentUrl\": \"l.jpg\", \"thumbnailUrl\": \"s.jpg\"}</script>",
            "l.jpg s.jpg",
        ),
        // What the page says of a picture is not guessed.
        (
            "<script>x = {\"i\": [\"/dir/m.jpg\", \"/dir/g.jpg\"]}</script>\
             <img src=s.jpg srcset='m.jpg 2x'>",
            "m.jpg s.jpg | g.jpg",
        ),
    ] {
        assert_eq!(versions(html), expected, "{html}");
    }
    let many: String = (1..100).map(|n| format!("{n}.jpg {n}00w,")).collect();
    let page = page(&format!("<img srcset='{many}'>"));
    assert_eq!(page.pictures[0].others.len(), MOST_VERSIONS - 1);
}

#[test]
fn what_pictures_share_stands_for_none_of_them() {
    for (html, expected) in [
        (
            "<img src=a.png data-avatar=spin.gif><img src=b.png data-avatar=spin.gif>\
             <img src=c.png data-avatar=spin.gif>",
            "a.png | spin.gif | b.png | c.png",
        ),
        // Even a name that is usual in such places.
        (
            "<img src=a.png data-src=s.gif><img src=b.png data-src=s.gif>",
            "a.png | s.gif | b.png",
        ),
        (
            "<img data-src=a.png data-x=s.gif><img data-src=b.png data-x=s.gif>",
            "a.png | s.gif | b.png",
        ),
        // A name that says nothing ranks below what is shown,
        (
            "<img src=a.png data-hovercard=h.png><img src=b.png data-author-image=p.png>",
            "a.png h.png | b.png p.png",
        ),
        // but above what keeps the place: by its name, or since others have it as well.
        ("<img src=blank.gif data-whatever=a.png>", "a.png blank.gif"),
        (
            "<img src=w.gif data-whatever=a.png><img src=w.gif data-whatever=b.png>",
            "a.png w.gif | b.png w.gif",
        ),
        (
            "<img src='data:image/gif;base64,R0lGODlh' data-whatever=a.png>",
            "a.png",
        ),
        ("<img src=s.jpg data-image=l.jpg>", "l.jpg s.jpg"),
        // One picture twice.
        (
            "<img src=s.jpg data-src=l.jpg><img src=s.jpg data-src=l.jpg>",
            "l.jpg s.jpg",
        ),
        (
            "<img src=s.jpg data-src=l.jpg><img src=l.jpg>",
            "l.jpg s.jpg",
        ),
        // A series on one element.
        (
            "<div data-image2=b.jpg data-image1=a.jpg data-image10=c.jpg></div>",
            "a.jpg | b.jpg | c.jpg",
        ),
        (
            "<img src=s.jpg data-slide-1=a.jpg data-slide-2=b.jpg>",
            "s.jpg a.jpg | b.jpg",
        ),
        (
            "<div data-img-640=l.jpg data-img-1280=l.jpg></div>",
            "l.jpg",
        ),
        // Data in attributes of any name.
        (
            "<div x-data='{\"a\": \"/dir/a.jpg\"}' :images='[\"/dir/b.jpg\"]'></div>",
            "b.jpg | a.jpg",
        ),
    ] {
        assert_eq!(versions(html), expected, "{html}");
    }
}

#[test]
fn guesses_beyond_their_limit_are_counted_and_versions_are_no_loss() {
    let set: String = (1..=20).map(|n| format!("{n}.jpg {n}00w,")).collect();
    let guesses: String = (0..1_005).map(|n| format!("\"/{n}.jpg\",")).collect();
    let page = page(&format!("<img srcset='{set}'><script>[{guesses}]</script>"));
    assert_eq!(page.left_out, LeftOut::from([(Limit::Guesses, 5)]));
}

#[test]
fn it_is_told_how_sure_a_picture_is() {
    let page = page(
        "<script>x = '/dir/g.jpg /dir/a.jpg'</script><img src=a.jpg><a href=b.jpg>b</a>\
         <a rel=nofollow href=c.jpg><img src=s.jpg></a><a rel=nofollow href=b.jpg>b</a>",
    );
    let placements: Vec<_> = page.pictures.iter().map(|it| it.placement).collect();
    use PicturePlacement::{Guessed, Linked, LinkedNofollow, Shown};
    assert_eq!(placements, [Shown, Linked, LinkedNofollow, Guessed]);
    assert_eq!(page.pictures[2].others[0].placement, Shown);
}
