//! The scenario `pipelines/customers`, run by the binary: `expected.py`, which knows nothing of Wasmill, judges who was taken for one person by
//! the ground truth, and makes every golden record anew.

use wasmill_tests::scenario::Scenario;

const DATABASE: &str = "out/customers.db";

#[tokio::test]
async fn persons_are_found_and_what_is_made_of_them_is_there_once() {
    let scenario = Scenario::copy_of("customers");
    scenario.succeeds("pipeline.toml", "first.jsonl");
    let judged = scenario.judged("first.jsonl");
    assert!(judged.to_string().contains("\"f1\""), "{judged}");
    let (customers, records) = (
        scenario.table(DATABASE, "customers").await,
        scenario.table(DATABASE, "customer_records").await,
    );
    assert!(
        customers.len() > 900 && records.len() > 1_800,
        "{} of {}",
        customers.len(),
        records.len()
    );

    // Another run merges into what is there: nobody comes twice, and nothing changes.
    scenario.succeeds("pipeline.toml", "second.jsonl");
    scenario.judged("second.jsonl");
    assert_eq!(scenario.table(DATABASE, "customers").await, customers);
    assert_eq!(scenario.table(DATABASE, "customer_records").await, records);
}
