//! The figures as markdown.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use crate::measured::Measured;
use crate::rows::{Metric, Section, Target};
use crate::subject::on;

const HEAD: &str = "\
# futures-shield and its rivals, measured side by side

Written by `cargo run --release -p futures-shield-benches`. Ours are in bold.
";

const HOW: &str = "\
## How it is measured

- The binaries are those of any user: the release profile as it is by default (16 codegen units, no LTO), glibc's malloc, and one
  binary for each contender, under `contenders/src/bin`. For the stack, the debug profile.
- Everything runs on one thread (tokio's current-thread runtime, smol's executor, a queue for async-task), except on async-std, and
  in the section about two workers.
- Instructions and allocations are counted by callgrind, bytes by dhat, with n and with 3n operations; the difference is divided by
  2n. Instructions are not time: an atomic operation takes about 5 ns here, as long as 50 instructions.
- What happens inside malloc and free depends on what else has been on the heap: `tokio::spawn(f).await` takes from 2296 to 2747
  instructions on 60 heaps on which other blocks were allocated, and some freed, before. So an allocation counts as 35 instructions,
  but in the column \"with malloc\", which is the same comparison with glibc's: the mean over 32 such heaps, the same for both sides.
  Not their median, because most heaps are in one of a few states, some 300 instructions apart. With 32 other heaps, a ratio varies
  by some 2%. (Where a number is alive, it is one heap, because most of what is on it is theirs.)
- Counts repeat from run to run. Between compilers, and when unrelated code changes, they vary with what is inlined where: by up to
  4% here. One function of tokio, `ShardGuard::push`, makes 21 instructions, and is inlined in some of the binaries.
- Times are processor time, on all threads of the process and in the kernel, so that other load on the machine counts little. Both
  sides run alternately, in 16 rounds in each of 5 pairs of processes. The ratio is the median of the rounds' ratios; their quartiles
  are in brackets. Times vary with the machine; their ratios do so less.
- CI fails if a count misses its target, except in the rows that give a reason: there it fails some 2 to 5% above the figure that
  was measured. The numbers in the reasons are callgrind's, by function. One of these rows met its target in the first version
  (commit 50188b5), in which no tracker counted inline work: on drop against a box (10 more). CI measures no times. A full run fails
  if a time exceeds its target by a quarter.
";

/// What matters to a user, in words: contender, scenario, and what it is compared with.
const SUMMARY: [(&str, &str, &str, &str); 5] = [
    ("Shield a future as a task of its own", "shield", "tokio_spawn", "ready"),
    ("The same, through a tracker", "shield_tracker", "shield", "ready"),
    (
        "Shield a future that is spawned only if its caller is dropped",
        "shield_on_drop",
        "box_pin",
        "ready",
    ),
    (
        "Its caller is dropped, and it continues",
        "shield_on_drop",
        "tokio_cancel_guard",
        "partway",
    ),
    ("Shield a future of 20 KiB", "shield", "tokio_spawn", "20KiB"),
];

/// The five rows that README shows.
fn summary(rows: &[&Measured]) -> String {
    let mut table = String::from("| | takes | | against |\n|---|--:|--:|---|\n");
    for (what, first, second, scenario) in SUMMARY {
        let (first, second) = (on(first, scenario), on(second, scenario));
        let wanted = |metric| metric == Metric::Instructions || metric == Metric::Time;
        let found = rows.iter().find(|measured| {
            let row = &measured.row;
            row.first == first && row.second == second && wanted(row.metric)
        });
        let Some(measured) = found else { continue };
        let unit = if measured.quartiles.is_some() {
            "ns"
        } else {
            "instructions"
        };
        let _ = writeln!(
            table,
            "| {what}: {first} | {:.0} {unit} | {:.2} | {second}, {:.0} |",
            measured.first,
            measured
                .quartiles
                .map_or(measured.first / measured.second, |[_, median, _]| median),
            measured.second,
        );
    }
    table
}

/// The whole of RESULTS.md.
pub(crate) fn results(sections: &[(Section, Vec<Measured>)]) -> String {
    let rows: Vec<_> = sections.iter().flat_map(|(_, rows)| rows).collect();
    let (machine, summary) = (machine(), summary(&rows));
    let mut text = format!("{HEAD}\n{machine}\n{summary}\n![what the contenders cost](results.svg)\n\n{HOW}");
    for (section, rows) in sections {
        let _ = write!(text, "\n## {}\n\n{}\n\n{}", section.title, section.about, table(rows));
    }
    text
}

fn machine() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(
        |_| "an unknown rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let model = model.map_or("an unknown processor", |(_, model)| model);
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!("On {cores} cores of {model}, {rustc}.\n")
}

pub(crate) fn table(rows: &[Measured]) -> String {
    let any_malloc = rows.iter().any(|measured| measured.with_malloc.is_some());
    let (title, line) = if any_malloc {
        (" with malloc |", "--:|")
    } else {
        ("", "")
    };
    let mut table =
        format!("| | against | of | | | | target | met |{title}\n|---|---|---|--:|--:|--:|---|---|{line}\n");
    for measured in rows {
        let row = &measured.row;
        let figure = match measured.quartiles {
            Some([lower, median, upper]) => format!("{median:.2} ({lower:.2} to {upper:.2})"),
            None => row.target.written(measured.figure()),
        };
        let target = match row.target {
            Target::Ratio(bound) => format!("at most {bound:.2}"),
            Target::More(bound) => format!("at most {bound:.0} more"),
            Target::Least(bound) => format!("at least {bound:.0}"),
            Target::None => String::new(),
        };
        let met = match (row.target, row.accepted) {
            (Target::None, _) => "",
            _ if measured.is_met() => "yes",
            (_, Some((_, reason))) => &format!("**no**: {reason}"),
            _ => "**no**",
        };
        let with_malloc = match measured.with_malloc {
            Some(figure) => format!(" {} |", row.target.written(figure)),
            None if any_malloc => " |".to_owned(),
            None => String::new(),
        };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {:.0} | {:.0} | {figure} | {target} | {met} |{with_malloc}",
            row.first,
            row.second,
            unit(row.metric, row.second.scenario),
            measured.first,
            measured.second,
        );
    }
    table
}

fn unit(metric: Metric, scenario: &str) -> &'static str {
    match (metric, scenario) {
        (Metric::Instructions, "partway") => "instructions, dropped partway",
        (Metric::Instructions, _) => "instructions",
        (Metric::InstructionsWithMalloc, _) => "instructions, with malloc",
        (Metric::Allocations, "partway") => "allocations, dropped partway",
        (Metric::Allocations, _) => "allocations",
        (Metric::Bytes, _) => "bytes",
        (Metric::Stack, _) => "KiB",
        (Metric::Time, _) => "ns",
    }
}

impl Target {
    fn written(self, figure: f64) -> String {
        match self {
            Self::Ratio(_) | Self::None => format!("{figure:.3}"),
            Self::More(_) => format!("{figure:+.0}"),
            Self::Least(_) => format!("{figure:.0}"),
        }
    }
}
