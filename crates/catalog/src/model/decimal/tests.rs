use proptest::prelude::*;

use super::*;

fn dec(text: &str) -> Decimal {
    text.parse().unwrap()
}

#[test]
fn every_spelling_of_a_number_is_one_value() {
    for (text, printed) in [
        ("0", "0"),
        ("-0.000", "0"),
        ("0e99", "0"),
        ("1.5e-07", "0.00000015"),
        ("1.50", "1.5"),
        (".5", "0.5"),
        ("+2", "2"),
        ("1E3", "1000"),
        ("1e6", "1000000"),
        ("4096.0", "4096"),
        ("-12.340e1", "-123.4"),
        ("0.00000008333333333333334", "0.00000008333333333333334"),
        (
            "0.10000000000000000000000000000000000000000000000000",
            "0.1",
        ),
        (
            "99999999999999999999999999999999999999",
            "99999999999999999999999999999999999999",
        ),
    ] {
        assert_eq!(dec(text).to_string(), printed, "{text}");
    }
}

#[test]
fn what_is_no_number_is_refused() {
    for text in [
        "", "-", ".", "1.", "e5", "1e", "1e+", "1e1.5", "1 ", "1,000", "NaN", "0x10", "--1", "١",
    ] {
        assert_eq!(
            text.parse::<Decimal>(),
            Err(DecimalError::Syntax),
            "{text:?}"
        );
    }
    for text in [
        "100000000000000000000000000000000000000",
        "1e38",
        "1e-39",
        "1e400",
        "1e99999999999999999999999",
        "1e-99999999999999999999999",
    ] {
        assert_eq!(
            text.parse::<Decimal>(),
            Err(DecimalError::TooLarge),
            "{text:?}"
        );
    }
}

#[test]
fn whole_numbers_become_integers() {
    assert_eq!(dec("128000").to_u64(), Some(128_000));
    assert_eq!(dec("1e6").to_u64(), Some(1_000_000));
    assert_eq!(dec("4096.5").to_u64(), None);
    assert_eq!(dec("-1").to_u64(), None);
    assert_eq!(dec("18446744073709551615").to_u64(), Some(u64::MAX));
    assert_eq!(dec("18446744073709551616").to_u64(), None);
}

#[test]
fn construction_reduces_and_checks() {
    assert_eq!(Decimal::new(150, 2), Ok(dec("1.5")));
    assert_eq!(Decimal::new(i128::MIN, 0), Err(DecimalError::TooLarge));
    assert_eq!(Decimal::new(1, 39), Err(DecimalError::TooLarge));
    assert_eq!(Decimal::new(0, 200), Ok(Decimal::ZERO));
}

#[test]
fn it_is_written_as_a_string() {
    assert_eq!(
        serde_json::to_string(&dec("1.5e-7")).unwrap(),
        r#""0.00000015""#
    );
    assert_eq!(
        serde_json::from_str::<Decimal>(r#""0.15""#).unwrap(),
        dec("0.15")
    );
    assert!(serde_json::from_str::<Decimal>("0.15").is_err());
}

prop_compose! {
    fn any_decimal()(mantissa in -LIMIT + 1..LIMIT, scale in 0_u8..=38) -> Decimal {
        Decimal::new(mantissa, scale).unwrap()
    }
}

proptest! {
    #[test]
    fn printing_and_reading_is_the_identity(number in any_decimal()) {
        prop_assert_eq!(number.to_string().parse::<Decimal>(), Ok(number));
    }

    #[test]
    fn an_exponent_only_moves_the_point(mantissa in -1_000_000_000_i64..1_000_000_000, power in -20_i32..20) {
        let written: Decimal = format!("{mantissa}e{power}").parse().unwrap();
        prop_assert_eq!(written, dec(&mantissa.to_string()).shift(power).unwrap());
        prop_assert_eq!(written.shift(-power).unwrap(), dec(&mantissa.to_string()));
    }

    #[test]
    fn the_order_is_that_of_the_numbers(a in -1_000_000_i128..1_000_000, b in -1_000_000_i128..1_000_000, sa in 0_u8..12, sb in 0_u8..12) {
        let exact = (a * 10_i128.pow(u32::from(sb))).cmp(&(b * 10_i128.pow(u32::from(sa))));
        prop_assert_eq!(Decimal::new(a, sa).unwrap().cmp(&Decimal::new(b, sb).unwrap()), exact);
    }

    #[test]
    fn the_order_is_total_and_agrees_with_equality(a in any_decimal(), b in any_decimal()) {
        prop_assert_eq!(a.cmp(&b), b.cmp(&a).reverse());
        prop_assert_eq!(a.cmp(&b) == Ordering::Equal, a == b);
    }

    #[test]
    fn no_text_panics(text in "[-+0-9.eE]{0,60}") {
        let _ = text.parse::<Decimal>();
    }
}
