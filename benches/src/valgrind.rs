//! Instructions and allocations, counted by valgrind's callgrind, and bytes, by its dhat: both look at the binaries of any user
//! from outside.

use std::collections::HashMap;
use std::process::Command;

use crate::Result;
use crate::build::Program;

/// The number of operations, if a subject does not name one: a multiple of 61, because tokio looks after its drivers and its global
/// queue every 61 ticks, and whole periods divide evenly.
const OPERATIONS: usize = 61;

/// On how many heaps these are done in turn. What malloc and free do depends on what else has been on the heap, so one heap would be
/// one throw of the dice.
const HEAPS: usize = 32;

/// What an allocation and its end are counted as, instead of what happens inside malloc and free. It is what an allocator takes that
/// only pushes to free lists and pops from them.
const PER_ALLOCATION: u64 = 35;

const ALLOCATE: [&str; 5] = ["malloc", "calloc", "realloc", "posix_memalign", "aligned_alloc"];
const FREE: &str = "free";

/// The instructions with malloc, free and the like at a fixed cost, all of them as they are, and the allocations, per operation,
/// by callgrind.
pub(crate) fn instructions(program: &Program) -> Result<Vec<f64>> {
    // If their number is the question, most of what is on the heap is theirs.
    let (operations, heaps) = program
        .operations
        .map_or((OPERATIONS, HEAPS), |operations| (operations, 1));
    per_operation(operations, heaps, |operations| {
        let tool = ["--tool=callgrind", "--callgrind-out-file=/dev/stdout", "--dump-line=no"];
        profiled(&run(&tool, program, operations, heaps)?.stdout)
    })
}

/// The bytes that are on the heap at its peak, for each operation, by dhat.
pub(crate) fn bytes(program: &Program) -> Result<Vec<f64>> {
    per_operation(10 * OPERATIONS, 1, |operations| {
        let log = run(&["--tool=dhat", "--dhat-out-file=/dev/null"], program, operations, 1)?.stderr;
        // ==1234== At t-gmax: 1,736 bytes in 3 blocks
        let peak = log
            .split_once("At t-gmax: ")
            .and_then(|(_, rest)| rest.split_once(" bytes"));
        let (peak, _) = peak.ok_or("dhat has not printed a peak")?;
        Ok([peak.replace(',', "").parse()?])
    })
}

/// The difference between two runs of different length, so that what starting and ending cost is not in it.
fn per_operation<const N: usize>(
    operations: usize,
    heaps: usize,
    measure: impl Fn(usize) -> Result<[u64; N]>,
) -> Result<Vec<f64>> {
    let (short, long) = (measure(operations)?, measure(3 * operations)?);
    let difference = |(short, long): (&u64, &u64)| (*long as f64 - *short as f64) / (2 * operations * heaps) as f64;
    Ok(short.iter().zip(&long).map(difference).collect())
}

struct Output {
    stdout: String,
    stderr: String,
}

fn run(tool: &[&str], program: &Program, operations: usize, heaps: usize) -> Result<Output> {
    let output = Command::new("valgrind")
        .args(tool)
        .arg(&program.binary)
        .args([program.scenario, &operations.to_string(), &heaps.to_string()])
        .output()
        .map_err(|error| format!("valgrind cannot be run ({error}); `apt install valgrind`, or its like"))?;
    let stderr = String::from_utf8_lossy(&output.stderr).into_owned();
    if !output.status.success() {
        return Err(format!("{program:?} under valgrind ended with {}:\n{stderr}", output.status).into());
    }
    Ok(Output {
        stdout: String::from_utf8(output.stdout)?,
        stderr,
    })
}

/// Sums up a profile in callgrind's format: the instructions with malloc and the like at a fixed cost, all of
/// them as they are, and the allocations.
fn profiled(profile: &str) -> Result<[u64; 3]> {
    let mut names = HashMap::new();
    let (mut instructions, mut in_malloc, mut allocations) = (0, 0, 0);
    let (mut caller, mut callee) = ("", "");
    let mut lines = profile.lines();
    while let Some(line) = lines.next() {
        if let Some(name) = line.strip_prefix("fn=") {
            caller = named(&mut names, name);
        } else if let Some(name) = line.strip_prefix("cfn=") {
            callee = named(&mut names, name);
        } else if let Some(call) = line.strip_prefix("calls=") {
            // The next line is what the calls cost in all. A call from one of these functions to another is in it already.
            let cost: u64 = last(lines.next().unwrap_or_default())?;
            let (outer, inner) = (ALLOCATE.contains(&caller) || caller == FREE, ALLOCATE.contains(&callee));
            if !outer && (inner || callee == FREE) {
                in_malloc += cost;
            }
            if !outer && inner {
                allocations += call.split(' ').next().unwrap_or_default().parse::<u64>()?;
            }
        } else if let Some(total) = line.strip_prefix("totals: ") {
            instructions = last(total)?;
        }
    }
    let fixed = instructions - in_malloc + allocations * PER_ALLOCATION;
    Ok([fixed, instructions, allocations])
}

/// `(12) name` names a function, and `(12)` is the same one from then on.
fn named<'a>(names: &mut HashMap<&'a str, &'a str>, text: &'a str) -> &'a str {
    match text.split_once(' ') {
        Some((number, name)) => {
            names.insert(number, name);
            name
        }
        None => names.get(text).copied().unwrap_or_default(),
    }
}

fn last(line: &str) -> Result<u64> {
    Ok(line
        .rsplit(' ')
        .find(|word| !word.is_empty())
        .unwrap_or_default()
        .parse()?)
}
