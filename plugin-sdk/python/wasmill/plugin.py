"""What plugins of all kinds have in common: a configuration, and that one class of a module is the plugin."""

from __future__ import annotations

import typing
from typing import Any

from .config import NoConfig, parse


class Plugin:
    """The base of the five kinds. A subclass says which configuration it has by the annotation of `config`."""

    config: Any

    def __init__(self, config: Any):
        self.config = config

    @classmethod
    def config_class(cls) -> type:
        hints = typing.get_type_hints(cls)
        found = hints.get("config", Any)
        return NoConfig if found is Any else found

    @classmethod
    def of(cls, config: str) -> typing.Self:
        """The plugin with a configuration in JSON. Raises `BadConfig`."""
        return cls(parse(cls.config_class(), config))


def overrides(plugin: Plugin, base: type, method: str) -> bool:
    """Whether the plugin has a method of its own in the place of that of the base class."""
    return getattr(type(plugin), method) is not getattr(base, method)


def find(namespace: dict[str, Any], base: type) -> type:
    """The plugin of a module: what it calls `plugin`, or the only class of it that is one."""
    named = namespace.get("plugin")
    if isinstance(named, type) and issubclass(named, base):
        return named
    module = namespace.get("__name__")
    classes = [value for value in namespace.values() if isinstance(value, type) and issubclass(value, base)]
    own = [found for found in dict.fromkeys(classes) if found.__module__ == module]
    # What only others are made of is no plugin.
    last = [found for found in own if not any(other is not found and issubclass(other, found) for other in own)]
    if len(last) == 1:
        return last[0]
    if not last:
        imported = [found for found in dict.fromkeys(classes) if not found.__module__.startswith("wasmill.")]
        if len(imported) == 1:
            return imported[0]
        raise TypeError(f"the module `{module}` has no class that is a {base.__name__}")
    names = ", ".join(found.__name__ for found in last)
    raise TypeError(f"the module `{module}` has several plugins ({names}); say which: plugin = {last[0].__name__}")
