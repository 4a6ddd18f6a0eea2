"""Why a plugin fails, as exceptions.

A row that cannot be processed is no failure of the plugin: report it with `reject`, or raise `Reject` where one row is at hand.
Any other exception becomes a fatal failure with its text; the traceback is logged.
"""

from __future__ import annotations

import datetime


class Error(Exception):
    """Why a call as a whole failed."""


class Fatal(Error):
    """The same call would fail the same way again."""


class Retryable(Error):
    """The same call may succeed later: an upstream is busy, a lock is held.

    `after` is how long to wait, in seconds or as a `timedelta`, where that is known.
    """

    def __init__(self, message: str, after: float | datetime.timedelta | None = None):
        super().__init__(message)
        if isinstance(after, datetime.timedelta):
            after = after.total_seconds()
        self.after = after


class BadConfig(Error):
    """The configuration cannot work. `pointer` says where in it: a JSON pointer such as `/rules/0/column`; empty for the whole."""

    def __init__(self, pointer: str, message: str):
        super().__init__(message)
        self.pointer = pointer


class BadSchema(Error):
    """The input columns cannot work: the one at fault, where one is, and what is wrong."""

    def __init__(self, column: str | None, message: str):
        super().__init__(message)
        self.column = column


class Reject(Exception):
    """The row in hand is bad: it goes to the quarantine. `rule` is a short name to count by, such as `bad-date`."""

    def __init__(self, rule: str, message: str, column: str | None = None):
        super().__init__(message)
        self.rule = rule
        self.message = message
        self.column = column
