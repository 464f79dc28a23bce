//! What the checks found, rule by rule.

use std::fmt;

use crate::rule::Rule;

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// The rule was kept.
    Kept,
    /// The rule was broken: what was expected, and what happened.
    Broken(String),
    /// The rule does not apply to this executor, and why.
    NotApplicable(&'static str),
}

/// The verdicts on one spawner.
#[derive(Clone, Debug)]
#[must_use = "a report that is not asserted cannot fail a test"]
pub struct Report {
    pub(crate) verdicts: Vec<(Rule, Verdict)>,
}

impl Report {
    /// Returns the rules that were broken.
    pub fn broken(&self) -> Vec<Rule> {
        self.rules(|verdict| matches!(verdict, Verdict::Broken(_)))
    }

    /// Returns the rules that do not apply.
    pub fn not_applicable(&self) -> Vec<Rule> {
        self.rules(|verdict| matches!(verdict, Verdict::NotApplicable(_)))
    }

    fn rules(&self, select: impl Fn(&Verdict) -> bool) -> Vec<Rule> {
        self.verdicts
            .iter()
            .filter(|(_, verdict)| select(verdict))
            .map(|(rule, _)| *rule)
            .collect()
    }

    /// Panics, with the report, if a rule was broken.
    #[track_caller]
    pub fn assert_kept(&self) {
        self.assert_broken(&[]);
    }

    /// Panics, with the report, unless exactly `not_applicable` do not apply and the others were kept.
    #[track_caller]
    pub fn assert_kept_but(&self, not_applicable: &[Rule]) {
        self.assert_kept();
        assert!(
            self.not_applicable() == not_applicable,
            "expected these rules not to apply: {not_applicable:?}\n{self}"
        );
    }

    /// Panics, with the report, unless exactly `expected` were broken.
    #[track_caller]
    pub fn assert_broken(&self, expected: &[Rule]) {
        assert!(
            self.broken() == expected,
            "expected these rules to be broken: {expected:?}\n{self}"
        );
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (rule, verdict) in &self.verdicts {
            match verdict {
                Verdict::Kept => writeln!(f, "kept: {rule}")?,
                Verdict::Broken(how) => writeln!(f, "BROKEN: {rule} ({rule:?}): {how}")?,
                Verdict::NotApplicable(why) => writeln!(f, "not applicable: {rule}: {why}")?,
            }
        }
        Ok(())
    }
}
