"""The interface `transform`."""

from wit_world import exports
from wit_world.exports import transform as wit
from wit_world.imports import types

from ..errors import Fatal
from ..transformer import Kept, Made, Opened, Transformer
from . import convert, state
from .state import guarded


class Transform(exports.Transform):
    def describe(self):
        return state.descriptor(Transformer)

    @guarded
    def bind(self, config, input):
        plan = Opened(state.plugin_class(Transformer), config, convert.schema(input)).plan
        output = [
            wit.OutputColumn_Keep(wit.KeptColumn(column.position, column.name))
            if isinstance(column, Kept)
            else wit.OutputColumn_New(convert.fields(column.field))
            for column in plan.output
        ]
        kind, positions = plan.scope
        scope = {"rows": wit.Scope_Rows, "single": wit.Scope_Single}.get(kind, lambda: wit.Scope_Keyed(positions))()
        return wit.Binding([read.position for read in plan.inputs], convert.encoding(plan.is_json), output, scope)

    @guarded
    def open(self, config, input):
        opened = Opened(state.plugin_class(Transformer), config, convert.schema(input))
        opened.plugin.open()
        state.opened = opened

    @guarded
    def process(self, batch):
        opened = _opened()
        if isinstance(batch.values, types.Payload_Json):
            made, findings = opened.process_json(batch.rows, batch.values.value)
        else:
            nodes = convert.columns_in(batch.values.value, (read.field for read in opened.plan.inputs))
            made, findings = opened.process(batch.rows, nodes)
        return wit.Processed([_output(made)], convert.findings(findings))

    @guarded
    def finish(self):
        return [_output(made) for made in _opened().finish()]


def _opened() -> Opened:
    if state.opened is None:
        raise Fatal("called before `open`")
    return state.opened


_SELECTIONS = {"bitmap": wit.Selection_Bitmap, "indices": wit.Selection_Indices, "detached": wit.Selection_Detached}
_COLUMNS = {"per_input_row": wit.NewColumn_PerInputRow, "per_output_row": wit.NewColumn_PerOutputRow}


def _output(made: Made) -> wit.Output:
    kind, value = made.selection
    rows = wit.Selection_All() if kind == "all" else _SELECTIONS[kind](value)
    if made.json is not None:
        return wit.Output(rows, wit.NewValues_Json(made.json))
    columns = [
        wit.NewColumn_Keep(value) if how == "keep" else _COLUMNS[how](convert.nodes(value)) for how, value in made.columns
    ]
    return wit.Output(rows, wit.NewValues_Columns(columns))
