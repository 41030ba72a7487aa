//! The types of the catalog: offerings, providers, facts, dates and money.
//!
//! # How it is written
//!
//! Every type serialises with serde in one stable order. In JSON and YAML a fact is written as
//! its value when it is known, as `null` when it is known to be absent, and not at all when it is
//! unknown (see [`Fact`]). Amounts of money are decimal strings, so that no reader turns them
//! into floating-point numbers. Dates are `YYYY-MM-DD`, or `YYYY-MM` where the day is not stated.
//!
//! ```json
//! {
//!   "provider": "openai", "id": "gpt-4o", "name": "GPT-4o", "mode": "chat",
//!   "limits": {"context": 128000, "output": 16384},
//!   "modalities": {"input": ["image", "text"], "output": ["text"]},
//!   "capabilities": {"reasoning": false, "tool_call": true},
//!   "dates": {"release": "2024-05-13", "knowledge": "2023-10", "deprecation": null},
//!   "prices": [
//!     {"kind": "input", "unit": "million_tokens", "price": {"amount": "2.5", "currency": "USD"}},
//!     {"kind": "input", "unit": "million_tokens", "service_tier": "batch",
//!      "price": {"amount": "1.25", "currency": "USD"}}
//!   ]
//! }
//! ```

mod date;
mod decimal;
mod fact;
mod key;
mod money;
mod names;
mod offering;
mod price;
mod provider;
mod schema;

pub use date::{Date, DateError};
pub use decimal::{Decimal, DecimalError};
pub use fact::Fact;
pub use key::{KeyError, OfferingKey, ProviderId};
pub use money::{Currency, CurrencyError, Money, Price};
pub use names::{
    Capability, Modality, Mode, NameError, PriceKind, ServiceTier, Status, Unit, Variant,
};
pub use offering::{Capabilities, Dates, Limits, Modalities, ModalitySet, Offering};
pub use price::{Conditions, PriceLine, Prices};
pub use provider::Provider;
pub(crate) use schema::OfferingId;
