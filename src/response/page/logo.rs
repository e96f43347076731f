//! The app's logo on the pages, as a part of the document.

use std::fmt;

use base64::{Engine, prelude::BASE64_STANDARD};

use crate::error::ConfigError;

/// A page is a few kilobytes without it, and people load it on a bad connection.
const MAX_BYTES: usize = 32 * 1024;
const SVG: &str = "image/svg+xml";
const SVG_NAMESPACE: &[u8] = b"http://www.w3.org/2000/svg";

/// The app's logo, for the top of the layer's pages.
///
/// It is a part of the page, so the browser fetches nothing. It is shown as an image: a script in
/// an SVG does not run there, and an SVG loads nothing. It stands in place of the app's name, which
/// becomes its alternative text, and is 36 pixels high. It has 32 KiB at most.
///
/// An SVG that has to look different in dark mode can say so by itself, with
/// `@media (prefers-color-scheme: dark)`. For other images there is [`dark`](Self::dark).
///
/// ```
/// use telenor_auth::{Logo, TelenorAuthLayer};
///
/// let mountain = r##"<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 24 24">
///     <path fill="#b92a1e" d="M1 21L9 6l4 7 3-4 7 12z"/></svg>"##;
/// let redirect_uri = "https://shop.example/telenor/callback";
/// let auth = TelenorAuthLayer::builder("client id", "client secret", redirect_uri)
///     .app_name("Fjellbua")
///     .logo(Logo::svg(mountain).beside_name(true))
///     .build()?;
/// # Ok::<(), telenor_auth::ConfigError>(())
/// ```
#[derive(Clone)]
#[must_use = "hand it to `logo`"]
pub struct Logo {
    media_type: String,
    bytes: Vec<u8>,
    dark: Option<Box<Self>>,
    beside_name: bool,
}

impl Logo {
    /// Makes a logo of the text of an SVG document, with its `xmlns`.
    pub fn svg(document: impl Into<String>) -> Self {
        Self::image(SVG, document.into())
    }

    /// Makes a logo of the bytes of an image: `image/png`, `image/jpeg`, `image/gif`,
    /// `image/webp`, `image/avif` or `image/svg+xml`.
    pub fn image(media_type: impl Into<String>, bytes: impl Into<Vec<u8>>) -> Self {
        Self {
            media_type: media_type.into(),
            bytes: bytes.into(),
            dark: None,
            beside_name: false,
        }
    }

    /// Sets another image for dark mode. It defaults to the same image.
    pub fn dark(mut self, logo: Self) -> Self {
        self.dark = Some(Box::new(logo));
        self
    }

    /// Sets whether the app's name is beside the logo, for a logo that is only a symbol. It
    /// defaults to `false`, for a logo that has the name in it.
    pub fn beside_name(mut self, beside_name: bool) -> Self {
        self.beside_name = beside_name;
        self
    }

    fn url(&self) -> Result<String, ConfigError> {
        let refuse = |why: &str| Err(ConfigError::InvalidLogo(why.to_owned()));
        if self.bytes.is_empty() {
            return refuse("is empty");
        }
        if self.bytes.len() > MAX_BYTES {
            return Err(ConfigError::InvalidLogo(format!(
                "has {} bytes, and may have 32768",
                self.bytes.len()
            )));
        }
        let bytes = &*self.bytes;
        let is_of_its_type = match &*self.media_type {
            SVG if !contains(bytes, b"<svg") => return refuse("is not an SVG document"),
            // As an image, a browser shows nothing without it.
            SVG if !contains(bytes, SVG_NAMESPACE) => {
                return refuse("has no xmlns=\"http://www.w3.org/2000/svg\" on its svg element");
            }
            SVG => str::from_utf8(bytes).is_ok(),
            "image/png" => bytes.starts_with(b"\x89PNG\r\n\x1a\n"),
            "image/jpeg" => bytes.starts_with(b"\xff\xd8\xff"),
            "image/gif" => bytes.starts_with(b"GIF8"),
            "image/webp" => bytes.starts_with(b"RIFF") && bytes.get(8..12) == Some(b"WEBP"),
            "image/avif" => bytes.get(4..12) == Some(b"ftypavif"),
            _ => return refuse("has a media type that is none of the allowed ones"),
        };
        if !is_of_its_type {
            return refuse("is not of the media type that it is given with");
        }
        let base64 = BASE64_STANDARD.encode(bytes);
        Ok(format!("data:{};base64,{base64}", self.media_type))
    }
}

