//! Where pages keep their pictures.

use super::*;

#[test]
fn pictures_in_every_place() {
    for (html, expected) in [
        ("<img src=a.jpg>", "/dir/a.jpg"),
        (
            "<img src='//cdn.example/a?id=3'>",
            "http://cdn.example/a?id=3",
        ),
        // What is loaded late is named by the attribute, whatever the ending says.
        (
            "<img data-src='/h.aspx?i=3'><img data-lazysrc='/h.aspx?i=4'>\
             <img data-original-src=/h/5><img data-alt-src=/h/6 data-cfg-src=true>",
            "/h.aspx?i=3 /h.aspx?i=4 /h/5",
        ),
        (
            "<div data-src='/h.aspx?i=3'></div><p data-original='/h.ashx?i=4'></p>",
            "/h.aspx?i=3 /h.ashx?i=4",
        ),
        (
            "<video data-src='/v?i=1'></video><a data-src='/p?i=2'>x</a>\
             <div data-src='/p.html?i=3'></div><div data-src=/p/4 data-x='/p?i=5'></div>",
            "",
        ),
        ("<amp-img src=a.jpg></amp-img>", "/dir/a.jpg"),
        ("<amp-anim src=a.gif></amp-anim>", "/dir/a.gif"),
        ("<div data-whatever=a.jpg></div>", "/dir/a.jpg"),
        (
            "<span data-set='a.jpg 100w, b.jpg 200w'></span>",
            "/dir/b.jpg",
        ),
        (
            "<div data-text='see a.jpg, b.jpg' data-film=a.mp4></div>",
            "",
        ),
        (
            "<div data-bgset='a.jpg 200w [--small] | b.jpg 400w 300h'></div>",
            "/dir/b.jpg",
        ),
        (
            "<div data-background='image-set(\"a.jpg\" 1x)' data-bg=\"url('b.jpg')\">",
            "/dir/b.jpg",
        ),
        (
            "<img src=s.gif data-src='//c.example/a_{width}x.jpg?v=1' data-widths='[180, 720,360]'>",
            "http://c.example/a_720x.jpg?v=1",
        ),
        ("<img data-src='/a_{width}x.jpg'>", "/a_2048x.jpg"),
        (
            "<iframe srcdoc='<title>No</title><base href=/in/><img src=a.jpg>\
             <iframe srcdoc=&quot;<img src=b.jpg>&quot;></iframe>'></iframe><img src=c.jpg>",
            "/dir/c.jpg /in/a.jpg /dir/b.jpg",
        ),
        (
            "<object data=a.jpg></object><object data='/b.png?x=1'></object>",
            "/dir/a.jpg /b.png?x=1",
        ),
        (
            "<svg><filter><feImage href=a.jpg /></filter></svg>",
            "/dir/a.jpg",
        ),
        (
            "<svg viewBox='0 0 1 1'><image width=1 height=1 href=a.jpg /></svg>",
            "/dir/a.jpg",
        ),
        (
            "<a href=/product data-image=/a.jpg data-thumb=/t.jpg>x</a>",
            "/a.jpg",
        ),
        (
            "<li data-thumb=t.jpg><img src=a.jpg></li>",
            "/dir/t.jpg /dir/a.jpg",
        ),
        (
            "<input type=IMAGE src=a.jpg><input type=text src=b.jpg>",
            "/dir/a.jpg",
        ),
        ("<video poster=a.jpg src=b.mp4></video>", "/dir/a.jpg"),
        (
            "<object type=image/png data=a></object><object data=b.swf></object>",
            "/dir/a",
        ),
        ("<embed src=a.jpg><embed src=b.pdf>", "/dir/a.jpg"),
        (
            "<svg><image xlink:href=a.jpg /><image href=b.jpg /></svg>",
            "/dir/a.jpg /dir/b.jpg",
        ),
        ("<a href=full.JPG>big</a>", "/dir/full.JPG"),
        ("<noscript><img src=a.jpg></noscript>", "/dir/a.jpg"),
        (
            "<head><noscript><img src=a.jpg></noscript></head>",
            "/dir/a.jpg",
        ),
        (
            "<div style='background: url(\"a.jpg\")'></div>",
            "/dir/a.jpg",
        ),
        ("<style>b { c: url(a.jpg) }</style>", "/dir/a.jpg"),
        (
            "<div data-bg=a.jpg><p data-bg='url(b.jpg)'><body background=c.jpg>",
            "/dir/c.jpg /dir/a.jpg /dir/b.jpg",
        ),
        ("<meta property=og:image content=/a.jpg>", "/a.jpg"),
        (
            "<meta property=og:image:secure_url content=/a.jpg>",
            "/a.jpg",
        ),
        ("<meta name=twitter:image content=a.jpg>", "/dir/a.jpg"),
        (
            "<meta property=twitter:image:src content=a.jpg>",
            "/dir/a.jpg",
        ),
        ("<meta itemprop=image content=a.jpg>", "/dir/a.jpg"),
        ("<link rel=image_src href=a.jpg>", "/dir/a.jpg"),
        ("<link itemprop=thumbnailUrl href=a.jpg>", "/dir/a.jpg"),
        (
            "<link rel=preload as=image href=a.jpg imagesrcset='b.jpg 1w, c.jpg 2w'>",
            "/dir/c.jpg",
        ),
        ("<link rel=preload as=font href=a.jpg>", ""),
        (
            "<script type='application/ld+json'>{\"image\": \"a.jpg\"}</script>",
            "/dir/a.jpg",
        ),
        ("<script>document.write('<img src=a.jpg>')</script>", ""),
        (
            "<script type=application/json>{\"a\": [{\"src\": \"a.jpg\"}, \"/b.jpg\"]}</script>",
            "/b.jpg",
        ),
        (
            "<script>window.__STATE__ = {\"a\":\"https:\\/\\/c.example\\/a.jpg?w=9\\u0026x=y\"}</script>",
            "https://c.example/a.jpg?w=9&x=y",
        ),
        (
            "<div data-gallery='[{\"src\":\"/a.jpg\"}]'></div>",
            "/a.jpg",
        ),
        ("<template><img src=a.jpg></template>", ""),
        (
            "<template shadowrootmode=open><img src=a.jpg></template>",
            "/dir/a.jpg",
        ),
        (
            "<img><img src=''><img src='#'><img src=logo.svg><img src=i.ico>",
            "",
        ),
        // Servers convert what clients do not read, and are told so by queries.
        ("<img src=a.jp2><img src=b.avif>", "/dir/a.jp2 /dir/b.avif"),
        (
            "<img src='/x.heic?format=1500w'><img src='b.svg?out=png'><img src='c.svg?ver=3'>",
            "/x.heic?format=1500w /dir/b.svg?out=png",
        ),
    ] {
        assert_eq!(pictures(html), expected, "{html}");
    }
}
