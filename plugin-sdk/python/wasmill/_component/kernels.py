"""The kernels that are inside of this component."""

from wit_world.imports import columns

from .. import kernels


def start() -> None:
    kernels.native = columns
