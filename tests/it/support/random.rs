//! Whether values are random, as far as their bits show it.

/// Asserts that no bit of these values is fixed, and that none follows from others of the same
/// value by an exclusive or: as in one whose second half repeats the first, or is zero.
///
/// It takes some more values than a value has bits. Among random ones, a bit seems to follow from
/// others less than once in 2^n times, where n is how many values there are more than bits.
#[track_caller]
pub fn assert_independent_bits(values: &[Vec<u8>]) {
    let (first, others) = values.split_first().unwrap();
    let differences = others.iter().map(|value| {
        let pairs = value.iter().zip(first);
        pairs.map(|(a, b)| a ^ b).collect()
    });
    let mut rows: Vec<Vec<u8>> = differences.collect();
    let is_set = |row: &[u8], bit: usize| row[bit / 8] >> (bit % 8) & 1 == 1;
    // Gaussian elimination: where no row is left for a bit, the bits before it decide it.
    for bit in 0..8 * first.len() {
        let pivot = rows.iter().position(|row| is_set(row, bit));
        let pivot = pivot.unwrap_or_else(|| panic!("bit {bit} follows from the bits before it"));
        let pivot = rows.swap_remove(pivot);
        for row in rows.iter_mut().filter(|row| is_set(row, bit)) {
            row.iter_mut().zip(&pivot).for_each(|(a, b)| *a ^= b);
        }
    }
}
