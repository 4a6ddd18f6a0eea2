//! A column of structs, lists or maps. What there is in it, the schema says, so columns have the types that they have there.

use wasmill_plugin_sdk::bindings::types::{DataType, Field};
use wasmill_plugin_sdk::prelude::*;
use wasmill_plugin_sdk::types::type_name;
use wasmill_plugin_values::config::Short;

use crate::config::{ColumnConfig, FlattenConfig};
use crate::json_rows::{DEFAULT_MAX_ELEMENTS, positions};
use crate::names::Names;
use crate::path::{self, Segment};

/// Makes columns, and rows, of a nested column.
pub struct NestedRows {
    column: String,
    input: ValueInput,
    columns: Vec<NestedColumn>,
    explode: Option<Explode>,
}

struct NestedColumn {
    path: Vec<Segment>,
    output: ValueOutput,
}

struct Explode {
    path: Vec<Segment>,
    columns: Vec<NestedColumn>,
    position: Option<Output<i32>>,
    outer: bool,
    max_elements: usize,
}

impl NestedRows {
    /// # Errors
    ///
    /// [`Error::BadConfig`] where the configuration cannot work with the type of the column.
    pub fn new(config: &FlattenConfig, mut names: Names, plan: &mut Plan) -> Result<Self> {
        for (option, is_given) in [
            ("unknown", config.unknown.is_some()),
            ("unknown_column", config.unknown_column.is_some()),
            ("on_mismatch", config.on_mismatch.is_some()),
            ("on_bad_json", config.on_bad_json.is_some()),
        ] {
            if is_given {
                let message =
                    format!("is for JSON text, and `{}` has a type; remove it", config.column);
                return Err(Error::bad_config(format!("/{option}"), message));
            }
        }
        let input = plan.read_values(&config.column)?;
        let depth = config.depth.unwrap_or(usize::MAX);
        let separator = config.separator.as_deref().unwrap_or("_");
        let mut naming = Naming { separator, depth, names: &mut names };
        let prefix = config.prefix.as_deref().unwrap_or_default();
        let fields = input.fields();
        let columns = match &config.columns {
            Some(columns) => {
                naming.declare(columns, fields, "/columns", prefix, &config.column, plan)?
            }
            // All that there is: but not beside rows that are made of a list.
            None if config.explode.is_none() => {
                if !matches!(fields[0].data_type, DataType::Struct) {
                    let message = format!(
                        "is missing, and `{}` is {}; name paths, or say `explode`",
                        config.column,
                        type_name(&fields[0].data_type)
                    );
                    return Err(Error::bad_config("/columns", message));
                }
                naming.declare_all(fields, "/columns", prefix, &config.column, plan)?
            }
            None => Vec::new(),
        };
        let explode = match &config.explode {
            Some(explode) => {
                let (path, name) = explode.path(&config.column)?;
                let list = resolve(fields, &path)
                    .map_err(|message| Error::bad_config("/explode/path", message))?;
                let is_list = matches!(
                    list[0].data_type,
                    DataType::List
                        | DataType::LargeList
                        | DataType::FixedSizeList(_)
                        | DataType::Map(_)
                );
                if !is_list {
                    let message = format!(
                        "leads to {}; give the path of a list",
                        type_name(&list[0].data_type)
                    );
                    return Err(Error::bad_config("/explode/path", message));
                }
                let element = children(list)[0];
                let position = match &explode.position {
                    Some(name) => {
                        naming.names.add(name, "/explode/position")?;
                        Some(plan.write(name))
                    }
                    None => None,
                };
                let prefix = explode.prefix.as_deref().unwrap_or_default();
                let columns = match &explode.columns {
                    Some(columns) => {
                        naming.declare(columns, element, "/explode/columns", prefix, &name, plan)?
                    }
                    None => naming.declare_all(element, "/explode", prefix, &name, plan)?,
                };
                let max_elements = explode.max_elements.unwrap_or(DEFAULT_MAX_ELEMENTS);
                Some(Explode { path, columns, position, outer: explode.outer, max_elements })
            }
            None => None,
        };
        Ok(Self { column: config.column.clone(), input, columns, explode })
    }

