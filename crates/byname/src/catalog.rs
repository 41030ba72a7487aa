//! `byname catalog`: reading the catalog from the command line.

mod list;
mod show;

use byname_catalog::model::Fact;

pub(crate) use self::list::run as list;
pub(crate) use self::show::run as show;

/// Writes a fact for people, keeping unknown and known to be absent apart.
fn fact<T: ToString>(fact: &Fact<T>) -> String {
    match fact {
        Fact::Known(value) => value.to_string(),
        Fact::Absent => "none".to_owned(),
        Fact::Unknown => "?".to_owned(),
    }
}
