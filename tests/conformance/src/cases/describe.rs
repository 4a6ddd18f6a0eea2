//! What plugins say of themselves: names, versions, and schemas of their configurations.

use serde_json::{Value, json};
use wasmill_sandbox::Descriptor;
use wasmill_sandbox::fault::Fault;

use crate::expect::{Outcome, equal, faulted, holds};
use crate::plugins::Plugins;
use crate::server::Server;
use crate::{Cases, tables};

pub async fn run(plugins: &Plugins, cases: &mut Cases<'_>) {
    let server = Server::answering(200, &[], "");
    cases
        .run("describe/transformer", async {
            let said = said(
                "transformer",
                plugins.transformer(json!({"case": "keep"}))?.describe().await,
            )?;
            required(&said, &["case"])?;
            let properties = &said.config_schema["properties"];
            for key in ["case", "way", "by", "at", "kind", "what", "connection", "options"] {
                holds(properties[key].is_object(), || {
                    format!("the schema has no `{key}`: {}", said.config_schema)
                })?;
            }
            Ok(())
        })
        .await;
    cases
        .run("describe/validator", async {
            let said =
                said("validator", plugins.validator(json!({"column": "x"}))?.describe().await)?;
            required(&said, &["column"])
        })
        .await;
    cases
        .run("describe/extractor", async {
            required(&said("extractor", plugins.extractor(json!({}))?.describe().await)?, &[])
        })
        .await;
    cases
        .run("describe/loader", async {
            required(&said("loader", plugins.loader(json!({}), &server)?.describe().await)?, &[])
        })
        .await;
    cases
        .run("describe/notifier", async {
            required(
                &said("notifier", plugins.notifier(json!({}), &server)?.describe().await)?,
                &[],
            )
        })
        .await;
    // The host refuses it by the schema before a plugin sees it; a plugin that sees it refuses it too, or does without.
    cases.run("config/defaults", async {
        for (given, text, list) in [(json!({}), "standard", json!([1, 2])), (json!({"text": "other", "list": []}), "other", json!([]))] {
            let transformer = plugins.transformer(json!({"case": "defaults", "options": given}))?;
            let made = super::made(&transformer, &[tables::ids(2)]).await?;
            let column = made.batches[0].column_by_name("options").ok_or("no column `options`")?;
            let shown = arrow::util::display::array_value_to_string(column, 1).map_err(|error| error.to_string())?;
            let actual: Value = serde_json::from_str(&shown).map_err(|error| format!("{shown}: {error}"))?;
            let expected = json!({"text": text, "number": 7, "ratio": 0.5, "flag": true, "list": list, "nested": {"depth": 1}});
            holds(same(&actual, &expected), || format!("options: {actual}, where {expected} is expected"))?;
        }
        Ok(())
    }).await;
    cases
        .run("config/wrong-type", async {
            let transformer = plugins.transformer(json!({"case": 5}))?;
            holds(transformer.bind(tables::ids(1).schema()).await.is_err(), || {
                "a number was taken for a case".to_owned()
            })
        })
        .await;
}

/// Numbers are the same where their values are: some languages know only one type of them.
fn same(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => left.as_f64() == right.as_f64(),
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len()
                && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left
                    .iter()
                    .all(|(key, left)| right.get(key).is_some_and(|right| same(left, right)))
        }
        (left, right) => left == right,
    }
}

fn said(kind: &str, described: Result<Descriptor, Fault>) -> Result<Descriptor, String> {
    let descriptor = described.map_err(|fault| faulted(&fault))?;
    equal("name", descriptor.name.as_str(), &format!("conformance-{kind}"))?;
    equal("version", descriptor.version.as_str(), "0.1.0")?;
    holds(!descriptor.summary.is_empty(), || "there is no summary".to_owned())?;
    Ok(descriptor)
}

/// What the schema requires, and that it refuses what it does not know.
fn required(descriptor: &Descriptor, names: &[&str]) -> Outcome {
    let schema = &descriptor.config_schema;
    equal("type of the schema", &schema["type"], &json!("object"))?;
    equal("additionalProperties", &schema["additionalProperties"], &json!(false))?;
    let required: Vec<&str> =
        schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    equal("required", &required[..], names)
}
