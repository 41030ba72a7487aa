//! Adding a price in US dollars to those of an offering.

use crate::model::{Conditions, Currency, Price, PriceKind, PriceLine, Prices, Unit};

use super::json::{Node, Value};
use super::path::KeyPath;
use super::report::Reporter;

/// Reads an amount, moves its point by `shift` places to the right, and adds it. `null` is an
/// unpriced line; of two prices for the same thing that differ the first one stays.
#[expect(
    clippy::too_many_arguments,
    reason = "what, per what, when, how much, and where it stands"
)]
pub(crate) fn add_usd(
    prices: &mut Prices,
    kind: PriceKind,
    unit: Unit,
    when: &Conditions,
    shift: i32,
    node: &Node<'_>,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    let price = if matches!(node.value, Value::Null) {
        Price::Unpriced
    } else {
        let Some(amount) = reporter.amount(node, path) else {
            return;
        };
        let price = amount
            .shift(shift)
            .ok()
            .and_then(|amount| Price::of(amount, Currency::USD));
        let Some(price) = price else {
            reporter.leave_out(
                node.at,
                path,
                &"expected a price of at most 38 digits; left out",
            );
            return;
        };
        price
    };
    add(
        prices,
        PriceLine::new(kind, unit, price).when(when.clone()),
        node.at,
        path,
        reporter,
    );
}

/// Adds a line; of two for the same thing that differ the first one stays.
pub(crate) fn add(
    prices: &mut Prices,
    line: PriceLine,
    at: usize,
    path: &KeyPath<'_>,
    reporter: &mut Reporter<'_>,
) {
    match prices.get(&line.kind, &line.unit, &line.conditions) {
        None => {
            prices.insert(line);
        }
        Some(first) if first.price != line.price => {
            let message = format_args!(
                "{} differs from {}, given before for the same thing; left out",
                line.price, first.price
            );
            reporter.leave_out(at, path, &message);
        }
        Some(_) => {}
    }
}
