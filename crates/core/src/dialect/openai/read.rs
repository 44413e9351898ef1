//! Reading a caller's JSON so that a refusal names the field.

use serde_json::Value;

use crate::code::Code;
use crate::dialect::Failure;

static ABSENT: Value = Value::Null;

/// Fields that keep the books of a caller or its provider and do not change an answer.
const BOOKKEEPING: [&str; 10] = [
    "metadata",
    "prompt_cache_key",
    "prompt_cache_retention",
    "safety_identifier",
    "service_tier",
    "store",
    "stream",
    "stream_options",
    "user",
    "background",
];

/// A value, and the way to it. `null` is the same as nothing.
#[derive(Debug)]
pub(in crate::dialect) struct Field<'a> {
    value: &'a Value,
    path: String,
}

/// The body of a request, as JSON.
pub(in crate::dialect) fn body(bytes: &[u8]) -> Result<Value, Failure> {
    let value: Value = serde_json::from_slice(bytes)
        .map_err(|error| bad(format!("The body is no JSON object: {error}.")))?;
    if value.is_object() { Ok(value) } else { Err(bad("The body is no JSON object.".into())) }
}

/// The fields of a request that neither `spoken` nor bookkeeping covers: by name, in the order of the alphabet.
pub(in crate::dialect) fn unspoken(bytes: &[u8], spoken: &[&str]) -> Vec<String> {
    let is_known = |name: &str| spoken.contains(&name) || BOOKKEEPING.contains(&name);
    let Ok(Value::Object(fields)) = body(bytes) else {
        return Vec::new();
    };
    let unknown = fields.into_iter().filter(|(name, value)| !value.is_null() && !is_known(name));
    let mut names: Vec<String> = unknown.map(|(name, _)| name).collect();
    names.sort();
    names
}

impl<'a> Field<'a> {
    pub(in crate::dialect) fn root(value: &'a Value) -> Self {
        Self { value, path: String::new() }
    }

    pub(in crate::dialect) fn get(&self, name: &str) -> Self {
        let path = if self.path.is_empty() { name.to_owned() } else { format!("{}.{name}", self.path) };
        Self { value: self.value.get(name).unwrap_or(&ABSENT), path }
    }

    /// Itself once more.
    pub(in crate::dialect) fn same(&self) -> Self {
        Self { value: self.value, path: self.path.clone() }
    }

    pub(in crate::dialect) fn value(&self) -> &'a Value {
        self.value
    }

    pub(in crate::dialect) fn is_absent(&self) -> bool {
        self.value.is_null()
    }

    /// The members of a list; none where it is absent.
    pub(in crate::dialect) fn items(&self) -> Result<Vec<Self>, Failure> {
        let list = match self.value {
            Value::Null => return Ok(Vec::new()),
            Value::Array(list) => list,
            _ => return Err(self.must("be a list")),
        };
        let item = |(at, value)| Self { value, path: format!("{}[{at}]", self.path) };
        Ok(list.iter().enumerate().map(item).collect())
    }

    /// Itself, where it is an object; nothing where it is absent.
    pub(in crate::dialect) fn object(self) -> Result<Option<Self>, Failure> {
        match self.value {
            Value::Null => Ok(None),
            Value::Object(_) => Ok(Some(self)),
            _ => Err(self.must("be an object")),
        }
    }

    pub(in crate::dialect) fn text(&self) -> Result<Option<&'a str>, Failure> {
        self.typed(Value::as_str, "be a string")
    }

    pub(in crate::dialect) fn required_text(&self) -> Result<&'a str, Failure> {
        self.text()?.ok_or_else(|| self.is_missing())
    }

    pub(in crate::dialect) fn number(&self) -> Result<Option<f64>, Failure> {
        self.typed(Value::as_f64, "be a number")
    }

    pub(in crate::dialect) fn integer(&self) -> Result<Option<i64>, Failure> {
        self.typed(Value::as_i64, "be a whole number")
    }

    /// An upper limit of tokens.
    pub(in crate::dialect) fn limit(&self) -> Result<Option<u32>, Failure> {
        let limit = |value: &Value| value.as_u64().and_then(|n| u32::try_from(n).ok()).filter(|n| *n > 0);
        self.typed(limit, "be a whole number above 0")
    }

    pub(in crate::dialect) fn flag(&self) -> Result<Option<bool>, Failure> {
        self.typed(Value::as_bool, "be a boolean")
    }

    fn typed<T>(&self, read: impl Fn(&'a Value) -> Option<T>, must: &str) -> Result<Option<T>, Failure> {
        match self.value {
            Value::Null => Ok(None),
            value => read(value).map(Some).ok_or_else(|| self.must(must)),
        }
    }

    pub(in crate::dialect) fn must(&self, what: &str) -> Failure {
        bad(format!("The field `{}` must {what}.", self.path))
    }

    pub(in crate::dialect) fn is_missing(&self) -> Failure {
        bad(format!("The field `{}` is missing.", self.path))
    }

    /// What is understood, but cannot be said to providers of other protocols.
    pub(in crate::dialect) fn cannot(&self, what: &str) -> Failure {
        bad(format!(
            "The field `{}` {what}, which cannot be translated for this model's provider.",
            self.path
        ))
    }
}

fn bad(why: String) -> Failure {
    Failure { status: Some(400), ..Failure::new(Code::BadRequest, why) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_the_field_by_its_path() {
        let value = json!({ "a": [{ "b": 7 }], "limit": 0, "seed": 1.5, "on": "yes", "o": [] });
        let root = Field::root(&value);
        let item = &root.get("a").items().expect("a list")[0];
        let failures = [
            (item.get("b").text().expect_err("a number"), "`a[0].b` must be a string"),
            (item.get("c").required_text().expect_err("nothing"), "`a[0].c` is missing"),
            (item.get("b").items().expect_err("a number"), "`a[0].b` must be a list"),
            (root.get("limit").limit().expect_err("0"), "`limit` must be a whole number above 0"),
            (root.get("seed").integer().expect_err("1.5"), "`seed` must be a whole number"),
            (root.get("on").flag().expect_err("text"), "`on` must be a boolean"),
            (root.get("on").number().expect_err("text"), "`on` must be a number"),
            (root.get("o").object().expect_err("a list"), "`o` must be an object"),
        ];
        for (failure, words) in failures {
            assert_eq!((failure.code, failure.status), (Code::BadRequest, Some(400)));
            assert!(failure.message.contains(words), "{}", failure.message);
        }
        assert!(root.get("nothing").get("below").is_absent());
    }

    #[test]
    fn fields_without_a_word_for_them_are_named() {
        let body = br#"{"model":"m","logit_bias":{},"logprobs":null,"user":"u","audio":{}}"#;
        assert_eq!(unspoken(body, &["model"]), ["audio", "logit_bias"]);
    }
}
