//! A schema of sixteen thousand columns that are all the same piece of the stream, with a name of 64 KiB: the stream takes
//! 130 KiB, the schema made of it a gigabyte.
//!
//! Flatbuffers refer to parts by offsets, so parts can be shared, and whoever reads them counts each as often as it is
//! referred to: <https://flatbuffers.dev/internals>.

use arrow_ipc::{
    FieldBuilder, IntBuilder, MessageBuilder, MessageHeader, MetadataVersion, SchemaBuilder, Type,
};
use flatbuffers::FlatBufferBuilder;

const COLUMNS: usize = 16_000;
const NAME_BYTES: usize = 64 << 10;

pub fn stream() -> Vec<u8> {
    let mut builder = FlatBufferBuilder::new();
    let name = builder.create_string(&"n".repeat(NAME_BYTES));
    let mut int = IntBuilder::new(&mut builder);
    int.add_bitWidth(64);
    int.add_is_signed(true);
    let int = int.finish();
    let mut field = FieldBuilder::new(&mut builder);
    field.add_name(name);
    field.add_nullable(true);
    field.add_type_type(Type::Int);
    field.add_type_(int.as_union_value());
    let field = field.finish();
    let fields = builder.create_vector(&vec![field; COLUMNS]);
    let mut schema = SchemaBuilder::new(&mut builder);
    schema.add_fields(fields);
    let schema = schema.finish();
    let mut message = MessageBuilder::new(&mut builder);
    message.add_version(MetadataVersion::V5);
    message.add_header_type(MessageHeader::Schema);
    message.add_header(schema.as_union_value());
    let message = message.finish();
    builder.finish(message, None);

    let mut metadata = builder.finished_data().to_vec();
    metadata.resize(metadata.len().next_multiple_of(8), 0);
    let mut stream = vec![0xff; 4];
    stream.extend((metadata.len() as u32).to_le_bytes());
    stream.extend(metadata);
    stream
}
