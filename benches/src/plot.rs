//! Instructions as a picture, to be read in light and in dark.

use std::fmt::Write;

use crate::measured::Measured;
use crate::rows::Metric;
use crate::subject::{Subject, on};

/// Each group of bars: what they have in common, the scenario, and the contenders.
const GROUPS: [(&str, &str, &[&str]); 3] = [
    (
        "a ready future, awaited as a task of its own",
        "ready",
        &[
            "tokio_spawn",
            "tokio_shield",
            "remote_handle",
            "task_tracker",
            "shield",
            "shield_tracker",
        ],
    ),
    (
        "a ready future, awaited inside the caller",
        "ready",
        &["box_pin", "tokio_cancel_guard", "guarden", "shield_on_drop"],
    ),
    (
        "the caller is dropped, the work continues",
        "partway",
        &[
            "tokio_spawn",
            "tokio_shield",
            "tokio_cancel_guard",
            "guarden",
            "shield",
            "shield_on_drop",
        ],
    ),
];

const WIDTH: f64 = 840.0;
const LEFT: f64 = 400.0;
const RIGHT: f64 = 60.0;
const ROW: f64 = 22.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.code { font: 12px ui-monospace, monospace; text-anchor: end; }
.rival { fill: #8c959f; }
.ours { fill: #0969da; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .ours { fill: #4493f8; }
}
";

/// The whole of results.svg.
pub(crate) fn draw(rows: &[Measured]) -> String {
    let mut body = String::new();
    let mut y = 0.0;
    for (title, scenario, contenders) in GROUPS {
        y += 26.0;
        let _ = writeln!(
            body,
            "<text class=\"title\" x=\"12\" y=\"{y}\">Instructions: {title}</text>"
        );
        y += 8.0;
        let figures = contenders.iter().filter_map(|binary| {
            let subject = on(binary, scenario);
            Some((subject, instructions(rows, subject)?))
        });
        let mut figures: Vec<_> = figures.collect();
        figures.sort_by(|(_, a), (_, b)| a.total_cmp(b));
        let scale = (WIDTH - LEFT - RIGHT) / figures.last().map_or(1.0, |(_, most)| *most);
        for (subject, figure) in figures {
            let kind = if subject.is_ours() { "ours" } else { "rival" };
            let code = subject.to_string().replace(['*', '`'], "");
            let code = code.replace("\\|", "|").replace('&', "&amp;").replace('<', "&lt;");
            let (text, right) = (y + 15.0, LEFT + figure * scale);
            let _ = writeln!(
                body,
                "<text class=\"code\" x=\"{}\" y=\"{text}\">{code}</text>\n\
                 <rect class=\"{kind}\" x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"16\"/>\n\
                 <text x=\"{:.1}\" y=\"{text}\">{figure:.0}</text>",
                LEFT - 8.0,
                y + 3.0,
                right - LEFT,
                right + 5.0,
            );
            y += ROW;
        }
    }
    let height = y + 10.0;
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\">\n<title>futures-shield and its rivals</title>\n<style>\n{STYLE}</style>\n{body}</svg>\n"
    )
}

fn instructions(rows: &[Measured], of: Subject) -> Option<f64> {
    let mut rows = rows
        .iter()
        .filter(|measured| measured.row.metric == Metric::Instructions);
    rows.find_map(|measured| match of {
        _ if of == measured.row.first => Some(measured.first),
        _ if of == measured.row.second => Some(measured.second),
        _ => None,
    })
}
