//! Content types by extension.

/// What is sent for an extension that is not known, with `nosniff`: something to be kept, not shown.
pub(super) const UNKNOWN: &str = "application/octet-stream";

/// Text is UTF-8. Registered with IANA, or what browsers need (WHATWG MIME Sniffing).
const TYPES: [(&str, &str); 52] = [
    ("7z", "application/x-7z-compressed"),
    ("aac", "audio/aac"),
    ("apng", "image/apng"),
    ("atom", "application/atom+xml"),
    ("avif", "image/avif"),
    ("bmp", "image/bmp"),
    ("cjs", "text/javascript; charset=utf-8"),
    ("css", "text/css; charset=utf-8"),
    ("csv", "text/csv; charset=utf-8"),
    ("flac", "audio/flac"),
    ("gif", "image/gif"),
    ("gz", "application/gzip"),
    ("htm", "text/html; charset=utf-8"),
    ("html", "text/html; charset=utf-8"),
    ("ico", "image/x-icon"),
    ("ics", "text/calendar; charset=utf-8"),
    ("jpeg", "image/jpeg"),
    ("jpg", "image/jpeg"),
    ("js", "text/javascript; charset=utf-8"),
    ("json", "application/json"),
    ("jsonld", "application/ld+json"),
    ("m4a", "audio/mp4"),
    ("map", "application/json"),
    ("md", "text/markdown; charset=utf-8"),
    ("mjs", "text/javascript; charset=utf-8"),
    ("mp3", "audio/mpeg"),
    ("mp4", "video/mp4"),
    ("oga", "audio/ogg"),
    ("ogg", "audio/ogg"),
    ("ogv", "video/ogg"),
    ("otf", "font/otf"),
    ("pdf", "application/pdf"),
    ("png", "image/png"),
    ("rss", "application/rss+xml"),
    ("svg", "image/svg+xml"),
    ("tar", "application/x-tar"),
    ("toml", "application/toml"),
    ("ttf", "font/ttf"),
    ("txt", "text/plain; charset=utf-8"),
    ("vtt", "text/vtt; charset=utf-8"),
    ("wasm", "application/wasm"),
    ("wav", "audio/wav"),
    ("webm", "video/webm"),
    ("webmanifest", "application/manifest+json"),
    ("webp", "image/webp"),
    ("woff", "font/woff"),
    ("woff2", "font/woff2"),
    ("xhtml", "application/xhtml+xml"),
    ("xml", "application/xml"),
    ("yaml", "application/yaml"),
    ("yml", "application/yaml"),
    ("zip", "application/zip"),
];

/// The content type of a file by its name, in any case of letters.
pub(super) fn of(name: &str) -> &'static str {
    let extension = extension(name).unwrap_or_default();
    TYPES
        .binary_search_by(|(known, _)| (*known).cmp(&extension))
        .map_or(UNKNOWN, |found| TYPES[found].1)
}

/// What is behind the last dot of a name, in small letters. A name that begins with its only dot has
/// none.
pub(super) fn extension(name: &str) -> Option<String> {
    let (stem, extension) = name.rsplit_once('.')?;
    (!stem.is_empty()).then(|| extension.to_ascii_lowercase())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_in_order_and_each_is_found() {
        assert!(TYPES.is_sorted_by(|(a, _), (b, _)| a < b));
        for (extension, kind) in TYPES {
            assert_eq!(of(&format!("x.{extension}")), kind);
        }
    }

    #[test]
    fn text_has_its_charset_and_what_is_unknown_is_not_guessed() {
        for (name, kind) in [
            ("INDEX.HTML", "text/html; charset=utf-8"),
            ("a.min.js", "text/javascript; charset=utf-8"),
            ("README", UNKNOWN),
            (".html", UNKNOWN),
            ("a.html.unknown", UNKNOWN),
        ] {
            assert_eq!(of(name), kind, "{name}");
        }
    }
}
