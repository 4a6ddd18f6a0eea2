"""The interface `notify`."""

from wit_world import exports

from ..notifier import Event, Notifier, Severity, bound
from . import state
from .state import guarded


class Notify(exports.Notify):
    def describe(self):
        return state.descriptor(Notifier)

    @guarded
    def bind(self, config):
        bound(state.plugin_class(Notifier), config)

    @guarded
    def notify(self, config, event):
        notifier = bound(state.plugin_class(Notifier), config)
        notifier.notify(
            Event(
                event.kind, Severity[event.severity.name], event.pipeline, event.run, event.dedup_key, event.time_ms,
                event.summary, event.details,
            )
        )
