"""The transformer `gross`, written by hand against the generated bindings: no SDK.

Adds the column `gross`, the price with tax. The config says whether batches cross as Arrow columns or as
JSON rows, so that both encodings are exercised.
"""

import json
from array import array

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports import transform
from wit_world.imports import types

CONFIG_SCHEMA = {
    "type": "object",
    "required": ["net", "rate"],
    "additionalProperties": False,
    "properties": {
        "net": {"type": "string", "description": "The column with the price before tax."},
        "rate": {"type": "number", "description": "The tax rate, such as 0.19."},
        "encoding": {"enum": ["columns", "json"], "default": "columns"},
    },
}


def find_net(config: str, schema: types.Schema) -> tuple[dict, int]:
    """The parsed config, and the position of the column that it names."""
    parsed = json.loads(config)
    for position, field in enumerate(schema.fields):
        if field.name == parsed["net"]:
            if not isinstance(field.data_type, types.DataType_Float64):
                raise Err(types.Failure_BadSchema(types.SchemaError(field.name, "is not float64")))
            return parsed, position
    raise Err(types.Failure_BadSchema(types.SchemaError(parsed["net"], "there is no such column")))


class State:
    """What `open` found. Each exported call gets a new `Transform`, so it cannot live there."""

    net: str
    factor: float


class Transform(exports.Transform):
    def describe(self) -> types.Descriptor:
        return types.Descriptor(
            name="gross-python",
            version="0.1.0",
            summary="Adds the price with tax, in Python",
            config_schema=json.dumps(CONFIG_SCHEMA),
        )

    def bind(self, config: str, input: types.Schema) -> transform.Binding:
        parsed, position = find_net(config, input)
        encoding = (
            types.Encoding.JSON if parsed.get("encoding") == "json" else types.Encoding.COLUMNS
        )
        kept = [
            transform.OutputColumn_Keep(transform.KeptColumn(index, field.name))
            for index, field in enumerate(input.fields)
        ]
        gross = types.Field("gross", types.DataType_Float64(), True, 0, [])
        return transform.Binding(
            reads=[position],
            encoding=encoding,
            output=kept + [transform.OutputColumn_New([gross])],
            scope=transform.Scope_Rows(),
        )

    def open(self, config: str, input: types.Schema) -> None:
        parsed, _ = find_net(config, input)
        State.net = parsed["net"]
        State.factor = 1.0 + parsed["rate"]

    def process(self, batch: types.Batch) -> transform.Processed:
        if isinstance(batch.values, types.Payload_Json):
            values = self.process_rows(json.loads(batch.values.value))
        else:
            values = self.process_columns(batch.values.value[0])
        return transform.Processed([transform.Output(transform.Selection_All(), values)], [])

    def process_rows(self, rows: list[dict]) -> transform.NewValues:
        made = []
        for row in rows:
            net = row[State.net]
            made.append({"gross": None if net is None else net * State.factor})
        return transform.NewValues_Json(json.dumps(made))

    def process_columns(self, node: types.Node) -> transform.NewValues:
        factor = State.factor
        net = memoryview(node.values).cast("d")[: node.length]
        gross = array("d", [value * factor for value in net])
        made = types.Node(node.length, node.validity, b"", gross.tobytes())
        return transform.NewValues_Columns([transform.NewColumn_PerInputRow([made])])

    def finish(self) -> list[transform.Output]:
        return []
