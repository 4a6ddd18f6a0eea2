"""The rules of time zones. There are no files where plugins run, so they are read while the component is built, from `tzdata`."""

from __future__ import annotations

import importlib.resources
import io
import zoneinfo
import zoneinfo._common as common

DATA: dict[str, bytes] = {}


def load() -> None:
    """Reads all zones, and has `zoneinfo` find them."""
    try:
        names = importlib.resources.files("tzdata").joinpath("zones").read_text().split()
    except ModuleNotFoundError:
        return
    zones = importlib.resources.files("tzdata.zoneinfo")
    for name in names:
        DATA[name] = zones.joinpath(*name.split("/")).read_bytes()
    common.load_tzdata = _load


def _load(key: str) -> io.BytesIO:
    try:
        return io.BytesIO(DATA[key])
    except KeyError:
        raise zoneinfo.ZoneInfoNotFoundError(f"no time zone found with key {key}") from None
