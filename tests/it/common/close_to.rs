//! Whether two JSON values say the same, but for what another machine or moment changes.

use serde_json::Value;

/// Keys whose values tell of one run on one machine only.
const OF_ONE_RUN: [&str; 3] = ["timing_ms", "store_bytes", "snapshot_age"];
/// Keys that came later: what was printed before has none of them.
const ADDED: [&str; 5] = ["paths", "explanation", "hosts", "keep", "unconverted"];
/// How much floats may differ, of the greater: another processor adds up in another order.
const RELATIVE: f64 = 1e-4;
/// Floats this near to each other are one: what is left of differences of larger ones.
const ABSOLUTE: f64 = 1e-6;

/// Where two values differ, by the path to the place, and how; empty if they say the same.
pub fn differences(found: &Value, expected: &Value) -> Vec<String> {
    let mut all = Vec::new();
    compare("", found, expected, &mut all);
    all
}

fn compare(place: &str, found: &Value, expected: &Value, all: &mut Vec<String>) {
    match (found, expected) {
        (Value::Object(a), Value::Object(b)) => {
            let is_old = |key: &&String| b.contains_key(*key) || !ADDED.contains(&key.as_str());
            if !a.keys().filter(is_old).eq(b.keys()) {
                let [a, b] = [a, b].map(|object| object.keys().collect::<Vec<_>>());
                all.push(format!("{place}: keys {a:?} for {b:?}"));
                return;
            }
            for (key, b) in b {
                let a = &a[key];
                if !OF_ONE_RUN.contains(&key.as_str()) {
                    compare(&format!("{place}/{key}"), a, b, all);
                }
            }
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            for (i, (a, b)) in a.iter().zip(b).enumerate() {
                compare(&format!("{place}/{i}"), a, b, all);
            }
        }
        (Value::Number(a), Value::Number(b)) if a.is_f64() && b.is_f64() => {
            let [a, b] = [a, b].map(|number| number.as_f64().unwrap());
            if (a - b).abs() > ABSOLUTE.max(RELATIVE * a.abs().max(b.abs())) {
                all.push(format!("{place}: {a} for {b}"));
            }
        }
        _ if found == expected => {}
        _ => all.push(format!("{place}: {found} for {expected}")),
    }
}

#[test]
fn only_floats_may_differ_and_only_a_little() {
    let differ = |a, b| !differences(&a, &b).is_empty();
    use serde_json::json;
    assert!(!differ(
        json!({"a": [1.0, "x"]}),
        json!({"a": [1.000_05, "x"]})
    ));
    assert!(differ(json!({"a": [1.0, "x"]}), json!({"a": [1.001, "x"]})));
    assert!(differ(json!({"a": [1.0, "x"]}), json!({"a": [1.0, "y"]})));
    assert!(differ(json!({"a": 10_000}), json!({"a": 10_001})));
    assert!(differ(json!([1]), json!([1, 2])));
    assert!(differ(json!({"a": 1}), json!({"b": 1})));
    assert!(!differ(json!({"a": 1, "paths": []}), json!({"a": 1})));
    assert!(differ(json!({"a": 1}), json!({"a": 1, "paths": []})));
    assert!(differ(json!({"a": null}), json!({"a": 0.0})));
    assert!(!differ(json!({"timing_ms": 1}), json!({"timing_ms": null})));
}
