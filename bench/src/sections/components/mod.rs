//! The container of a server's parts beside other containers: looking a part up, and checking and
//! building graphs of services.

use std::io;

use crate::grid::Session;
use crate::report::Report;

mod aims;
mod configured;
mod graphs;
mod lookups;
mod ten;

pub(super) fn run(session: &mut Session, report: &mut Report) -> io::Result<()> {
    report.say("## Components")?;
    lookups::run(session, report)?;
    graphs::run(session, report)?;
    aims::run(session, report)
}
