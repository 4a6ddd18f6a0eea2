"""The interface `extract`."""

from wit_world import exports
from wit_world.exports import extract as wit
from wit_world.imports import types

from ..errors import Fatal
from ..extractor import Bound, Cursor, Extractor, Split
from . import convert, state
from .state import guarded


class Extract(exports.Extract):
    def describe(self):
        return state.descriptor(Extractor)

    @guarded
    def bind(self, config):
        plan = _bound(config).plan
        fields = [field for output in plan.output for field in convert.fields(output.field)]
        return wit.Binding(types.Schema(fields), convert.encoding(plan.is_rows))

    @guarded
    def plan(self, config, cursors):
        found = _bound(config).plugin.plan([Cursor(cursor.split, cursor.position) for cursor in cursors])
        return [wit.Split(split.id, split.descriptor, split.rows, split.bytes) for split in found]

    @guarded
    def open(self, config, split):
        bound = _bound(config)
        bound.plugin.open(Split(split.id, split.descriptor, split.rows, split.bytes))
        state.opened = bound

    @guarded
    def next(self, max_rows):
        found = _opened().next(max_rows)
        if found is None:
            return None
        rows, values = found.made()
        if isinstance(values, str):
            payload = types.Payload_Json(values)
        else:
            payload = types.Payload_Columns([node for column in values for node in convert.nodes(column)])
        return wit.Extracted(rows, payload, [wit.BadRecord(*record) for record in found.bad_records])

    @guarded
    def cursor(self):
        return _opened().plugin.cursor()


def _bound(config: str) -> Bound:
    return Bound(state.plugin_class(Extractor), config)


def _opened() -> Bound:
    if state.opened is None:
        raise Fatal("called before `open`")
    return state.opened