    pub fn process(&mut self, batch: &Batch, out: &mut Rows) -> Result<()> {
        let column = batch.values(&self.input)?;
        let Some(explode) = &self.explode else {
            for nested in &self.columns {
                let mut builder = nested.output.builder()?;
                for row in 0..column.len() {
                    push(&mut builder, Some(column.value(row)), &nested.path)?;
                }
                out.set_values(&nested.output, builder);
            }
            return Ok(());
        };
        let taken = explode.rows(&column, &self.column, out);
        for nested in &self.columns {
            let mut builder = nested.output.builder()?;
            for (row, _) in &taken {
                push(&mut builder, Some(column.value(*row as usize)), &nested.path)?;
            }
            out.set_values(&nested.output, builder);
        }
        let mut builders = Vec::new();
        for nested in &explode.columns {
            builders.push(nested.output.builder()?);
        }
        let mut taken_rows = taken.iter().peekable();
        while let Some((row, position)) = taken_rows.next() {
            let row = *row as usize;
            if position.is_none() {
                builders.iter_mut().try_for_each(ValueBuilder::push_null)?;
                continue;
            }
            let list = follow(column.value(row), &explode.path);
            let (Some(Value::List(items)) | Some(Value::Map(items))) = list else { continue };
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    taken_rows.next();
                }
                let mut item = Some(item);
                let last = explode.columns.len().saturating_sub(1);
                for (place, (nested, builder)) in
                    explode.columns.iter().zip(&mut builders).enumerate()
                {
                    let value = if place == last { item.take() } else { item.as_ref().map(again) };
                    push(builder, value, &nested.path)?;
                }
            }
        }
        for (nested, builder) in explode.columns.iter().zip(builders) {
            out.set_values(&nested.output, builder);
        }
        if let Some(position) = explode.position {
            out.set(position, positions(&taken));
        }
        out.take(taken.into_iter().map(|(row, _)| row).collect());
        Ok(())
    }
}

impl Explode {
    /// The input row of each output row, and the position of its element.
    fn rows(&self, column: &ValueColumn, name: &str, out: &mut Rows) -> Vec<(u32, Option<i32>)> {
        let mut taken = Vec::new();
        for row in 0..column.len() {
            let index = u32::try_from(row).expect("a batch has less than 2^32 rows");
            let elements = match follow(column.value(row), &self.path) {
                Some(Value::List(items) | Value::Map(items)) => items.len(),
                _ => 0,
            };
            if elements > self.max_elements {
                let message = format!("{elements} elements, more than {}", self.max_elements);
                out.reject_column(row, name, "too-many-elements", &message);
            } else if elements == 0 && self.outer {
                taken.push((index, None));
            } else {
                taken.extend((0..elements).map(|position| (index, i32::try_from(position).ok())));
            }
        }
        taken
    }
}

/// The same value once more: values are views, and cheap.
fn again<'a>(value: &Value<'a>) -> Value<'a> {
    match value {
        Value::Scalar(scalar) => Value::Scalar(*scalar),
        Value::List(items) => Value::List(items.clone()),
        Value::Map(items) => Value::Map(items.clone()),
        Value::Struct(record) => Value::Struct(*record),
    }
}

fn push(builder: &mut ValueBuilder, value: Option<Value>, path: &[Segment]) -> Result<()> {
    match value.and_then(|value| follow(value, path)) {
        Some(value) => builder.push_value(&value),
        None => builder.push_null(),
    }
}

/// The value at the end of a path; none where the way there ends before.
fn follow<'a>(value: Value<'a>, path: &[Segment]) -> Option<Value<'a>> {
    let mut value = value;
    for segment in path {
        value = match (segment, value) {
            (Segment::Key(key), Value::Struct(record)) => record.get(key)?,
            (Segment::Key(key), Value::Map(entries)) => entries.iter().find_map(|entry| {
                let Value::Struct(entry) = entry else { return None };
                let mut fields = entry.iter();
                let (_, Value::Scalar(Scalar::Str(name))) = fields.next()? else { return None };
                if name == key { fields.next().map(|(_, value)| value) } else { None }
            })?,
            (Segment::Index(index), Value::List(items)) => items.iter().nth(*index)?,
            _ => return None,
        };
    }
    Some(value)
}

/// The children of a field, each with its descendants.
fn children(fields: &[Field]) -> Vec<&[Field]> {
    let mut children = Vec::new();
    let mut rest = &fields[1..];
    while !rest.is_empty() {
        let mut outstanding = 1_u32;
        let mut length = 0;
        while outstanding > 0 && length < rest.len() {
            outstanding = outstanding - 1 + rest[length].children;
            length += 1;
        }
        let (child, others) = rest.split_at(length);
        children.push(child);
        rest = others;
    }
    children
}

