"""Gets a plugin from the host as source text, and runs it: for components that run any.

The modules of a script are imported from memory. Their lines are made known to `linecache`, so tracebacks show them.
"""

from __future__ import annotations

import importlib
import importlib.abc
import importlib.util
import linecache
import sys

from wit_world.imports import script as wit

from .state import About


class Importer(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Finds and loads the modules of a script."""

    def __init__(self, files: list[tuple[str, bytes]]):
        self._data = dict(files)
        self._paths = {_module(path): path for path, _ in files if path.endswith(".py")}
        # Folders with modules are packages, also without an `__init__.py`.
        for module in list(self._paths):
            while "." in module:
                module = module.rpartition(".")[0]
                self._paths.setdefault(module, "")

    def find_spec(self, fullname, path=None, target=None):
        if fullname not in self._paths:
            return None
        origin = self._paths[fullname]
        spec = importlib.util.spec_from_loader(fullname, self, origin=origin or None, is_package=self.is_package(fullname))
        spec.has_location = bool(origin)
        return spec

    def is_package(self, fullname):
        return self._paths[fullname] in ("", f"{fullname.replace('.', '/')}/__init__.py")

    def get_source(self, fullname):
        path = self._paths[fullname]
        return self._data[path].decode() if path else ""

    def get_code(self, fullname):
        path = self._paths[fullname] or f"<{fullname}>"
        source = self.get_source(fullname)
        linecache.cache[path] = (len(source), None, source.splitlines(keepends=True), path)
        return compile(source, path, "exec", dont_inherit=True)

    def get_data(self, path):
        """For `pkgutil.get_data`."""
        try:
            return self._data[path.replace("\\", "/")]
        except KeyError:
            raise OSError(f"the plugin has no file {path}") from None


def _module(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    if parts[-1] == "__init__":
        parts.pop()
    return ".".join(parts)


def find() -> About:
    """Asks the host for the script, and imports it."""
    manifest = wit.about()
    files = [(file.path, file.content) for file in wit.files()]
    sys.meta_path.insert(0, Importer(files))
    namespace = vars(importlib.import_module(_module(files[0][0])))
    return About(manifest.name, manifest.version, manifest.summary, namespace)
