"""The component that runs any plugin which is given to it as source text: all five interfaces, and the standard library."""

from . import kernels, library, script, state, zones
from .extract import Extract
from .load import Load
from .notify import Notify
from .transform import Transform
from .validate import Validate

__all__ = ["Extract", "Load", "Notify", "Transform", "Validate"]

zones.load()
library.load()
state.start()
kernels.start()
state.find_plugin = script.find
