"""Which plugin this component is, and what surrounds every call: failures, log lines, randomness.

The bindings make a new object for each call, so what lasts from `open` to `finish` is kept here.
"""

from __future__ import annotations

import functools
import importlib
import logging
import os
import sys
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from componentize_py_types import Err
from wit_world.imports import logging as wit_logging
from wit_world.imports import types as wit

from .. import errors, http, plugin
from ..config import schema_of


@dataclass
class About:
    """What the project says of itself."""

    name: str
    version: str
    summary: str
    namespace: dict[str, Any]
    """What is in the module that the plugin is in."""


about: About | None = None
opened: Any = None
"""What `open` found."""


def _unknown() -> About:
    raise errors.Fatal("this component was built without a plugin")


find_plugin: Callable[[], About] = _unknown
"""Finds out which plugin this is, when that is asked for the first time."""


def is_module(name: str, version: str, summary: str, module: str) -> None:
    """The plugin is that of a module, which is imported now: so it is part of what is built."""
    global about
    about = About(name, version, summary, vars(importlib.import_module(module)))


def this() -> About:
    global about
    if about is None:
        about = find_plugin()
    return about


def plugin_class(base: type) -> type:
    return plugin.find(this().namespace, base)


def descriptor(base: type) -> wit.Descriptor:
    import json

    found = this()
    config_schema = json.dumps(schema_of(plugin_class(base).config_class()), ensure_ascii=False)
    return wit.Descriptor(found.name, found.version, found.summary, config_schema)


# ---- log lines -------------------------------------------------------------------------------------------------


class HostHandler(logging.Handler):
    """The lines of `logging` as log lines of the host."""

    def emit(self, record: logging.LogRecord) -> None:
        try:
            wit_logging.log(_level(record.levelno), record.name, self.format(record))
        except Exception:
            self.handleError(record)


def _level(number: int) -> wit_logging.Level:
    for least, level in (
        (logging.CRITICAL, wit_logging.Level.CRITICAL), (logging.ERROR, wit_logging.Level.ERROR),
        (logging.WARNING, wit_logging.Level.WARN), (logging.INFO, wit_logging.Level.INFO), (logging.DEBUG, wit_logging.Level.DEBUG),
    ):
        if number >= least:
            return level
    return wit_logging.Level.TRACE


def start_logging() -> None:
    root = logging.getLogger()
    root.addHandler(HostHandler())
    # `wasmill run --verbose` shows debug lines; which lines are shown is not for the plugin to decide.
    root.setLevel(logging.DEBUG)


# ---- calls -----------------------------------------------------------------------------------------------------


def guarded(call: Callable) -> Callable:
    """A function that the host calls: exceptions become failures."""

    @functools.wraps(call)
    def run(*arguments):
        _reseed()
        try:
            return call(*arguments)
        except MemoryError:
            # There is nothing left to report it with; the host knows why the instance ended.
            raise
        except Exception as error:
            raise Err(_failure(error)) from None
        finally:
            sys.stdout.flush()

    return run


def _reseed() -> None:
    """The generator of `random` was seeded when the component was built. The host gives each call random bytes of its own."""
    random = sys.modules.get("random")
    if random is not None:
        random.seed(int.from_bytes(os.urandom(16), "little"))


def _failure(error: Exception) -> wit.Failure:
    if isinstance(error, errors.Retryable):
        after = None if error.after is None else round(error.after * 1000)
        return wit.Failure_Retryable(wit.Retry(str(error), after))
    if isinstance(error, errors.BadConfig):
        return wit.Failure_BadConfig(wit.ConfigError(error.pointer, str(error)))
    if isinstance(error, errors.BadSchema):
        return wit.Failure_BadSchema(wit.SchemaError(error.column, str(error)))
    if isinstance(error, errors.Fatal):
        return wit.Failure_Fatal(_with_causes(error))
    # What `urllib` makes of an answer, or of none.
    if urllib_error := sys.modules.get("urllib.error"):
        if isinstance(error, urllib_error.HTTPError):
            return _failure(http.failure_of(error.code, error.headers.get("retry-after")))
        if isinstance(error, urllib_error.URLError) and isinstance(error.reason, errors.Error):
            return _failure(error.reason)
    text = "".join(traceback.format_exception(_without_own_frames(error)))
    logging.getLogger("wasmill").error("%s", text.rstrip())
    return wit.Failure_Fatal(_with_causes(error))


def _without_own_frames(error: Exception) -> Exception:
    """The traceback begins in the plugin, not in what called it."""
    found = error.__traceback__
    while found is not None and found.tb_next is not None:
        file = found.tb_frame.f_code.co_filename
        if f"{os.sep}wasmill{os.sep}" not in file:
            break
        found = found.tb_next
    return error.with_traceback(found)


def _with_causes(error: BaseException) -> str:
    parts = []
    while error is not None:
        text = str(error)
        is_plain = isinstance(error, errors.Error)
        parts.append(text if is_plain else f"{type(error).__name__}: {text}" if text else type(error).__name__)
        error = error.__cause__
    return ": ".join(parts)


# ---- HTTP ------------------------------------------------------------------------------------------------------


def start_http() -> None:
    try:
        from wit_world.imports import http as wit_http
    except ImportError:
        return

    def send(connection, method, path, headers, body):
        try:
            found = wit_http.send(connection, wit_http.Request(method, path, headers, body))
        except Err as error:
            raise _http_error(connection, error.value) from None
        return http.Response(found.status, found.headers, found.body)

    def _http_error(connection: str, error) -> errors.Error:
        if isinstance(error, wit_http.Error_NotGranted):
            return errors.Fatal(f"connection `{connection}` is not granted")
        if isinstance(error, wit_http.Error_InvalidRequest):
            return errors.Fatal(error.value)
        if isinstance(error, wit_http.Error_Unreachable):
            return errors.Retryable(error.value)
        if isinstance(error, wit_http.Error_TimedOut):
            return errors.Retryable(f"connection `{connection}` timed out")
        return errors.Fatal(f"the response through connection `{connection}` is larger than {error.value} bytes")

    http.send = send
    http.install()


def start() -> None:
    """Called while the component is built."""
    start_logging()
    start_http()
    # A line that is printed should be a line of the log at once.
    sys.stdout.reconfigure(line_buffering=True)
