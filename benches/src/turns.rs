//! Times, measured alternately.
//!
//! The ratio of two times that are measured one after the other is also that of what the machine did in between. So both contenders
//! are processes that wait to be asked, and are asked alternately, for some milliseconds each; the ratio is taken in each round, and
//! the result is the median of the rounds. Processes differ by more than rounds, because memory is laid out by chance: so each pair
//! is started several times.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use crate::Result;
use crate::build::Program;

const PROCESSES: usize = 5;
const ROUNDS: usize = 16;
/// How long a turn takes, in nanoseconds, about.
const TURN: f64 = 8e6;
/// How long one takes that is discarded if the system has run something else meanwhile.
const UNDISTURBED: f64 = 2e6;

/// Nanoseconds per operation of both, and the quartiles of their ratio.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turns {
    pub(crate) first: f64,
    pub(crate) second: f64,
    pub(crate) ratio: [f64; 3],
}

/// Measures a scenario of two programs. With `operations`, each turn is of so many; otherwise of as many as take a while.
pub(crate) fn measure(first: &Program, second: &Program) -> Result<Turns> {
    let (mut firsts, mut seconds, mut ratios) = (Vec::new(), Vec::new(), Vec::new());
    // A million operations take a while.
    let (processes, rounds) = if first.operations.is_some() {
        (3, 1)
    } else {
        (PROCESSES, ROUNDS)
    };
    for process in 0..processes {
        let (mut first, mut second) = (Contender::start(first)?, Contender::start(second)?);
        for round in 0..rounds {
            // Neither is always the first of a round.
            let (a, b) = if (process + round) % 2 == 0 {
                let a = first.turn()?;
                (a, second.turn()?)
            } else {
                let b = second.turn()?;
                (first.turn()?, b)
            };
            firsts.push(a);
            seconds.push(b);
            ratios.push(a / b);
        }
    }
    Ok(Turns {
        first: quartiles(firsts)[1],
        second: quartiles(seconds)[1],
        ratio: quartiles(ratios),
    })
}

fn quartiles(mut figures: Vec<f64>) -> [f64; 3] {
    figures.sort_by(f64::total_cmp);
    [1, 2, 3].map(|quarter| figures[figures.len() * quarter / 4])
}

/// A process that runs a scenario each time it reads a number of operations.
struct Contender {
    process: Child,
    asks: ChildStdin,
    answers: BufReader<ChildStdout>,
    operations: usize,
    length: f64,
}

impl Contender {
    fn start(program: &Program) -> Result<Self> {
        let mut process = Command::new(&program.binary)
            .arg(program.scenario)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let asks = process.stdin.take().expect("it is piped");
        let answers = BufReader::new(process.stdout.take().expect("it is piped"));
        let mut this = Self {
            process,
            asks,
            answers,
            operations: program.operations.unwrap_or(64),
            length: if program.scenario == "workers" {
                UNDISTURBED
            } else {
                TURN
            },
        };
        if program.operations.is_none() {
            // To warm up, and to learn how many operations make a turn.
            for _ in 0..3 {
                let each = this.turn()?;
                this.operations = ((this.length / each) as usize).clamp(16, 1_000_000);
            }
        }
        Ok(this)
    }

    /// Nanoseconds per operation.
    fn turn(&mut self) -> Result<f64> {
        for _ in 0..1_000 {
            writeln!(self.asks, "{}", self.operations)?;
            let mut answer = String::new();
            self.answers.read_line(&mut answer)?;
            match answer.trim() {
                "invalid" => {}
                "" => return Err("a contender has ended before its time".into()),
                nanoseconds => return Ok(nanoseconds.parse::<f64>()? / self.operations as f64),
            }
        }
        Err("none of 1,000 runs of a contender is valid: is the machine busy?".into())
    }
}

impl Drop for Contender {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
