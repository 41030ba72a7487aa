use std::fmt;

/// What a program wrote, and how it ended.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Output {
    /// How it ended.
    pub status: Status,
    /// The beginning of what it wrote, up to the bound.
    pub stdout: Vec<u8>,
    /// Whether there was more.
    pub stdout_truncated: bool,
    /// The beginning of what it wrote to its other output, up to the bound.
    pub stderr: Vec<u8>,
    /// Whether there was more.
    pub stderr_truncated: bool,
}

/// How a program ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Status {
    /// By itself, with this code. On a machine behind `ssh`, 128 + n may stand for signal n.
    Code(i32),
    /// By this signal.
    Signal(i32),
}

impl Status {
    /// Whether it ended with code 0.
    #[must_use]
    pub fn is_success(self) -> bool {
        self == Self::Code(0)
    }

    /// The code; 128 + n for signal n, as shells have it.
    #[must_use]
    pub fn code(self) -> i32 {
        match self {
            Self::Code(code) => code,
            Self::Signal(signal) => 128 + signal,
        }
    }
}

impl fmt::Display for Status {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Code(code) => write!(f, "code {code}"),
            Self::Signal(signal) => write!(f, "signal {signal}"),
        }
    }
}
