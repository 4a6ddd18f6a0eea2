"""The interface `load`."""

from wit_world import exports
from wit_world.exports import load as wit
from wit_world.imports import types

from ..errors import Fatal
from ..loader import Attempt, Loader, Opened, Receipt
from . import convert, state
from .state import guarded


class Load(exports.Load):
    def describe(self):
        return state.descriptor(Loader)

    @guarded
    def bind(self, config, input):
        plan = Opened(state.plugin_class(Loader), config, convert.schema(input)).plan
        return wit.Binding([read.position for read in plan.inputs], convert.encoding(plan.is_json))

    @guarded
    def open(self, config, input, attempt):
        opened = Opened(state.plugin_class(Loader), config, convert.schema(input))
        opened.plugin.open(Attempt(attempt.run, attempt.split, attempt.attempt))
        state.opened = opened

    @guarded
    def write(self, batch):
        opened = _opened()
        if isinstance(batch.values, types.Payload_Json):
            return convert.findings(opened.write_json(batch.values.value))
        nodes = convert.columns_in(batch.values.value, (read.field for read in opened.plan.inputs))
        return convert.findings(opened.write(batch.rows, nodes))

    @guarded
    def finish(self):
        receipt = _opened().plugin.finish()
        return wit.Receipt(receipt.rows, receipt.reference)

    @guarded
    def commit(self, config, run, receipts):
        _fresh(config).commit(run, _receipts(receipts))

    @guarded
    def abort(self, config, run, receipts):
        _fresh(config).abort(run, _receipts(receipts))


def _fresh(config: str) -> Loader:
    return state.plugin_class(Loader).of(config)


def _receipts(receipts) -> list[Receipt]:
    return [Receipt(receipt.rows, receipt.reference) for receipt in receipts]


def _opened() -> Opened:
    if state.opened is None:
        raise Fatal("called before `open`")
    return state.opened
