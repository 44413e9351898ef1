//! Tool calls as they arrive: whole ones in an answer, pieces of them in a stream.

use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::{signature, text};
use crate::chat::{Delta, ToolCall};
use crate::code::Code;
use crate::dialect::Failure;
use crate::dialect::wire::{Kept, MOST_CALLS, endless};

#[derive(Deserialize)]
struct WireCall<'a> {
    index: Option<u32>,
    id: Option<String>,
    #[serde(borrow)]
    function: Option<WireFunction<'a>>,
    #[serde(borrow)]
    extra_content: Option<&'a RawValue>,
}

#[derive(Default, Deserialize)]
struct WireFunction<'a> {
    name: Option<String>,
    #[serde(borrow)]
    arguments: Option<&'a RawValue>,
}

impl WireFunction<'_> {
    /// JSON in a string; some servers leave the string out.
    fn arguments(&self) -> String {
        let raw = || self.arguments.map(|raw| raw.get().to_owned());
        text(self.arguments).or_else(raw).unwrap_or_default()
    }
}

fn read(raw: Option<&RawValue>) -> Result<Vec<WireCall<'_>>, Failure> {
    let calls = raw.map_or(Ok(None), |raw| serde_json::from_str::<Option<Vec<WireCall>>>(raw.get()));
    calls.map(Option::unwrap_or_default).map_err(|error| {
        Failure::new(Code::MalformedAnswer, format!("The tool calls of the answer cannot be read: {error}."))
    })
}

/// The calls of a whole answer. Gemini's OpenAI form leaves the id empty: one is made from that of the answer.
pub(super) fn whole(raw: Option<&RawValue>, answer: Option<&str>) -> Result<Vec<ToolCall>, Failure> {
    let calls = read(raw)?.into_iter().enumerate();
    Ok(calls
        .map(|(at, call)| {
            let function = call.function.unwrap_or_default();
            ToolCall {
                id: given_or_made(call.id, answer, at),
                arguments: function.arguments(),
                name: function.name.unwrap_or_default(),
                signature: signature(call.extra_content),
            }
        })
        .collect())
}

fn given_or_made(id: Option<String>, answer: Option<&str>, at: usize) -> String {
    id.filter(|id| !id.is_empty()).unwrap_or_else(|| format!("call_{}_{at}", answer.unwrap_or_default()))
}

/// The calls of a stream so far.
#[derive(Debug, Default)]
pub(super) struct Calls {
    /// The provider's index and id of each.
    known: Vec<(Option<u32>, String)>,
    kept: Kept,
}

impl Calls {
    /// Takes the pieces of one chunk.
    pub(super) fn pieces(
        &mut self,
        raw: Option<&RawValue>,
        answer: Option<&str>,
        into: &mut Vec<Delta>,
    ) -> Result<(), Failure> {
        for piece in read(raw)? {
            self.piece(piece, answer, into)?;
        }
        Ok(())
    }

    fn piece(
        &mut self,
        mut piece: WireCall<'_>,
        answer: Option<&str>,
        into: &mut Vec<Delta>,
    ) -> Result<(), Failure> {
        let function = piece.function.take().unwrap_or_default();
        let text = function.arguments();
        let at = match self.continued(piece.index, piece.id.as_deref()) {
            Some(at) => at,
            None => self.begin(piece, function.name, answer, into)?,
        };
        if !text.is_empty() {
            into.push(Delta::Arguments { index: index(at), text });
        }
        Ok(())
    }

    fn begin(
        &mut self,
        piece: WireCall<'_>,
        name: Option<String>,
        answer: Option<&str>,
        into: &mut Vec<Delta>,
    ) -> Result<usize, Failure> {
        let at = self.known.len();
        let call = ToolCall {
            id: given_or_made(piece.id, answer, at),
            name: name.unwrap_or_default(),
            arguments: String::new(),
            signature: signature(piece.extra_content),
        };
        self.kept.add(call.id.len())?;
        if at == MOST_CALLS {
            return Err(endless());
        }
        self.known.push((piece.index, call.id.clone()));
        into.push(Delta::ToolCall { index: index(at), call });
        Ok(at)
    }

    /// Which known call a piece goes on with: the last of its index, unless it has another id (servers that leave the
    /// index out, or at 0, tell calls apart by it).
    fn continued(&self, index: Option<u32>, id: Option<&str>) -> Option<usize> {
        let at = match index {
            Some(_) => self.known.iter().rposition(|(known, _)| *known == index)?,
            None => self.known.len().checked_sub(1)?,
        };
        let is_other = id.is_some_and(|id| !id.is_empty() && id != self.known[at].1);
        (!is_other).then_some(at)
    }
}

fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deltas(chunks: &[&str]) -> Vec<(u32, String)> {
        let mut calls = Calls::default();
        let mut deltas = Vec::new();
        for chunk in chunks {
            let raw: &RawValue = serde_json::from_str(chunk).expect("JSON");
            calls.pieces(Some(raw), Some("a1"), &mut deltas).expect("pieces");
        }
        let told = |delta: Delta| match delta {
            Delta::ToolCall { index, call } => (index, format!("{} {}", call.id, call.name)),
            Delta::Arguments { index, text } => (index, text),
            other => panic!("{other:?}"),
        };
        deltas.into_iter().map(told).collect()
    }

    #[test]
    fn pieces_find_their_call_with_and_without_index_and_id() {
        type Case<'a> = (&'a [&'a str], &'a [(u32, &'a str)]);
        let cases: [Case; 4] = [
            (
                &[
                    r#"[{"index":0,"id":"c1","function":{"name":"f","arguments":""}}]"#,
                    r#"[{"index":0,"function":{"arguments":"{"}},{"index":1,"id":"c2","function":{"name":"g"}}]"#,
                    r#"[{"index":0,"function":{"arguments":"}"}}]"#,
                ],
                &[(0, "c1 f"), (0, "{"), (1, "c2 g"), (0, "}")],
            ),
            (
                &[
                    r#"[{"index":0,"id":"c1","function":{"name":"f","arguments":"{}"}}]"#,
                    r#"[{"index":0,"id":"c2","function":{"name":"g","arguments":"{}"}}]"#,
                ],
                &[(0, "c1 f"), (0, "{}"), (1, "c2 g"), (1, "{}")],
            ),
            (
                &[
                    r#"[{"id":"c1","function":{"name":"f"}}]"#,
                    r#"[{"id":"c1","function":{"arguments":"{}"}}]"#,
                ],
                &[(0, "c1 f"), (0, "{}")],
            ),
            (
                &[r#"[{"index":0,"id":"","function":{"name":"f","arguments":{"a":1}}}]"#],
                &[(0, "call_a1_0 f"), (0, r#"{"a":1}"#)],
            ),
        ];
        for (chunks, expected) in cases {
            let expected: Vec<_> = expected.iter().map(|(at, text)| (*at, (*text).to_owned())).collect();
            assert_eq!(deltas(chunks), expected);
        }
    }

    #[test]
    fn no_calls_come_as_null_or_as_an_empty_list() {
        for json in ["null", "[]"] {
            let raw: &RawValue = serde_json::from_str(json).expect("JSON");
            assert_eq!(whole(Some(raw), None).expect("calls"), []);
        }
        assert_eq!(whole(None, None).expect("calls"), []);
        let raw: &RawValue = serde_json::from_str("7").expect("JSON");
        assert_eq!(whole(Some(raw), None).expect_err("no calls").code, Code::MalformedAnswer);
    }
}
