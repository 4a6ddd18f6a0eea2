//! The kernels, each a function over values: arrow-udf makes the loop over the rows.

use std::hint::black_box;

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

/// As in `guests/poison`.
#[function("poison(bigint, int) -> bigint")]
fn double(id: i64, poison: i32) -> i64 {
    match poison {
        1 => panic!("row {id} is poison"),
        2 => loop {
            black_box(id);
        },
        3 => take_memory_without_end(),
        _ => {}
    }
    2 * id
}

fn take_memory_without_end() {
    let mut taken = Vec::new();
    loop {
        taken.push(vec![1_u8; 1 << 20]);
        black_box(&taken);
    }
}
