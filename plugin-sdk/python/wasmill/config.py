"""Configurations: dataclasses, whose JSON Schema is derived from their annotations.

    @config
    class GrossConfig:
        \"\"\"Adds the price with tax.\"\"\"

        net: Annotated[str, "The column with the price before tax."]
        rate: Annotated[float, "The tax rate, such as 0.19.", {"minimum": 0}] = 0.0

A string in `Annotated` describes the field, a dict adds keywords of JSON Schema. Fields without a default are required. Types are
`str`, `int`, `float`, `bool`, `None`, `Any`, `Literal`, `Enum`, `list`, `dict` with string keys, unions, and other configurations.
"""

from __future__ import annotations

import copy
import dataclasses
import enum
import json
import types
import typing
from collections.abc import Mapping
from functools import lru_cache
from typing import Annotated, Any, Literal, TypeVar, dataclass_transform

from .errors import BadConfig

C = TypeVar("C")

Secret = Annotated[str, {"writeOnly": True}]
"""A text that is shown nowhere, where the operator gives it as a reference."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
def config(cls: type[C]) -> type[C]:
    """Makes a configuration of a class: a frozen dataclass with keyword arguments. Lists and dicts can be defaults as they are."""
    for name, default in list(vars(cls).items()):
        if isinstance(default, (list, dict, set)) and not name.startswith("__"):
            setattr(cls, name, dataclasses.field(default_factory=lambda default=default: copy.deepcopy(default)))
    return dataclasses.dataclass(frozen=True, kw_only=True)(cls)


@config
class NoConfig:
    """There is nothing to configure."""


def to_json(value: Any) -> Any:
    """A configuration as the JSON that it was made of, with the defaults."""
    if dataclasses.is_dataclass(value):
        return {field.name: to_json(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return value.value
    if isinstance(value, (list, tuple)):
        return [to_json(item) for item in value]
    if isinstance(value, dict):
        return {key: to_json(item) for key, item in value.items()}
    return value


# ---- JSON Schema -----------------------------------------------------------------------------------------------

_SIMPLE = {str: "string", int: "integer", float: "number", bool: "boolean", type(None): "null"}


def schema_of(cls: type) -> dict:
    """The JSON Schema (draft 2020-12) of a configuration."""
    found = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": cls.__name__}
    return found | _object(cls)


@lru_cache(maxsize=None)
def _hints(cls: type) -> dict[str, Any]:
    return typing.get_type_hints(cls, include_extras=True)


def _object(cls: type) -> dict:
    found: dict[str, Any] = {"type": "object"}
    # A dataclass without a docstring gets its signature as one.
    if cls.__doc__ and not cls.__doc__.startswith(f"{cls.__name__}("):
        found["description"] = " ".join(cls.__doc__.split())
    properties, required = {}, []
    hints = _hints(cls)
    for field in dataclasses.fields(cls):
        properties[field.name] = _schema(hints[field.name])
        if field.default is not dataclasses.MISSING:
            properties[field.name]["default"] = to_json(field.default)
        elif field.default_factory is not dataclasses.MISSING:
            properties[field.name]["default"] = to_json(field.default_factory())
        else:
            required.append(field.name)
    found["properties"] = properties
    if required:
        found["required"] = required
    found["additionalProperties"] = False
    return found


def _schema(wanted: Any) -> dict:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Annotated:
        found = _schema(arguments[0])
        for extra in arguments[1:]:
            if isinstance(extra, str):
                found["description"] = extra
            elif isinstance(extra, Mapping):
                found.update(extra)
        return found
    if wanted is Any:
        return {}
    if wanted in _SIMPLE:
        return {"type": _SIMPLE[wanted]}
    if origin is Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [_schema(argument) for argument in arguments]}
    if wanted is list or origin is list:
        return {"type": "array", "items": _schema(arguments[0]) if arguments else {}}
    if wanted is dict or origin is dict:
        if arguments and arguments[0] is not str:
            raise TypeError(f"keys of JSON are text: {wanted}")
        return {"type": "object", "additionalProperties": _schema(arguments[1]) if arguments else True}
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        return {"enum": [member.value for member in wanted]}
    if dataclasses.is_dataclass(wanted):
        return _object(wanted)
    raise TypeError(f"{wanted!r} is no type for a configuration")


# ---- from JSON -------------------------------------------------------------------------------------------------


def parse(cls: type[C], text: str) -> C:
    """The configuration in a JSON text. Raises `BadConfig` with the place where it is wrong."""
    try:
        value = json.loads(text)
    except ValueError as error:
        raise BadConfig("", f"it is no JSON: {error}") from None
    return _parsed(cls, value, "")


def _parsed(wanted: Any, value: Any, pointer: str) -> Any:
    origin, arguments = typing.get_origin(wanted), typing.get_args(wanted)
    if origin is Annotated:
        return _parsed(arguments[0], value, pointer)
    if wanted is Any:
        return value
    if wanted is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if wanted is int and isinstance(value, float) and value.is_integer():
        return int(value)
    if wanted in _SIMPLE:
        if isinstance(value, wanted) and (wanted is bool or not isinstance(value, bool)):
            return value
        raise BadConfig(pointer, f"{_shown(value)} is no {_SIMPLE[wanted]}")
    if origin is Literal:
        if any(value == known and type(value) is type(known) for known in arguments):
            return value
        raise BadConfig(pointer, f"{_shown(value)} is none of {', '.join(map(_shown, arguments))}")
    if origin in (typing.Union, types.UnionType):
        return _any_of(arguments, value, pointer)
    if wanted is list or origin is list:
        if not isinstance(value, list):
            raise BadConfig(pointer, f"{_shown(value)} is no list")
        item = arguments[0] if arguments else Any
        return [_parsed(item, each, f"{pointer}/{index}") for index, each in enumerate(value)]
    if wanted is dict or origin is dict:
        if not isinstance(value, dict):
            raise BadConfig(pointer, f"{_shown(value)} is no object")
        item = arguments[1] if arguments else Any
        return {key: _parsed(item, each, f"{pointer}/{_escaped(key)}") for key, each in value.items()}
    if isinstance(wanted, type) and issubclass(wanted, enum.Enum):
        try:
            return wanted(value)
        except ValueError:
            known = ", ".join(_shown(member.value) for member in wanted)
            raise BadConfig(pointer, f"{_shown(value)} is none of {known}") from None
    return _parsed_object(wanted, value, pointer)


def _any_of(wanted: tuple, value: Any, pointer: str) -> Any:
    first = None
    for one in wanted:
        try:
            return _parsed(one, value, pointer)
        except BadConfig as error:
            # The mistake furthest inside is that of the type that was meant.
            if first is None or len(error.pointer) > len(first.pointer):
                first = error
    raise first


def _parsed_object(cls: type, value: Any, pointer: str) -> Any:
    if not isinstance(value, dict):
        raise BadConfig(pointer, f"{_shown(value)} is no object")
    hints = _hints(cls)
    fields = {field.name: field for field in dataclasses.fields(cls)}
    for name in value:
        if name not in fields:
            raise BadConfig(f"{pointer}/{_escaped(name)}", f"there is no such key; there are {', '.join(fields)}")
    given = {name: _parsed(hints[name], each, f"{pointer}/{_escaped(name)}") for name, each in value.items()}
    for name, field in fields.items():
        is_required = field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
        if is_required and name not in given:
            raise BadConfig(pointer, f"`{name}` is missing")
    try:
        return cls(**given)
    except ValueError as error:
        # Of a `__post_init__` that checks what a type cannot say.
        raise BadConfig(pointer, str(error)) from error


def _escaped(key: str) -> str:
    return key.replace("~", "~0").replace("/", "~1")


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 60 else text[:57] + "..."
