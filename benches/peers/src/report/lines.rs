//! A chart of lines over a logarithmic axis.

use super::svg::{WIDTH, document, text};

#[derive(Clone)]
pub struct Line {
    pub name: String,
    pub points: Vec<(f64, f64)>,
}

const LEFT: f64 = 56.0;
const RIGHT: f64 = 16.0;
const HEIGHT: f64 = 170.0;
const LEGEND: f64 = 20.0;

/// Draws the chart. `x` and `y` name the axes.
#[must_use]
pub fn draw(title: &str, description: &str, (x, y): (&str, &str), lines: &[Line]) -> String {
    let points = || lines.iter().flat_map(|line| &line.points);
    let first = points().map(|point| point.0).fold(f64::MAX, f64::min);
    let last = points().map(|point| point.0).fold(first * 1.001, f64::max);
    let top = ceiling(points().map(|point| point.1).fold(1.0, f64::max));
    let above = 30.0 + LEGEND * lines.len() as f64;
    let bottom = above + HEIGHT;
    let at_x = |x: f64| {
        let part = (x / first).ln() / (last / first).ln();
        LEFT + part * (WIDTH - LEFT - RIGHT)
    };
    let at_y = |y: f64| bottom - y.max(0.0) / top * HEIGHT;

    let mut body = text(8.0, 18.0, "small", "start", y);
    for (at, line) in lines.iter().enumerate() {
        let y = 28.0 + LEGEND * at as f64;
        let color = color(&line.name, at);
        body += &format!(
            "<rect class=\"bar {color}\" x=\"{LEFT}\" y=\"{y:.1}\" width=\"14\" height=\"4\"/>\n"
        );
        body += &text(LEFT + 20.0, y + 6.0, "", "start", &line.name);
    }
    for part in 0..=4 {
        let value = top * f64::from(part) / 4.0;
        let y = at_y(value);
        let end = WIDTH - RIGHT;
        body += &format!(
            "<line class=\"grid\" x1=\"{LEFT}\" x2=\"{end}\" y1=\"{y:.1}\" y2=\"{y:.1}\"/>\n"
        );
        body += &text(LEFT - 6.0, y + 4.0, "small", "end", &number(value));
    }
    let mut ticks: Vec<_> = points().map(|point| point.0).collect();
    ticks.sort_by(f64::total_cmp);
    ticks.dedup();
    let mut free = f64::MIN;
    for tick in ticks {
        let x = at_x(tick);
        if x > free {
            body += &text(x, bottom + 16.0, "small", "middle", &number(tick));
            free = x + 34.0;
        }
    }
    let middle = (LEFT + WIDTH - RIGHT) / 2.0;
    body += &text(middle, bottom + 34.0, "small", "middle", x);
    for (at, line) in lines.iter().enumerate() {
        let color = color(&line.name, at);
        let points = line
            .points
            .iter()
            .map(|(x, y)| format!("{:.1},{:.1}", at_x(*x), at_y(*y)));
        let points = points.collect::<Vec<_>>().join(" ");
        body += &format!("<polyline class=\"line {color}\" points=\"{points}\"/>\n");
        for (x, y) in &line.points {
            let (x, y) = (at_x(*x), at_y(*y));
            body +=
                &format!("<circle class=\"bar {color}\" cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3\"/>\n");
        }
    }
    document(title, description, bottom + 44.0, &body)
}

/// The same for a name in every chart.
fn color(name: &str, line: usize) -> &'static str {
    match name {
        "memory store" => "c0",
        "by hand" => "c1",
        "cookie store" => "c3",
        _ => ["c0", "c3", "c1", "c2"][line % 4],
    }
}

/// The next round number.
fn ceiling(value: f64) -> f64 {
    let unit = 10_f64.powf(value.log10().floor());
    let steps = [1.0, 2.0, 4.0, 6.0, 8.0, 10.0];
    let step = steps.into_iter().find(|step| step * unit >= value);
    step.unwrap_or(10.0) * unit
}

/// A number that is short, and easy to read.
fn number(value: f64) -> String {
    match value {
        1e6.. => format!("{} M", trimmed(value / 1e6)),
        1e4.. => format!("{} k", trimmed(value / 1e3)),
        _ => trimmed(value),
    }
}

fn trimmed(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").unwrap_or(&text).to_owned()
}