fn contains(bytes: &[u8], part: &[u8]) -> bool {
    bytes.windows(part.len()).any(|window| window == part)
}

impl fmt::Debug for Logo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Logo")
            .field("media_type", &self.media_type)
            .field("bytes", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

/// A logo that was checked, as `data:` URLs.
#[derive(Clone, Debug)]
pub(super) struct LogoImage {
    pub(super) url: String,
    pub(super) dark_url: Option<String>,
    pub(super) beside_name: bool,
}

impl LogoImage {
    pub(super) fn of(logo: &Logo) -> Result<Self, ConfigError> {
        let dark = logo.dark.as_ref();
        Ok(Self {
            url: logo.url()?,
            dark_url: dark.map(|logo| logo.url()).transpose()?,
            beside_name: logo.beside_name,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DOCUMENT: &str = "<svg xmlns=\"http://www.w3.org/2000/svg\"/>";
    const PNG: &[u8] = b"\x89PNG\r\n\x1a\n rest";

    #[test]
    fn logo_is_a_data_url_that_needs_no_escape() {
        let hostile = format!("{DOCUMENT}<!-- \"'><script>alert(1)</script> -->");
        let logo = Logo::svg(hostile).dark(Logo::image("image/png", PNG));
        let image = LogoImage::of(&logo).unwrap();
        let is_plain = |url: &str, start: &str| {
            let data = url.strip_prefix(start).expect(start);
            let base64 = |byte: u8| byte.is_ascii_alphanumeric() || b"+/=".contains(&byte);
            assert!(data.bytes().all(base64), "{url}");
        };
        is_plain(&image.url, "data:image/svg+xml;base64,");
        is_plain(&image.dark_url.unwrap(), "data:image/png;base64,");
    }

    #[test]
    fn each_type_is_known_by_its_bytes() {
        let images: [(&str, &[u8]); 6] = [
            ("image/svg+xml", DOCUMENT.as_bytes()),
            ("image/png", PNG),
            ("image/jpeg", b"\xff\xd8\xff\xe0"),
            ("image/gif", b"GIF89a"),
            ("image/webp", b"RIFF\0\0\0\0WEBPVP8 "),
            ("image/avif", b"\0\0\0\x20ftypavif"),
        ];
        for (media_type, _) in images {
            for (true_type, bytes) in images {
                let known = LogoImage::of(&Logo::image(media_type, bytes));
                assert_eq!(known.is_ok(), media_type == true_type, "{media_type}");
            }
        }
    }

    #[test]
    fn logo_that_would_not_be_shown_is_refused_with_the_reason() {
        let largest = " ".repeat(MAX_BYTES - DOCUMENT.len());
        for (logo, reason) in [
            (Logo::svg(""), "empty"),
            (Logo::svg("https://shop.example/logo.svg"), "not an SVG"),
            (Logo::svg("<svg viewBox='0 0 1 1'/>"), "xmlns"),
            (Logo::svg(format!("{DOCUMENT}{largest} ")), "32768"),
            (Logo::image("text/html", "<svg"), "media type"),
            (Logo::image("image/png\"><script>", PNG), "media type"),
            (Logo::image("image/jpeg", PNG), "media type"),
            (
                Logo::image("image/webp", b"RIFF\0\0\0\0WAVEfmt "),
                "media type",
            ),
            (
                Logo::image("image/webp", b"RIFX\0\0\0\0WEBPVP8 "),
                "media type",
            ),
            (Logo::svg(DOCUMENT).dark(Logo::svg("x")), "not an SVG"),
        ] {
            let error = LogoImage::of(&logo).unwrap_err();
            let text = error.to_string();
            assert!(
                matches!(error, ConfigError::InvalidLogo(_)) && text.contains(reason),
                "{text}"
            );
        }
        assert!(LogoImage::of(&Logo::svg(format!("{DOCUMENT}{largest}"))).is_ok());
    }
}
