//! Metadata as cameras and programs write them.

use super::*;

/// A JPEG of these segments and nothing else.
fn jpeg(segments: &[(u8, &[u8])]) -> Vec<u8> {
    let mut bytes = b"\xFF\xD8".to_vec();
    for (marker, content) in segments {
        let length = (content.len() + 2) as u16;
        bytes.extend([0xFF, *marker]);
        bytes.extend(length.to_be_bytes());
        bytes.extend(*content);
    }
    bytes.extend(b"\xFF\xDA\0\x02\xFF\xD9");
    bytes
}

fn xmp(rdf: &str) -> Vec<u8> {
    let packet = format!(
        "http://ns.adobe.com/xap/1.0/\0<?xpacket begin=''?><x:xmpmeta xmlns:x='adobe:ns:meta/'>\
         <rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#'>{rdf}</rdf:RDF>\
         </x:xmpmeta>"
    );
    jpeg(&[(0xE1, packet.as_bytes())])
}

/// Exif data with an artist, and a notice of copyright that fits into its entry.
fn exif() -> Vec<u8> {
    let mut tiff = b"II*\0\x08\0\0\0\x02\0".to_vec();
    for (tag, length, value) in [
        (ARTIST, 8u32, 38u32.to_le_bytes()),
        (COPYRIGHT, 3, *b"me\0\0"),
    ] {
        tiff.extend(tag.to_le_bytes());
        tiff.extend(2u16.to_le_bytes());
        tiff.extend(length.to_le_bytes());
        tiff.extend(value);
    }
    tiff.extend([0; 4]);
    assert_eq!(tiff.len(), 38);
    tiff.extend(b"A. Nyone");
    tiff
}

const ARTIST: u16 = 315;
const COPYRIGHT: u16 = 33_432;

fn iptc(records: &[(u8, &[u8])]) -> Vec<u8> {
    let mut data = Vec::new();
    for (kind, value) in records {
        data.extend([0x1C, 2, *kind]);
        data.extend((value.len() as u16).to_be_bytes());
        data.extend(*value);
    }
    let mut content = b"Photoshop 3.0\x008BIM\x04\x25\0\0\0\0\0\x01x\0".to_vec();
    content.extend(b"8BIM\x04\x04\0\0");
    content.extend((data.len() as u32).to_be_bytes());
    content.extend(data);
    jpeg(&[(0xED, &content)])
}

fn license(rdf: &str) -> Option<String> {
    Rights::in_bytes(&xmp(rdf)).license
}

#[test]
fn xmp_names_licences_in_several_ways() {
    const CC: &str = "xmlns:cc='http://creativecommons.org/ns#'";
    const R: &str = "xmlns:r='http://ns.adobe.com/xap/1.0/rights/'";
    for (rdf, expected) in [
        (
            format!("<cc:license {CC} rdf:resource='https://l/1'/>"),
            Some("https://l/1"),
        ),
        (
            format!("<rdf:Description {CC} cc:license='https://l/2'/>"),
            Some("https://l/2"),
        ),
        (
            format!(
                "<rdf:Description {R}><r:WebStatement>https://l/3?a&amp;b</r:WebStatement></rdf:Description>"
            ),
            Some("https://l/3?a&b"),
        ),
        (
            format!(
                "<rdf:Description {R} {CC} r:WebStatement='https://l/4'>\
                 <cc:license rdf:resource='https://l/5'/></rdf:Description>"
            ),
            Some("https://l/5"),
        ),
        (
            format!(
                "<r:UsageTerms {R}><rdf:Alt><rdf:li xml:lang='x-default'>Ask\n us</rdf:li>\
                 <rdf:li xml:lang='de'>Frag uns</rdf:li></rdf:Alt></r:UsageTerms>"
            ),
            Some("Ask us"),
        ),
        // Other vocabularies, and what is none.
        (
            "<x:license xmlns:x='http://x/'>no</x:license>".to_owned(),
            None,
        ),
        (format!("<cc:license {CC} rdf:resource=''/>"), None),
        ("<broken".to_owned(), None),
    ] {
        assert_eq!(license(&rdf).as_deref(), expected, "{rdf}");
    }
}

#[test]
fn drawings_have_it_in_their_text() {
    let svg = b"<svg xmlns='http://www.w3.org/2000/svg' xmlns:cc='http://creativecommons.org/ns#'>\
        <metadata><rdf:RDF><cc:Work><cc:license rdf:resource='https://l/by'/></cc:Work></rdf:RDF>\
        </metadata></svg>";
    let rights = Rights::in_bytes(svg);
    assert_eq!(rights.license.as_deref(), Some("https://l/by"));
}

#[test]
fn who_made_it_and_whose_it_is() {
    let rdf = "<rdf:Description xmlns:dc='http://purl.org/dc/elements/1.1/'>\
        <dc:creator><rdf:Seq><rdf:li>One</rdf:li><rdf:li>Two</rdf:li></rdf:Seq></dc:creator>\
        <dc:rights><rdf:Alt><rdf:li>\u{a9} One &#38; Two</rdf:li></rdf:Alt></dc:rights>\
        </rdf:Description>";
    let rights = Rights::in_bytes(&xmp(rdf));
    assert_eq!(rights.creator.as_deref(), Some("One"));
    assert!(rights.copyright.unwrap().starts_with("\u{a9} One"));
    // Latin-1, of which nothing says so.
    let rights = Rights::in_bytes(&iptc(&[
        (80, b"J. D\xF6"),
        (116, b"(c) J. D\xF6, all rights"),
    ]));
    assert_eq!(rights.creator.as_deref(), Some("J. D\u{f6}"));
    assert_eq!(
        rights.copyright.as_deref(),
        Some("(c) J. D\u{f6}, all rights")
    );
    let tiff = exif();
    let in_jpeg = jpeg(&[(0xE1, &[b"Exif\0\0", &tiff[..]].concat())]);
    let in_png = [b"\x89PNG\r\n\x1a\n\0\0\0\x2eeXIf", &tiff[..]].concat();
    let in_webp = [b"RIFF\0\0\0\0WEBPEXIF\x2e\0\0\0", &tiff[..]].concat();
    for bytes in [in_jpeg, in_png, in_webp, tiff] {
        let rights = Rights::in_bytes(&bytes);
        assert_eq!(rights.creator.as_deref(), Some("A. Nyone"));
        assert_eq!(rights.copyright.as_deref(), Some("me"));
        assert_eq!(rights.license, None);
    }
}

#[test]
fn what_lies_about_its_lengths_says_nothing() {
    let whole = [
        xmp("<a/>"),
        iptc(&[(116, b"mine")]),
        jpeg(&[(0xE1, &exif())]),
    ];
    for bytes in whole {
        for end in 0..bytes.len() {
            Rights::in_bytes(&bytes[..end]);
        }
    }
    let endless = [b"II*\0\xFF\xFF\xFF\xFF".as_slice(), &[0xFF; 64]].concat();
    assert_eq!(Rights::in_bytes(&endless), Rights::default());
    assert_eq!(Rights::in_bytes(b""), Rights::default());
}
