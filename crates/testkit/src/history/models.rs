//! Models ready to use: registers, and maps of names.
//!
//! | model | of | operations affect |
//! |---|---|---|
//! | [`Register`] | one place with a value | all others |
//! | [`Names`] | a map of names whose entries carry revisions, changed by compare-and-set | those of the same name, so long histories stay cheap |
//! | [`Whole`] | a map of names whose every change, of one name or many, is one revision | all others; sees torn changes |

mod names;
mod register;
mod whole;

pub use names::{Names, NamesOp, NamesRet, NamesState};
pub use register::{Register, RegisterOp, RegisterRet};
pub use whole::{Whole, WholeOp, WholeRet, WholeState};
