//! The kernels, each a function over values: arrow-udf makes the loop over the rows.

use arrow_udf::function;

#[function("gcd(int, int) -> int")]
fn gcd(mut a: i32, mut b: i32) -> i32 {
    while b != 0 {
        (a, b) = (b, a % b);
    }
    a
}

#[function("add_one(bigint) -> bigint")]
fn add_one(value: i64) -> i64 {
    value.wrapping_add(1)
}

#[function("strings(varchar) -> varchar")]
fn strings(text: &str) -> Option<&str> {
    text.split('.').nth(1)
}
