//! How the cost grows: charts and a table of the points `row,x,y` of `benches/growth.rs`.

use std::{fs, io, path::Path};

use super::{
    lines::{self, Line},
    tables::thousands,
};

/// A chart of the rows that begin with one of the names.
pub struct Chart {
    pub file: &'static str,
    pub title: &'static str,
    rows: &'static [&'static str],
    x: &'static str,
    y: &'static str,
}

pub const CHARTS: [Chart; 6] = [
    Chart {
        file: "growth-sessions.svg",
        title: "A request, against sessions in memory",
        rows: &["request", "look-up"],
        x: "sessions in the store",
        y: "ns: of a request over the bare router, of a look-up alone",
    },
    Chart {
        file: "growth-memory.svg",
        title: "Memory for a session",
        rows: &["memory"],
        x: "sessions in the store",
        y: "bytes of the process for each session",
    },
    Chart {
        file: "growth-cookies.svg",
        title: "A request, against its cookies",
        rows: &["cookies"],
        x: "cookies of the request, the session's last",
        y: "ns over the bare router",
    },
    Chart {
        file: "growth-cookie-bytes.svg",
        title: "A request, against the length of a cookie before the session's",
        rows: &["cookie bytes"],
        x: "bytes of the cookie",
        y: "ns over the bare router",
    },
    Chart {
        file: "growth-threads.svg",
        title: "Requests per second, against threads",
        rows: &["threads"],
        x: "threads",
        y: "one thread = 1",
    },
    Chart {
        file: "growth-pause.svg",
        title: "The longest wait while sessions expire at once",
        rows: &["pause"],
        x: "sessions in the store",
        y: "µs, the longest time between two requests",
    },
];

/// Reads the points, in lines.
///
/// # Errors
///
/// When the file cannot be read.
pub fn read(file: &Path) -> io::Result<Vec<Line>> {
    let text = match fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => String::new(),
        Err(error) => return Err(error),
    };
    let mut lines: Vec<Line> = Vec::new();
    for line in text.lines().skip(1) {
        let mut cells = line.split(',');
        let (Some(name), Some(x), Some(y)) = (cells.next(), cells.next(), cells.next()) else {
            continue;
        };
        let (Ok(x), Ok(y)) = (x.trim().parse(), y.trim().parse()) else {
            continue;
        };
        match lines.iter_mut().find(|line| line.name == name) {
            Some(line) => line.points.push((x, y)),
            None => lines.push(Line {
                name: name.to_owned(),
                points: vec![(x, y)],
            }),
        }
    }
    Ok(lines)
}

impl Chart {
    /// The chart; none without points.
    #[must_use]
    pub fn draw(&self, all: &[Line]) -> Option<String> {
        let of_chart: Vec<_> = self.lines(all).collect();
        let description = "The table beside it has the first and the last point of each line.";
        let axes = (self.x, self.y);
        (!of_chart.is_empty()).then(|| lines::draw(self.title, description, axes, &of_chart))
    }

    /// The lines, by the part of their name that is not the chart's.
    fn lines<'l>(&self, all: &'l [Line]) -> impl Iterator<Item = Line> {
        let of_chart = all.iter().filter_map(|line| {
            let (row, name) = split(&line.name);
            let is_one_row = self.rows.len() == 1;
            let name = if is_one_row && !name.is_empty() {
                name
            } else {
                &line.name
            };
            self.rows.contains(&row).then(|| Line {
                name: name.to_owned(),
                points: line.points.clone(),
            })
        });
        of_chart.collect::<Vec<_>>().into_iter()
    }
}

/// The row and the subject in a name: `cookies – memory store`.
fn split(name: &str) -> (&str, &str) {
    name.split_once(" – ").unwrap_or((name, ""))
}

/// The first and the last point of each line.
#[must_use]
pub fn table(all: &[Line]) -> String {
    let mut table = "| | | first | last |\n| --- | --- | --- | --- |\n".to_owned();
    for chart in CHARTS {
        for line in chart.lines(all) {
            let (Some(first), Some(last)) = (line.points.first(), line.points.last()) else {
                continue;
            };
            let point = |(x, y): &(f64, f64)| {
                let y = match *y {
                    ..10.0 => format!("{y:.2}"),
                    _ => thousands(*y),
                };
                format!("{y} at {}", thousands(*x))
            };
            let (first, last) = (point(first), point(last));
            let (title, unit) = (chart.title, chart.y);
            let name = &line.name;
            table += &format!("| {title}, {unit} | {name} | {first} | {last} |\n");
        }
    }
    table
}
