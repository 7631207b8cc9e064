"""Loads the runtime's modules from their sources: runs at the head of polar_ai._load_runtime()."""

import importlib.abc
import importlib.util
import sys
from importlib.machinery import ModuleSpec
from typing import Any


class SourceFinder(importlib.abc.MetaPathFinder, importlib.abc.InspectLoader):
    """Imports ``package.x.y`` from a dictionary of sources by ``x.y``."""

    def __init__(self, package: str, sources: dict[str, str]) -> None:
        """Serve the modules ``sources`` below ``package``."""
        self.package = package
        self.sources = {"": "", **sources}

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        """Return a spec for a module of ours, None for any other."""
        if self._key(fullname) not in self.sources:
            return None
        return importlib.util.spec_from_loader(fullname, self, is_package=self.is_package(fullname))

    def is_package(self, fullname: str) -> bool:
        """Tell whether other modules lie below ``fullname``."""
        key = self._key(fullname)
        return key is not None and any(name.startswith(f"{key}.".lstrip(".")) for name in self.sources if name != key)

    def get_source(self, fullname: str) -> str:
        """Return the module's source."""
        return self.sources[fullname[len(self.package) + 1 :]]

    def _key(self, fullname: str) -> str | None:
        if fullname != self.package and not fullname.startswith(self.package + "."):
            return None
        return fullname[len(self.package) + 1 :]


def load(package: str, sources: dict[str, str]) -> Any:
    """Import ``package.runtime.endpoints`` and return it."""
    if package not in sys.modules:
        sys.meta_path.append(SourceFinder(package, sources))
    return importlib.import_module(package + ".runtime.endpoints")
