//! What all charts share: they can be read in light and in dark, and as wide as a phone.

/// The width that the charts are drawn for. They are scaled to the page.
pub(super) const WIDTH: f64 = 400.0;

const STYLE: &str = "\
    .page { fill: #ffffff } \
    text { font: 13px system-ui, sans-serif; fill: #1f2328 } \
    .head { font-weight: 600 } \
    .small { font-size: 11px; fill: #57606a } \
    .grid { stroke: #d0d7de; stroke-width: 1 } \
    .c0 { fill: #0969da; stroke: #0969da } \
    .c1 { fill: #1a7f37; stroke: #1a7f37 } \
    .c2 { fill: #848d97; stroke: #848d97 } \
    .c3 { fill: #bc4c00; stroke: #bc4c00 } \
    .bar { stroke: none } \
    .line { fill: none; stroke-width: 2 } \
    @media (prefers-color-scheme: dark) { \
    .page { fill: #0d1117 } \
    text { fill: #e6edf3 } \
    .small { fill: #9198a1 } \
    .grid { stroke: #3d444d } \
    .c0 { fill: #58a6ff; stroke: #58a6ff } \
    .c1 { fill: #3fb950; stroke: #3fb950 } \
    .c2 { fill: #7d8590; stroke: #7d8590 } \
    .c3 { fill: #f0883e; stroke: #f0883e } \
    .bar { stroke: none } \
    .line { fill: none } \
    }";

/// A whole file.
pub(super) fn document(title: &str, description: &str, height: f64, body: &str) -> String {
    let (title, description) = (escape(title), escape(description));
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height:.0}\" \
         role=\"img\" aria-labelledby=\"title description\">\n\
         <title id=\"title\">{title}</title>\n\
         <desc id=\"description\">{description}</desc>\n\
         <style>{STYLE}</style>\n\
         <rect class=\"page\" width=\"100%\" height=\"100%\"/>\n\
         {body}</svg>\n"
    )
}

/// A line of text. `class` may be empty, and `anchor` is `start`, `middle` or `end`.
pub(super) fn text(x: f64, y: f64, class: &str, anchor: &str, text: &str) -> String {
    let text = escape(text);
    format!(
        "<text x=\"{x:.1}\" y=\"{y:.1}\" class=\"{class}\" text-anchor=\"{anchor}\">{text}</text>\n"
    )
}

fn escape(text: &str) -> String {
    let text = text.replace('&', "&amp;").replace('<', "&lt;");
    text.replace('>', "&gt;").replace('"', "&quot;")
}
