//! `byname catalog list`.

use std::io::{self, Write as _};

use byname_catalog::model::PriceKind;
use byname_catalog::{Offering, Query};

use super::fact;
use crate::cli::ListArguments;
use crate::data;
use crate::failure::Failure;
use crate::output::{self, Align, Table};

/// Lists offerings.
pub(crate) fn run(arguments: &ListArguments) -> Result<(), Failure> {
    let catalog = data::read(&arguments.data)?;
    let mut query = Query::all();
    if let Some(provider) = &arguments.provider {
        query = query.provider(provider);
    }
    if let Some(text) = &arguments.query {
        query = query.containing(text);
    }
    if let Some(limit) = arguments.limit {
        query = query.limit(limit);
    }
    let offerings = catalog.offerings();
    let page = offerings.page(&query, None);
    output::write(arguments.format, &page.offerings, |to| {
        table(&page.offerings).write(to)
    })?;
    if page.next.is_some() {
        let _ = writeln!(
            io::stderr().lock(),
            "there are more; --limit holds them back"
        );
    }
    Ok(())
}

fn table(offerings: &[&Offering]) -> Table {
    let mut table = Table::new(vec![
        ("PROVIDER", Align::Left),
        ("ID", Align::Left),
        ("CONTEXT", Align::Right),
        ("INPUT", Align::Right),
        ("OUTPUT", Align::Right),
        ("INPUT PRICE/1M", Align::Right),
        ("OUTPUT PRICE/1M", Align::Right),
    ]);
    for offering in offerings {
        table.row(&[
            offering.key.provider().to_owned(),
            offering.key.id().to_owned(),
            fact(&offering.limits.context),
            fact(&offering.limits.input),
            fact(&offering.limits.output),
            offering.prices.price(&PriceKind::INPUT).to_string(),
            offering.prices.price(&PriceKind::OUTPUT).to_string(),
        ]);
    }
    table
}
