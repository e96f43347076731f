//! The formats of numbers and dates on the pages.

/// Returns `47 ** ** *5 67`, by which users recognize their own number.
pub(in crate::mock) fn masked(number: &str) -> String {
    let digits = number.as_bytes();
    let hidden = digits.len().saturating_sub(3);
    let mut masked = String::new();
    for (index, &digit) in digits.iter().enumerate() {
        if index % 2 == 0 && index > 0 {
            masked.push(' ');
        }
        let shown = index < 2 || index >= hidden;
        masked.push(if shown { char::from(digit) } else { '*' });
    }
    masked
}

/// Returns a Norwegian number as people write it: `912 34 567`.
pub(in crate::mock) fn spaced(number: &str) -> String {
    match number.strip_prefix("47") {
        Some(local) if local.len() == 8 => {
            format!("{} {} {}", &local[..3], &local[3..5], &local[5..])
        }
        _ => number.to_owned(),
    }
}

pub(in crate::mock) fn norwegian_date(iso: &str) -> String {
    let parts: Vec<_> = iso.splitn(3, '-').collect();
    match parts[..] {
        [year, month, day] => format!("{day}.{month}.{year}"),
        _ => iso.to_owned(),
    }
}
