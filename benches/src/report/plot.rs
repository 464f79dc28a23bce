//! The figures as a picture, to be read in light and in dark.

use std::fmt::Write;

use futures_shield_benches::roster::{CONTENDERS, Class, Contender};

use crate::callgrind::Counts;
use crate::time::Times;

const WIDTH: f64 = 840.0;
const LEFT: f64 = 372.0;
const RIGHT: f64 = 60.0;
const ROW: f64 = 30.0;

const STYLE: &str = "\
text { font: 13px system-ui, sans-serif; fill: #1f2328; }
.title { font-weight: 600; }
.code { font: 12px ui-monospace, monospace; text-anchor: end; }
.legend { text-anchor: start; }
.small { font-size: 11px; fill: #59636e; }
.tiny { font-size: 9px; fill: #59636e; }
.middle { text-anchor: middle; }
.end { text-anchor: end; }
.rival { fill: #8c959f; stroke: #8c959f; }
.ours { fill: #0969da; stroke: #0969da; }
.system { fill-opacity: 0.35; stroke-opacity: 0; }
.line { fill: none; stroke-width: 2; }
.axis { stroke: #8c959f; stroke-opacity: 0.4; }
@media (prefers-color-scheme: dark) {
  text { fill: #e6edf3; }
  .small, .tiny { fill: #9198a1; }
  rect.ours { fill: #4493f8; }
  .ours { stroke: #4493f8; }
}
";

/// The whole of results.svg.
pub(crate) fn draw(pool: &Counts, system: &Counts, times: &Times) -> String {
    let mut body = String::new();
    let mut top = 24.0;
    for class in [Class::BoxTask, Class::Inline] {
        top = bars(&mut body, top, class, pool, system) + 26.0;
    }
    let height = lines(&mut body, top, times).ceil();
    format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {WIDTH} {height}\" width=\"{WIDTH}\" height=\"{height}\" \
         role=\"img\">\n<title>futures-shield and its rivals</title>\n<style>\n{STYLE}</style>\n{body}</svg>\n"
    )
}

fn escape(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

/// A bar of each allocator for each contender, the least first. Gives where it ends.
fn bars(body: &mut String, top: f64, class: Class, pool: &Counts, system: &Counts) -> f64 {
    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"12\" y=\"{top}\">Instructions per operation, {}</text>\n\
         <text class=\"small end\" x=\"{}\" y=\"{top}\">solid: allocator of fixed cost; pale: the system's</text>",
        class.title(),
        WIDTH - 12.0,
    );
    let mut contenders: Vec<&Contender> = CONTENDERS.iter().filter(|contender| contender.class == class).collect();
    contenders.sort_by(|a, b| pool[a.name].total_cmp(&pool[b.name]));
    let most = contenders
        .iter()
        .map(|contender| system[contender.name].max(pool[contender.name]));
    let scale = (WIDTH - LEFT - RIGHT) / most.fold(1.0, f64::max);

    let mut y = top + 12.0;
    for contender in contenders {
        let kind = if contender.ours { "ours" } else { "rival" };
        let (fixed, systems) = (pool[contender.name], system[contender.name]);
        let _ = writeln!(
            body,
            "<text class=\"code\" x=\"{}\" y=\"{}\">{}</text>\n\
             <rect class=\"{kind}\" x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"12\"/>\n\
             <text class=\"small\" x=\"{:.1}\" y=\"{}\">{fixed:.0}</text>\n\
             <rect class=\"{kind} system\" x=\"{LEFT}\" y=\"{}\" width=\"{:.1}\" height=\"7\"/>\n\
             <text class=\"tiny\" x=\"{:.1}\" y=\"{}\">{systems:.0}</text>",
            LEFT - 8.0,
            y + 14.0,
            escape(contender.code),
            y + 2.0,
            fixed * scale,
            LEFT + fixed * scale + 5.0,
            y + 12.0,
            y + 16.0,
            systems * scale,
            LEFT + systems * scale + 5.0,
            y + 23.0,
        );
        y += ROW;
    }
    y
}

/// The time of a shield by how many are alive. Gives where it ends.
fn lines(body: &mut String, top: f64, times: &Times) -> f64 {
    const ALIVE: [(&str, &str); 4] = [
        ("1", "1"),
        ("1000", "1,000"),
        ("100000", "100,000"),
        ("1000000", "1,000,000"),
    ];
    const SERIES: [(&str, &str, &str); 2] = [
        ("tokio_spawn", "rival", "tokio::spawn(f).await"),
        ("shield", "ours", "f.shield(&tokio).await"),
    ];
    const HEIGHT: f64 = 120.0;
    const STEP: usize = 100;

    let points = SERIES.map(|(name, ..)| ALIVE.map(|(alive, _)| times.nanoseconds("one_of", name, alive)));
    let most = points.iter().flatten().copied().fold(1.0, f64::max) * 1.1;
    let x = |alive: &str| LEFT + alive.parse::<f64>().expect("a number").log10() / 6.0 * (WIDTH - LEFT - RIGHT);
    let y = |nanoseconds: f64| top + 20.0 + HEIGHT * (1.0 - nanoseconds / most);

    let _ = writeln!(
        body,
        "<text class=\"title\" x=\"12\" y=\"{top}\">Nanoseconds per operation, by how many are alive</text>",
    );
    for nanoseconds in (0..=most as usize).step_by(STEP) {
        let _ = writeln!(
            body,
            "<line class=\"axis\" x1=\"{LEFT}\" y1=\"{0:.1}\" x2=\"{1}\" y2=\"{0:.1}\"/>\n\
             <text class=\"small end\" x=\"{2}\" y=\"{3:.1}\">{nanoseconds}</text>",
            y(nanoseconds as f64),
            WIDTH - RIGHT,
            LEFT - 8.0,
            y(nanoseconds as f64) + 4.0,
        );
    }
    for (alive, heading) in ALIVE {
        let _ = writeln!(
            body,
            "<text class=\"small middle\" x=\"{:.1}\" y=\"{:.1}\">{heading}</text>",
            x(alive),
            y(0.0) + 16.0
        );
    }
    for (row, ((_, kind, code), values)) in SERIES.iter().zip(points).enumerate() {
        let points: Vec<_> = ALIVE
            .iter()
            .zip(values)
            .map(|((alive, _), value)| format!("{:.1},{:.1}", x(alive), y(value)))
            .collect();
        let legend = top + 40.0 + 20.0 * row as f64;
        let _ = writeln!(
            body,
            "<polyline class=\"{kind} line\" points=\"{}\"/>\n\
             <line class=\"{kind} line\" x1=\"12\" y1=\"{legend}\" x2=\"36\" y2=\"{legend}\"/>\n\
             <text class=\"code legend\" x=\"44\" y=\"{}\">{}</text>",
            points.join(" "),
            legend + 4.0,
            escape(code),
        );
    }
    y(0.0) + 30.0
}
