//! A chart of bars, one below the other.

use super::svg::{WIDTH, document, text};

pub struct Group {
    pub name: String,
    pub bars: Vec<Bar>,
}

pub struct Bar {
    pub name: String,
    pub value: f64,
    /// The value in words.
    pub label: String,
}

const MARGIN: f64 = 12.0;
const HEAD: f64 = 26.0;
const BAR: f64 = 34.0;
/// Room for the value behind a bar.
const LABEL: f64 = 78.0;

/// Draws the chart.
#[must_use]
pub fn draw(title: &str, description: &str, groups: &[Group]) -> String {
    let longest = longest(groups);
    let scale = (WIDTH - 2.0 * MARGIN - LABEL) / longest;
    let mut y = MARGIN;
    let mut body = String::new();
    for group in groups {
        body += &text(MARGIN, y + 14.0, "head", "start", &group.name);
        y += HEAD;
        for bar in &group.bars {
            let color = match bar.name.as_str() {
                "telenor-auth" => "c0",
                "by hand" => "c1",
                _ => "c2",
            };
            let width = (bar.value.min(longest) * scale).max(1.0);
            body += &text(MARGIN, y + 11.0, "", "start", &bar.name);
            body += &format!(
                "<rect class=\"bar {color}\" x=\"{MARGIN}\" y=\"{:.1}\" width=\"{width:.1}\" \
                 height=\"10\" rx=\"2\"/>\n",
                y + 16.0
            );
            if bar.value > longest {
                body += &gap(MARGIN + width - 24.0, y + 16.0);
            }
            body += &text(MARGIN + width + 6.0, y + 25.0, "small", "start", &bar.label);
            y += BAR;
        }
        y += 8.0;
    }
    document(title, description, y + 4.0, &body)
}

/// What the chart has room for. One that is far longer than all others is cut off.
fn longest(groups: &[Group]) -> f64 {
    let bars = groups.iter().flat_map(|group| &group.bars);
    let mut values: Vec<f64> = bars.map(|bar| bar.value).collect();
    values.sort_by(f64::total_cmp);
    let longest = match values[..] {
        [.., second, first] if first > 4.0 * second => 1.2 * second,
        [.., first] => first,
        [] => 1.0,
    };
    longest.max(1.0)
}

/// A slanted gap in a bar that is cut off.
fn gap(x: f64, y: f64) -> String {
    let bottom = y + 11.0;
    format!("<path class=\"page\" d=\"M{x:.1} {bottom:.1} l4 -12 h4 l-4 12 z\"/>\n")
}
