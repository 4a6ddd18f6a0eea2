"""The interface `validate`."""

from wit_world import exports
from wit_world.exports import validate as wit
from wit_world.imports import types

from ..errors import Fatal
from ..validator import Opened, Validator
from . import convert, state
from .state import guarded


class Validate(exports.Validate):
    def describe(self):
        return state.descriptor(Validator)

    @guarded
    def bind(self, config, input):
        plan = Opened(state.plugin_class(Validator), config, convert.schema(input)).plan
        return wit.Binding([read.position for read in plan.inputs], convert.encoding(plan.is_json))

    @guarded
    def open(self, config, input):
        opened = Opened(state.plugin_class(Validator), config, convert.schema(input))
        opened.plugin.open()
        state.opened = opened

    @guarded
    def check(self, batch):
        opened = _opened()
        if isinstance(batch.values, types.Payload_Json):
            verdict, partial = opened.check_json(batch.values.value)
        else:
            nodes = convert.columns_in(batch.values.value, (read.field for read in opened.plan.inputs))
            verdict, partial = opened.check(batch.rows, nodes)
        violations = [
            wit.Violation(severity, finding)
            for severity, findings in ((wit.Severity.REJECT, verdict.rejected), (wit.Severity.WARN, verdict.warned))
            for finding in convert.findings(findings)
        ]
        return wit.Verdict(violations, partial)

    @guarded
    def merge(self, partials):
        return _opened().merge(partials)

    @guarded
    def conclude(self, state):
        found = _opened().conclude(state)
        rules = [
            wit.RuleResult(
                rule.rule, rule.column, wit.Outcome[rule.outcome.name], rule.message, rule.checked, rule.violated
            )
            for rule in found.rules
        ]
        return wit.Conclusion(rules, [types.Metric(name, float(value)) for name, value in found.metrics.items()])


def _opened() -> Opened:
    if state.opened is None:
        raise Fatal("called before `open`")
    return state.opened
