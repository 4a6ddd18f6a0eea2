"""Notifiers: they tell somebody what happened."""

from __future__ import annotations

import datetime
import enum
import json
from dataclasses import dataclass

from .plugin import Plugin


class Notifier(Plugin):
    """A plugin that tells somebody. Each event is delivered at least once, on an instance of its own; a failure never fails a run."""

    def bind(self) -> None:
        """Checks the configuration. Must not notify anybody."""

    def notify(self, event: Event) -> None:
        """Delivers one event. May be called again for the same one: receivers drop repeats by `dedup_key`."""
        raise NotImplementedError


@enum.unique
class Severity(enum.IntEnum):
    """How bad it is; can be compared."""

    INFO = 0
    WARNING = 1
    ERROR = 2

    def __str__(self) -> str:
        return self.name.lower()


@dataclass(frozen=True)
class Event:
    kind: str
    """Such as `run.succeeded`, `run.failed`, `gate.refused`."""
    severity: Severity
    pipeline: str
    run: str
    dedup_key: str
    """The same for each delivery of the same event."""
    time_ms: int
    """Milliseconds since 1970-01-01T00:00:00Z."""
    summary: str
    """One line for a person."""
    details_json: str

    @property
    def details(self) -> dict:
        """Counts per step, the error, the rule that refused."""
        return json.loads(self.details_json)

    @property
    def time(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.time_ms / 1000, datetime.timezone.utc)


def bound(cls: type[Notifier], config: str) -> Notifier:
    notifier = cls.of(config)
    notifier.bind()
    return notifier
