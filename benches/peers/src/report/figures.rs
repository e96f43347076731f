//! The figures, as the other programs printed them.

use std::{fs, io, path::Path};

/// A line of a file: names first, and then numbers.
pub struct Figure {
    pub row: String,
    pub subject: String,
    pub values: Vec<f64>,
}

/// Reads a file of figures; none where there is no file.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(folder: &Path, name: &str) -> io::Result<Vec<Figure>> {
    let text = match fs::read_to_string(folder.join(name)) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    Ok(text.lines().skip(1).filter_map(figure).collect())
}

fn figure(line: &str) -> Option<Figure> {
    let mut cells = line.split(',');
    let (row, subject) = (cells.next()?.to_owned(), cells.next()?.to_owned());
    let values = cells.map(|cell| cell.trim().parse().unwrap_or(f64::NAN));
    Some(Figure {
        row,
        subject,
        values: values.collect(),
    })
}

/// The first value of a subject in a row.
#[must_use]
pub fn value(figures: &[Figure], row: &str, subject: &str) -> Option<f64> {
    let is_it = |figure: &&Figure| figure.row == row && figure.subject == subject;
    figures.iter().find(is_it)?.values.first().copied()
}

/// What the subjects of a row add to the bare router, without the bare router itself.
#[must_use]
pub fn added<'f>(figures: &'f [Figure], row: &str) -> Vec<(&'f str, f64)> {
    let Some(bare) = value(figures, row, "bare") else {
        return Vec::new();
    };
    let of_row = figures.iter().filter(|figure| figure.row == row);
    let others = of_row.filter(|figure| figure.subject != "bare");
    let added = |figure: &'f Figure| Some((figure.subject.as_str(), figure.values.first()? - bare));
    others.filter_map(added).collect()
}
