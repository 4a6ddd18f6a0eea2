"""What a component of one plugin does while it is built. It has the standard library of the interpreter, so both behave the same."""

from . import kernels, library, state, zones


def start(name: str, version: str, summary: str, module: str) -> None:
    """Makes the component that of the plugin in `module`."""
    zones.load()
    library.load()
    state.start()
    kernels.start()
    state.is_module(name, version, summary, module)
