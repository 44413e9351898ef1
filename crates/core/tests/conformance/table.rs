//! What was checked, as a table.

use std::collections::BTreeMap;
use std::fmt;

use crate::claim::Claim;

/// An exchange that went through.
pub struct Line {
    pub provider: String,
    pub claim: Claim,
    pub asked: Asked,
}

/// What became of a request.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// It goes through the neutral form and comes out with the same meaning.
    Same,
    /// It cannot be said in another protocol, and the refusal says why.
    Refused,
    /// Only the answer was recorded, or there was no body.
    Unknown,
    /// No dialect reads it.
    Foreign,
}

/// All that went through.
pub struct Table(Vec<Line>);

impl FromIterator<Line> for Table {
    fn from_iter<I: IntoIterator<Item = Line>>(lines: I) -> Self {
        Self(lines.into_iter().collect())
    }
}

const KINDS: [&str; 7] =
    ["answers", "streams", "errors", "embeddings", "model lists", "token counts", "other protocols"];
const ASKED: [(&str, Asked); 4] = [
    ("kept", Asked::Same),
    ("refused", Asked::Refused),
    ("not recorded", Asked::Unknown),
    ("foreign", Asked::Foreign),
];

impl Table {
    pub fn count(&self) -> usize {
        self.0.len()
    }

    /// A row of counts for each provider, and one for all of them.
    fn rows(&self) -> Vec<(String, Vec<usize>)> {
        let mut providers = BTreeMap::<&str, Vec<&Line>>::new();
        for line in &self.0 {
            providers.entry(&line.provider).or_default().push(line);
        }
        let all = ("all", self.0.iter().collect());
        let rows = providers.into_iter().chain([all]);
        rows.map(|(provider, lines)| (provider.to_owned(), counts(&lines))).collect()
    }
}

fn counts(lines: &[&Line]) -> Vec<usize> {
    let of = |is: &dyn Fn(&Line) -> bool| lines.iter().filter(|line| is(line)).count();
    let kinds = KINDS.iter().map(|kind| of(&|line| line.claim.title() == *kind));
    let asked = ASKED.iter().map(|(_, asked)| of(&|line| line.asked == *asked));
    kinds.chain([lines.len()]).chain(asked).collect()
}

/// As Markdown, which also reads well as text.
impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let asked = ASKED.iter().map(|(title, _)| format!("request {title}"));
        let titles: Vec<String> =
            KINDS.iter().map(|kind| (*kind).to_owned()).chain(["all".to_owned()]).chain(asked).collect();
        writeln!(f, "| provider | {} |", titles.join(" | "))?;
        writeln!(f, "|---|{}", "--:|".repeat(titles.len()))?;
        for (provider, counts) in self.rows() {
            let counts =
                counts.iter().map(|count| if *count == 0 { String::new() } else { count.to_string() });
            writeln!(f, "| {provider} | {} |", counts.collect::<Vec<_>>().join(" | "))?;
        }
        Ok(())
    }
}
