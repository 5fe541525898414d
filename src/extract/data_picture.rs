//! Pictures inside `data:` URLs (RFC 2397; Fetch standard, "data: URLs").

use data_url::DataUrl;
use data_url::forgiving_base64::DecodeError;

use super::link_target::LinkTarget;

/// Largest picture that is decoded, in bytes.
const LARGEST: usize = 1 << 20;
/// Smaller files hold one pixel or a plain colour: placeholders until a script loads more.
const SMALLEST: usize = 128;

/// Whether a reference is a `data:` URL.
pub(super) fn is_data(reference: &str) -> bool {
    reference
        .trim_start()
        .get(..5)
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case("data:"))
}

/// The file, if the media type is that of a picture which simdex decodes.
pub(super) fn data_picture(reference: &str) -> Option<Vec<u8>> {
    // Percent-escapes write one byte in three.
    if reference.len() > 3 * LARGEST {
        return None;
    }
    let data = DataUrl::process(reference).ok()?;
    let media_type = data.mime_type();
    let essence = format!("{}/{}", media_type.type_, media_type.subtype);
    if LinkTarget::of_media_type(&essence) != LinkTarget::Picture {
        return None;
    }
    let mut bytes = Vec::new();
    let decoded = data.decode(|piece| {
        if bytes.len() + piece.len() > LARGEST {
            return Err(());
        }
        bytes.extend_from_slice(piece);
        Ok(())
    });
    match decoded {
        Ok(_) => {}
        Err(DecodeError::InvalidBase64(_) | DecodeError::WriteError(())) => return None,
    }
    (bytes.len() >= SMALLEST).then_some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_pictures_of_some_size_are_decoded() {
        let base64 = "QUFB".repeat(100);
        assert_eq!(
            data_picture(&format!(" DATA:image/png;base64,{base64}")),
            Some(b"A".repeat(300))
        );
        assert_eq!(
            data_picture(&format!("data:image/gif,{}", "%41".repeat(200))),
            Some(b"A".repeat(200))
        );
        for refused in [
            format!("data:image/svg+xml;base64,{base64}"),
            format!("data:text/html;base64,{base64}"),
            format!("data:image/png;base64,{base64}!"),
            format!("data:image/png;base64,{}", "QUFB".repeat(LARGEST / 3 + 2)),
            "data:image/gif;base64,R0lGODlhAQABAAAAACw=".to_owned(),
            "data:image/png".to_owned(),
        ] {
            assert_eq!(data_picture(&refused), None);
        }
    }
}
