//! The scenario `pipelines/generated`, with fewer rows: what it publishes is what the generator makes without dirt.

use serde_json::{Value, json};
use wasmill_tests::root;
use wasmill_tests::workspace::{Workspace, step};

const FILE: &str = "pipelines/generated/pipeline.toml";

/// Compares what was published with the same orders as they came, and as they are without dirt.
const COMPARISON: &str = "
select
    (select count(*) from dirty where dirt like '%null%' or dirt like '%bad_date%') as spoilt,
    (select count(distinct order_id) from dirty
        where dirt is null or not (dirt like '%null%' or dirt like '%bad_date%')) as usable,
    (select count(*) from published) as published,
    (select count(*) from published p join truth t on t.order_id = p.order_id
        where p.customer_id = t.customer_id and p.product_id = t.product_id and p.quantity = t.quantity
            and p.unit_price = t.unit_price and p.ordered_at = t.ordered_at
            and p.country = t.country and p.channel = t.channel) as as_without_dirt
";

/// A source of the scenario's generator, with more keys in its config.
fn generator(config: &toml::Table, name: &str, more: &[(&str, toml::Value)]) -> String {
    let mut config = config.clone();
    config.extend(more.iter().map(|(key, value)| ((*key).to_owned(), value.clone())));
    let config = toml::Value::Table(config);
    format!("[sources.{name}]\nplugin = \"generator\"\nconfig = {config}\n")
}

#[test]
fn orders_are_published_as_they_were_before_the_dirt() {
    let text = std::fs::read_to_string(root().join(FILE)).unwrap();
    let smaller = text.replace("rows = 10_000_000", "rows = 20_000");
    assert_ne!(smaller, text);
    let plugins = root().join("dist/plugins").display().to_string();
    let workspace = Workspace::new();
    workspace.write("pipeline.toml", smaller.replace("../../dist/plugins", &plugins));
    let events = workspace.run();
    let clean = step(&events, "clean");

    let file: toml::Table = smaller.parse().unwrap();
    let config = file["sources"]["orders"]["config"].as_table().unwrap();
    let no_dirt = [("dirt", toml::Table::new().into()), ("typed", true.into())];
    workspace.pipeline(&format!(
        "{}{}[sources.published]\ntype = \"parquet\"\npath = \"out/orders/*.parquet\"\n\
         [transforms.comparison]\ntype = \"sql\"\ninputs = [\"dirty\", \"truth\", \"published\"]\n\
         query = \"\"\"{COMPARISON}\"\"\"\n\
         [sinks.compared]\ntype = \"jsonl\"\ninputs = [\"comparison\"]\npath = \"compared\"\n",
        generator(config, "dirty", &[]),
        generator(config, "truth", &no_dirt),
    ));
    workspace.run();
    let compared: Value = serde_json::from_str(&workspace.published("compared")).unwrap();
    let (spoilt, usable) =
        (compared["spoilt"].as_u64().unwrap(), compared["usable"].as_u64().unwrap());
    assert!(spoilt > 300 && usable < 20_000 - spoilt, "there is dirt: {compared}");
    assert_eq!(
        compared,
        json!({ "spoilt": spoilt, "usable": usable, "published": usable, "as_without_dirt": usable })
    );
    assert_eq!(
        (&clean["quarantined"], &clean["dropped"]),
        (&spoilt.into(), &(20_000 - spoilt - usable).into())
    );
}
