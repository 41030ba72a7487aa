use std::{borrow::Cow, fmt, str::FromStr};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error as _};

/// Says why a text is not a name of an open vocabulary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NameError {
    text: String,
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{:?} is not a name; expected 1 to 64 letters, digits, `_`, `-` or `.`",
            self.text
        )
    }
}

impl std::error::Error for NameError {}

const MAX_LENGTH: usize = 64;

/// Lower-cases `text` and finds it among `well_known`, which is sorted.
fn intern(text: &str, well_known: &[&'static str]) -> Result<Cow<'static, str>, NameError> {
    if let Ok(found) = well_known.binary_search(&text) {
        return Ok(Cow::Borrowed(well_known[found]));
    }
    let valid = (1..=MAX_LENGTH).contains(&text.len())
        && text
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
    if !valid {
        return Err(NameError {
            text: text.chars().take(MAX_LENGTH + 1).collect(),
        });
    }
    let text = text.to_ascii_lowercase();
    Ok(match well_known.binary_search(&text.as_str()) {
        Ok(found) => Cow::Borrowed(well_known[found]),
        Err(_) => Cow::Owned(text),
    })
}

macro_rules! vocabulary {
    ($(#[doc = $about:literal])* $name:ident { $($(#[$doc:meta])* $constant:ident = $text:literal,)* }) => {
        $(#[doc = $about])*
        ///
        /// An open vocabulary: a name that is not among the constants is kept as it is. A name is
        /// 1 to 64 ASCII letters, digits, `_`, `-` or `.`, and is lower-cased when it is read.
        #[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(Cow<'static, str>);

        impl $name {
            $($(#[$doc])* pub const $constant: Self = Self(Cow::Borrowed($text));)*

            const WELL_KNOWN: &'static [&'static str] = &[$($text),*];

            /// Reads a name.
            ///
            /// # Errors
            ///
            /// [`NameError`] if the text is empty, too long, or holds other characters.
            pub fn new(text: &str) -> Result<Self, NameError> {
                intern(text, Self::WELL_KNOWN).map(Self)
            }

            /// Takes a name of our own tables, which is valid and in lower case.
            #[allow(dead_code, reason = "not every vocabulary is in a table")]
            pub(crate) const fn fixed(text: &'static str) -> Self {
                Self(Cow::Borrowed(text))
            }

            /// Returns the name as it is written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl FromStr for $name {
            type Err = NameError;

            fn from_str(text: &str) -> Result<Self, NameError> {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Debug::fmt(&self.0, f)
            }
        }

        impl AsRef<str> for $name {
            fn as_ref(&self) -> &str {
                &self.0
            }
        }

        impl PartialEq<str> for $name {
            fn eq(&self, other: &str) -> bool {
                self.0 == other
            }
        }

        impl PartialEq<&str> for $name {
            fn eq(&self, other: &&str) -> bool {
                self.0 == *other
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&self.0)
            }
        }

        impl JsonSchema for $name {
            fn schema_name() -> Cow<'static, str> {
                stringify!($name).into()
            }

            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                let mut schema = json_schema!({
                    "description": concat!($($about,)* " Other names are there as well.").trim(),
                    "type": "string",
                    "pattern": "^[a-z0-9_.-]{1,64}$",
                });
                if !Self::WELL_KNOWN.is_empty() {
                    schema.insert("examples".into(), Self::WELL_KNOWN.into());
                }
                schema
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                Self::new(&text).map_err(D::Error::custom)
            }
        }
    };
}

vocabulary! {
    /// Names a kind of content that goes into a model or comes out of it.
    Modality {
        /// Sound.
        AUDIO = "audio",
        /// A vector.
        EMBEDDING = "embedding",
        /// A file of any kind.
        FILE = "file",
        /// A picture.
        IMAGE = "image",
        /// A PDF document.
        PDF = "pdf",
        /// Text.
        TEXT = "text",
        /// Moving pictures.
        VIDEO = "video",
    }
}

vocabulary! {
    /// Names something that a model can do at a provider.
    Capability {
        /// Decides itself how long it reasons.
        ADAPTIVE_THINKING = "adaptive_thinking",
        /// Continues an answer that the caller begins.
        ASSISTANT_PREFILL = "assistant_prefill",
        /// Takes files with a prompt.
        ATTACHMENT = "attachment",
        /// Takes sound.
        AUDIO_INPUT = "audio_input",
        /// Gives sound.
        AUDIO_OUTPUT = "audio_output",
        /// Operates a computer's screen, keyboard and mouse.
        COMPUTER_USE = "computer_use",
        /// Keeps its reasoning between tool calls.
        INTERLEAVED = "interleaved",
        /// Knows the reasoning effort `max`.
        MAX_REASONING_EFFORT = "max_reasoning_effort",
        /// Takes system messages within a conversation.
        MID_CONVERSATION_SYSTEM = "mid_conversation_system",
        /// Knows the reasoning effort `minimal`.
        MINIMAL_REASONING_EFFORT = "minimal_reasoning_effort",
        /// Streams its answer.
        NATIVE_STREAMING = "native_streaming",
        /// Enforces a given JSON schema itself.
        NATIVE_STRUCTURED_OUTPUT = "native_structured_output",
        /// Knows the reasoning effort `none`.
        NONE_REASONING_EFFORT = "none_reasoning_effort",
        /// Has weights that anybody can download.
        OPEN_WEIGHTS = "open_weights",
        /// Takes settings for its output in one object.
        OUTPUT_CONFIG = "output_config",
        /// Calls several tools at once.
        PARALLEL_TOOL_CALL = "parallel_tool_call",
        /// Lets the caller say whether it may call several tools at once.
        PARALLEL_TOOL_USE_CONFIG = "parallel_tool_use_config",
        /// Takes PDF documents.
        PDF_INPUT = "pdf_input",
        /// Reuses the beginning of a prompt.
        PROMPT_CACHING = "prompt_caching",
        /// Reasons before it answers.
        REASONING = "reasoning",
        /// Lets the caller set how it samples.
        SAMPLING_PARAMS = "sampling_params",
        /// Answers in a given JSON schema.
        STRUCTURED_OUTPUT = "structured_output",
        /// Takes system messages.
        SYSTEM_MESSAGES = "system_messages",
        /// Lets the caller set the temperature.
        TEMPERATURE = "temperature",
        /// Calls tools.
        TOOL_CALL = "tool_call",
        /// Lets the caller say whether and which tool to call.
        TOOL_CHOICE = "tool_choice",
        /// Finds the tool to call among many.
        TOOL_SEARCH = "tool_search",
        /// Takes moving pictures.
        VIDEO_INPUT = "video_input",
        /// Takes pictures.
        VISION = "vision",
        /// Searches the web.
        WEB_SEARCH = "web_search",
        /// Knows the reasoning effort `xhigh`.
        XHIGH_REASONING_EFFORT = "xhigh_reasoning_effort",
    }
}

vocabulary! {
    /// Names where an offering stands in its life.
    Status {
        /// Is in general use.
        ACTIVE = "active",
        /// Is tried out by few.
        ALPHA = "alpha",
        /// Is tried out by many.
        BETA = "beta",
        /// Is about to go.
        DEPRECATED = "deprecated",
        /// Is shown before its release.
        PREVIEW = "preview",
    }
}

vocabulary! {
    /// Names the kind of request that an offering answers.
    Mode {
        /// Turns text into speech.
        AUDIO_SPEECH = "audio_speech",
        /// Turns speech into text.
        AUDIO_TRANSCRIPTION = "audio_transcription",
        /// Answers a conversation.
        CHAT = "chat",
        /// Continues a text.
        COMPLETION = "completion",
        /// Turns text into vectors.
        EMBEDDING = "embedding",
        /// Changes pictures.
        IMAGE_EDIT = "image_edit",
        /// Makes pictures.
        IMAGE_GENERATION = "image_generation",
        /// Judges whether content is harmful.
        MODERATION = "moderation",
        /// Reads text from documents.
        OCR = "ocr",
        /// Talks while it listens.
        REALTIME = "realtime",
        /// Orders documents by relevance.
        RERANK = "rerank",
        /// Answers a conversation whose state the provider keeps.
        RESPONSES = "responses",
        /// Searches.
        SEARCH = "search",
        /// Makes moving pictures.
        VIDEO_GENERATION = "video_generation",
    }
}

vocabulary! {
    /// Names what is paid for.
    PriceKind {
        /// Reading from the prompt cache.
        CACHE_READ = "cache_read",
        /// Writing to the prompt cache.
        CACHE_WRITE = "cache_write",
        /// Sources that an answer cites.
        CITATION = "citation",
        /// Pictures, going in or coming out.
        IMAGE = "image",
        /// What goes in.
        INPUT = "input",
        /// Sound that goes in.
        INPUT_AUDIO = "input_audio",
        /// Pictures that go in.
        INPUT_IMAGE = "input_image",
        /// Moving pictures that go in.
        INPUT_VIDEO = "input_video",
        /// What comes out.
        OUTPUT = "output",
        /// Sound that comes out.
        OUTPUT_AUDIO = "output_audio",
        /// Pictures that come out.
        OUTPUT_IMAGE = "output_image",
        /// Moving pictures that come out.
        OUTPUT_VIDEO = "output_video",
        /// Reasoning that comes out.
        REASONING = "reasoning",
        /// A request as such.
        REQUEST = "request",
        /// A search of the web.
        WEB_SEARCH = "web_search",
    }
}

vocabulary! {
    /// Names what a price is per.
    Unit {
        /// Per character.
        CHARACTER = "character",
        /// Per picture.
        IMAGE = "image",
        /// Per million tokens. Prices per token are converted to it, exactly.
        MILLION_TOKENS = "million_tokens",
        /// Per page of a document.
        PAGE = "page",
        /// Per pixel.
        PIXEL = "pixel",
        /// Per query.
        QUERY = "query",
        /// Per request.
        REQUEST = "request",
        /// Per second.
        SECOND = "second",
        /// Per session.
        SESSION = "session",
    }
}

vocabulary! {
    /// Names a service tier with prices of its own.
    ServiceTier {
        /// Answers within hours, in bulk.
        BATCH = "batch",
        /// Answers when there is room.
        FLEX = "flex",
        /// Answers ahead of others.
        PRIORITY = "priority",
    }
}

vocabulary! {
    /// Names any other circumstance with prices of its own, such as a resolution (`1080p`) or
    /// a size of search context (`context_low`).
    Variant {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_well_known_names_are_sorted_so_that_they_are_found() {
        for list in [
            Modality::WELL_KNOWN,
            Capability::WELL_KNOWN,
            Status::WELL_KNOWN,
            Mode::WELL_KNOWN,
            PriceKind::WELL_KNOWN,
            Unit::WELL_KNOWN,
            ServiceTier::WELL_KNOWN,
        ] {
            assert!(list.is_sorted(), "{list:?}");
        }
    }

    #[test]
    fn a_well_known_name_takes_no_memory_of_its_own() {
        for text in ["text", "TEXT"] {
            assert!(matches!(
                Modality::new(text).unwrap().0,
                Cow::Borrowed("text")
            ));
        }
    }

    #[test]
    fn an_unknown_name_is_kept_in_lower_case() {
        assert_eq!(Modality::new("Smell-3.D").unwrap(), "smell-3.d");
    }

    #[test]
    fn what_is_no_name_is_refused() {
        let long = "x".repeat(65);
        for text in ["", "a b", "a/b", "a\n", "é", long.as_str()] {
            assert!(Unit::new(text).is_err(), "{text:?}");
        }
        assert_eq!(
            Unit::new("a b").unwrap_err().to_string(),
            "\"a b\" is not a name; expected 1 to 64 letters, digits, `_`, `-` or `.`"
        );
    }
}
