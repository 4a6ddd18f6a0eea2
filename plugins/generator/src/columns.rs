//! Columns: what is declared, and how rows are written to them.

use wasmill_plugin_sdk::bindings::types::{DataType, DecimalType, TimeUnit, TimestampType};
use wasmill_plugin_sdk::extractor::{Extracted, WritePlan};
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::Type;

use crate::damage::{CaseColumn, NullColumn, PaddedColumn, Padding};
use crate::digits::{Digits, ascii};
use crate::row::{Row, RowMaker};

/// The columns, declared.
pub struct Outputs {
    order_id: Output<i64>,
    customer_id: Output<i64>,
    email: Output<str>,
    name: Output<str>,
    country: Output<str>,
    product_id: Output<i64>,
    measures: MeasureOutputs,
    channel: Output<str>,
    dirt: Output<str>,
}

/// Those whose type is configurable.
#[derive(Clone, Copy)]
enum MeasureOutputs {
    Text { quantity: Output<str>, unit_price: Output<str>, ordered_at: Output<str> },
    Typed { quantity: Output<i64>, unit_price: Output<Decimal>, ordered_at: Output<Timestamp> },
}

impl Outputs {
    /// Declares the columns, in their order.
    pub fn declare(plan: &mut WritePlan, typed: bool) -> Self {
        let price = DataType::Decimal128(DecimalType { precision: 10, scale: 2 });
        let moment = DataType::Timestamp(TimestampType {
            unit: TimeUnit::Microsecond,
            zone: Some("UTC".to_owned()),
        });
        Self {
            order_id: plan.write("order_id"),
            customer_id: plan.write("customer_id"),
            email: plan.write("email"),
            name: plan.write("name"),
            country: plan.write("country"),
            product_id: plan.write("product_id"),
            measures: if typed {
                MeasureOutputs::Typed {
                    quantity: plan.write("quantity"),
                    unit_price: plan.write_as("unit_price", price),
                    ordered_at: plan.write_as("ordered_at", moment),
                }
            } else {
                MeasureOutputs::Text {
                    quantity: plan.write("quantity"),
                    unit_price: plan.write("unit_price"),
                    ordered_at: plan.write("ordered_at"),
                }
            },
            channel: plan.write("channel"),
            dirt: plan.write("dirt"),
        }
    }
}

/// One column being filled, and what it was declared as.
struct Filling<T: Type + ?Sized> {
    output: Output<T>,
    values: NewColumn<T>,
}

impl<T: Type + ?Sized> Filling<T> {
    fn new(output: Output<T>, rows: usize) -> Self {
        Self { output, values: NewColumn::with_capacity(rows) }
    }

    fn set(self, out: &mut Extracted) {
        out.set(self.output, self.values);
    }
}

/// The columns of one batch, filled row by row.
pub struct Columns {
    order_id: Filling<i64>,
    customer_id: Filling<i64>,
    email: Filling<str>,
    name: Filling<str>,
    country: Filling<str>,
    product_id: Filling<i64>,
    measures: MeasureColumns,
    channel: Filling<str>,
    dirt: Filling<str>,
    /// A value that is put together of several parts; kept for its memory.
    text: String,
}

enum MeasureColumns {
    Text { quantity: Filling<str>, unit_price: Filling<str>, ordered_at: Filling<str> },
    Typed { quantity: Filling<i64>, unit_price: Filling<Decimal>, ordered_at: Filling<Timestamp> },
}

impl Columns {
    /// Empty columns with room for `rows` rows.
    pub fn new(outputs: &Outputs, rows: usize) -> Self {
        Self {
            order_id: Filling::new(outputs.order_id, rows),
            customer_id: Filling::new(outputs.customer_id, rows),
            email: Filling::new(outputs.email, rows),
            name: Filling::new(outputs.name, rows),
            country: Filling::new(outputs.country, rows),
            product_id: Filling::new(outputs.product_id, rows),
            measures: match outputs.measures {
                MeasureOutputs::Text { quantity, unit_price, ordered_at } => MeasureColumns::Text {
                    quantity: Filling::new(quantity, rows),
                    unit_price: Filling::new(unit_price, rows),
                    ordered_at: Filling::new(ordered_at, rows),
                },
                MeasureOutputs::Typed { quantity, unit_price, ordered_at } => {
                    MeasureColumns::Typed {
                        quantity: Filling::new(quantity, rows),
                        unit_price: Filling::new(unit_price, rows),
                        ordered_at: Filling::new(ordered_at, rows),
                    }
                }
            },
            channel: Filling::new(outputs.channel, rows),
            dirt: Filling::new(outputs.dirt, rows),
            text: String::new(),
        }
    }

