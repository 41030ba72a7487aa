//! Reading price lines: `KIND[/UNIT][>TOKENS][~TIER][%SECONDS][^VARIANT]=PRICE`.

use crate::model::{Conditions, Currency, Decimal, Price, PriceLine, Prices, Unit};

use super::read::{Parts, Wrong, wrong};

pub(super) fn prices(list: Parts<'_>) -> Result<Prices, Wrong> {
    let mut prices = Prices::default();
    for item in list.split(' ') {
        if prices.insert(price_line(item)?).is_some() {
            return wrong(item.at, "the same price stands twice");
        }
    }
    Ok(prices)
}

fn price_line(mut item: Parts<'_>) -> Result<PriceLine, Wrong> {
    let mut what = item.next('=');
    let price = price(item)?;
    let mut unit = Unit::MILLION_TOKENS;
    let mut when = Conditions::default();
    // The conditions are read from the last to the first, each cut off at its sign.
    if let Some(part) = cut(&mut what, '^') {
        when.variant = Some(part.read()?);
    }
    if let Some(part) = cut(&mut what, '%') {
        when.cache_ttl = Some(part.read()?);
    }
    if let Some(part) = cut(&mut what, '~') {
        when.service_tier = Some(part.read()?);
    }
    if let Some(part) = cut(&mut what, '>') {
        when.above_tokens = Some(part.read()?);
    }
    if let Some(part) = cut(&mut what, '/') {
        unit = part.read()?;
    }
    Ok(PriceLine::new(what.read()?, unit, price).when(when))
}

fn cut<'t>(parts: &mut Parts<'t>, sign: char) -> Option<Parts<'t>> {
    let (before, after) = parts.text.rsplit_once(sign)?;
    parts.text = before;
    Some(Parts {
        text: after,
        at: parts.at + before.len() + 1,
    })
}

fn price(item: Parts<'_>) -> Result<Price, Wrong> {
    match item.text {
        "free" => return Ok(Price::Free),
        "unpriced" => return Ok(Price::Unpriced),
        "varying" => return Ok(Price::Varying),
        _ => {}
    }
    let end = item
        .text
        .find(|c: char| c.is_ascii_uppercase())
        .unwrap_or(item.text.len());
    let (amount, code) = item.text.split_at(end);
    let currency = if code.is_empty() {
        Currency::USD
    } else {
        Parts {
            text: code,
            at: item.at + end,
        }
        .read()?
    };
    let amount: Decimal = Parts {
        text: amount,
        at: item.at,
    }
    .read()?;
    match Price::of(amount, currency) {
        Some(price @ Price::Amount(_)) => Ok(price),
        _ => wrong(
            item.at,
            "expected a price above zero, `free`, `unpriced` or `varying`",
        ),
    }
}