/// The field at the end of a path, with its descendants. An error says what is in the way.
fn resolve<'a>(fields: &'a [Field], path: &[Segment]) -> std::result::Result<&'a [Field], String> {
    let mut fields = fields;
    for segment in path {
        let found = match (segment, &fields[0].data_type) {
            (Segment::Key(key), DataType::Struct) => {
                let children = children(fields);
                let names: Vec<String> =
                    children.iter().map(|child| child[0].name.clone()).collect();
                children.into_iter().find(|child| child[0].name == *key).ok_or_else(|| {
                    format!(
                        "leads to a field `{key}` that is not there; there are {}",
                        names.join(", ")
                    )
                })?
            }
            (Segment::Key(_), DataType::Map(_)) => {
                let entries = children(fields);
                let entry = entries.first().map(|entry| children(entry)).unwrap_or_default();
                match entry[..] {
                    [key, value]
                        if matches!(key[0].data_type, DataType::Utf8 | DataType::LargeUtf8) =>
                    {
                        value
                    }
                    _ => return Err("leads through a map whose keys are no text".to_owned()),
                }
            }
            (
                Segment::Index(_),
                DataType::List | DataType::LargeList | DataType::FixedSizeList(_),
            ) => children(fields)[0],
            (Segment::Key(key), other) => {
                return Err(format!("asks for `{key}` of {}", type_name(other)));
            }
            (Segment::Index(index), other) => {
                return Err(format!("asks for [{index}] of {}", type_name(other)));
            }
        };
        fields = found;
    }
    Ok(fields)
}

/// Declares columns, and gives them their names.
struct Naming<'a> {
    separator: &'a str,
    depth: usize,
    names: &'a mut Names,
}

impl Naming<'_> {
    fn declare(
        &mut self,
        columns: &[Short<ColumnConfig>],
        fields: &[Field],
        pointer: &str,
        prefix: &str,
        value_name: &str,
        plan: &mut Plan,
    ) -> Result<Vec<NestedColumn>> {
        let mut declared = Vec::new();
        for (index, Short(column)) in columns.iter().enumerate() {
            let pointer = format!("{pointer}/{index}");
            for (option, is_given) in
                [("type", column.data_type.is_some()), ("required", column.required.is_some())]
            {
                if is_given {
                    let message = "is for JSON text, and this column has a type; remove it, and use `clean` or SQL after this step";
                    return Err(Error::bad_config(format!("{pointer}/{option}"), message));
                }
            }
            let bad_path = |message| Error::bad_config(format!("{pointer}/path"), message);
            let path = path::parse(&column.path).map_err(bad_path)?;
            let field = resolve(fields, &path).map_err(bad_path)?;
            let name = match &column.name {
                Some(name) => name.clone(),
                None if path.is_empty() => format!("{prefix}{value_name}"),
                None => path::name(prefix, self.separator, &path),
            };
            declared.push(self.declare_one(path, name, field, &pointer, plan)?);
        }
        Ok(declared)
    }

    /// A column for each field of a struct, and of structs in it; one column for what is no struct.
    fn declare_all(
        &mut self,
        fields: &[Field],
        pointer: &str,
        prefix: &str,
        value_name: &str,
        plan: &mut Plan,
    ) -> Result<Vec<NestedColumn>> {
        if !matches!(fields[0].data_type, DataType::Struct) {
            let name = format!("{prefix}{value_name}");
            return Ok(vec![self.declare_one(Vec::new(), name, fields, pointer, plan)?]);
        }
        let mut declared = Vec::new();
        let mut ahead = vec![(Vec::new(), fields)];
        while let Some((path, fields)) = ahead.pop() {
            let is_split = matches!(fields[0].data_type, DataType::Struct)
                && path.len() < self.depth
                && fields[0].children > 0;
            if is_split {
                for child in children(fields).into_iter().rev() {
                    let mut path = path.clone();
                    path.push(Segment::Key(child[0].name.clone()));
                    ahead.push((path, child));
                }
            } else {
                let name = path::name(prefix, self.separator, &path);
                declared.push(self.declare_one(path, name, fields, pointer, plan)?);
            }
        }
        Ok(declared)
    }

    fn declare_one(
        &mut self,
        path: Vec<Segment>,
        name: String,
        fields: &[Field],
        pointer: &str,
        plan: &mut Plan,
    ) -> Result<NestedColumn> {
        self.names.add(&name, pointer)?;
        let mut fields = fields.to_vec();
        // What is above it may be null.
        fields[0].nullable = true;
        fields[0].name = name;
        Ok(NestedColumn { path, output: plan.write_values(fields) })
    }
}