    /// Writes one row, made by `maker`.
    pub fn push(&mut self, row: &Row, maker: &RowMaker) {
        let Row { order, damage } = row;
        self.order_id.values.push(order.id);
        if damage.null == Some(NullColumn::CustomerId) {
            self.customer_id.values.push_null();
        } else {
            self.customer_id.values.push(i64::from(order.customer.number) + 1);
        }
        self.push_email(row, maker);
        self.push_name(row, maker);
        self.country.values.push(if damage.wrong_case == Some(CaseColumn::Country) {
            order.customer.country_in_lower_case()
        } else {
            order.customer.country()
        });
        if damage.null == Some(NullColumn::ProductId) {
            self.product_id.values.push_null();
        } else {
            self.product_id.values.push(i64::from(order.product));
        }
        self.measures.push(row);
        self.push_channel(row);
        if damage.kinds.is_empty() {
            self.dirt.values.push_null();
        } else {
            self.dirt.values.push(maker.labels.label(damage.kinds));
        }
    }

    fn push_email(&mut self, row: &Row, maker: &RowMaker) {
        let customer = &row.order.customer;
        let (before, after) = row.damage.padding(PaddedColumn::Email);
        self.text.clear();
        self.text.push_str(before);
        self.text.push_str(maker.orders.customers.address(customer));
        self.text.push_str(Digits::integer(customer.number + 1).as_str());
        self.text.push_str(customer.at_domain());
        self.text.push_str(after);
        if row.damage.wrong_case == Some(CaseColumn::Email) {
            self.text.make_ascii_uppercase();
        }
        self.email.values.push(&self.text);
    }

    fn push_name(&mut self, row: &Row, maker: &RowMaker) {
        let customers = &maker.orders.customers;
        let name = customers.name(&row.order.customer, row.damage.garbled_name);
        push_padded(&mut self.name, row.damage.padding(PaddedColumn::Name), name);
    }

    fn push_channel(&mut self, row: &Row) {
        let channel = if row.damage.wrong_case == Some(CaseColumn::Channel) {
            row.order.channel_in_upper_case()
        } else {
            row.order.channel()
        };
        push_padded(&mut self.channel, row.damage.padding(PaddedColumn::Channel), channel);
    }

    /// Hands the columns over.
    pub fn set(self, out: &mut Extracted) {
        self.order_id.set(out);
        self.customer_id.set(out);
        self.email.set(out);
        self.name.set(out);
        self.country.set(out);
        self.product_id.set(out);
        self.measures.set(out);
        self.channel.set(out);
        self.dirt.set(out);
    }
}

/// Pushes a value with white space around it, where there is any.
fn push_padded(column: &mut Filling<str>, padding: Padding, value: &str) {
    match padding {
        ("", "") => column.values.push(value),
        (before, after) => column.values.push_with(|text| {
            for part in [before, value, after] {
                text.write_str(part).expect("a column takes all that is written to it");
            }
        }),
    }
}

impl MeasureColumns {
    fn push(&mut self, row: &Row) {
        let Row { order, damage } = row;
        let has_quantity = damage.null != Some(NullColumn::Quantity);
        let has_price = damage.null != Some(NullColumn::UnitPrice);
        match self {
            Self::Text { quantity, unit_price, ordered_at } => {
                if has_quantity {
                    quantity.values.push(Digits::integer(order.quantity).as_str());
                } else {
                    quantity.values.push_null();
                }
                if has_price {
                    unit_price.values.push(Digits::hundredths(order.unit_price).as_str());
                } else {
                    unit_price.values.push_null();
                }
                match damage.bad_date {
                    Some(bad_date) => ordered_at.values.push(bad_date),
                    None => ordered_at.values.push(ascii(&order.ordered_at.text())),
                }
            }
            Self::Typed { quantity, unit_price, ordered_at } => {
                if has_quantity {
                    quantity.values.push(i64::from(order.quantity));
                } else {
                    quantity.values.push_null();
                }
                if has_price {
                    unit_price.values.push(Decimal(i128::from(order.unit_price)));
                } else {
                    unit_price.values.push_null();
                }
                match damage.bad_date {
                    Some(_) => ordered_at.values.push_null(),
                    None => ordered_at.values.push(Timestamp(order.ordered_at.microseconds())),
                }
            }
        }
    }

    fn set(self, out: &mut Extracted) {
        match self {
            Self::Text { quantity, unit_price, ordered_at } => {
                quantity.set(out);
                unit_price.set(out);
                ordered_at.set(out);
            }
            Self::Typed { quantity, unit_price, ordered_at } => {
                quantity.set(out);
                unit_price.set(out);
                ordered_at.set(out);
            }
        }
    }
}
