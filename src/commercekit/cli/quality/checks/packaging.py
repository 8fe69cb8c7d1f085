"""What the distribution says about itself, and what it imports."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.metadata import packages_distributions

from commercekit.cli.quality.core import door_of, offered
from commercekit.cli.quality.folder import GROUP, PluginFolder, plain_name

__all__ = ["bounded_core", "bounded_dependencies", "front_doors", "packaging", "stands_alone"]

_LOWER = re.compile(r"(>=|==|~=|>)\s*\d")
_UPPER = re.compile(r"(<|==|~=)\s*\d")
_CORE = "commercekit"


def packaging(plugin: PluginFolder) -> Iterator[str]:
    """It can be installed, found, and identified."""
    entries = plugin.project.get("entry-points", {}).get(GROUP, {})
    if len(entries) > 1:
        yield f"{len(entries)} entry points in the group {GROUP!r}: one distribution is one plugin"
    if not re.fullmatch(r"[a-z][a-z0-9]*(-[a-z0-9]+)*", plugin.code):
        yield f"the code {plugin.code!r} is no lower-case word such as payment-acme"
    if plugin.entry is None:
        yield f"the entry point names {plugin.entry_module}, and there is no such module"
    for key in ("description", "license", "requires-python", "readme"):
        if not plugin.project.get(key):
            yield f"pyproject.toml says nothing under project.{key}"


def _core_requirement(plugin: PluginFolder) -> str | None:
    return next((one for one in plugin.dependencies if plain_name(one) == _CORE), None)


def bounded_core(plugin: PluginFolder) -> Iterator[str]:
    """It names the versions of the core that it was written for."""
    requirement = _core_requirement(plugin)
    if requirement is None:
        yield "commercekit is not among project.dependencies; write commercekit>=0.1,<0.2"
        return
    if not _LOWER.search(requirement):
        yield f"{requirement!r} has no lower bound; write the version that you test with: >=0.1"
    if not _UPPER.search(requirement):
        yield f"{requirement!r} has no upper bound; write the first version that may break: <0.2"


def bounded_dependencies(plugin: PluginFolder) -> Iterator[str]:
    """Every dependency has a lower and an upper bound."""
    for one in plugin.dependencies:
        specifier = one.split(";", maxsplit=1)[0]
        if not _LOWER.search(specifier) or not _UPPER.search(specifier):
            yield f"{one!r} is not bounded on both sides, as in {plain_name(one)}>=1.2,<2"


def front_doors(plugin: PluginFolder) -> Iterator[str]:
    """It takes from the core only what front doors offer."""
    for file in plugin.modules:
        for taken in file.imports:
            if taken.module.split(".")[0] != _CORE:
                continue
            where = file.at(taken.line)
            full = f"{taken.module}.{taken.name}" if taken.name else taken.module
            if taken.name and offered(full) is not None and door_of(full) == full:
                continue  # `from commercekit.platform import db` imports a door
            door = door_of(taken.module)
            names = offered(taken.module)
            if names is None:
                yield f"{where}: {taken.module} is not there in this version of commercekit"
            elif taken.module != door:
                yield f"{where}: {taken.module} is inside {door}; import from {door}"
            elif taken.name and taken.name not in names:
                yield f"{where}: {door} does not offer {taken.name}"


@cache
def _brought_by() -> Mapping[str, list[str]]:
    # Reads the list of files of everything that is installed: once, and only if names differ.
    return packages_distributions()


def stands_alone(plugin: PluginFolder) -> Iterator[str]:
    """It imports nothing but itself, the core, and what it declares; and no other plugin."""
    declared = {plain_name(one) for one in plugin.dependencies}
    for file in plugin.modules:
        for taken in file.imports:
            top = taken.module.split(".")[0]
            if top in sys.stdlib_module_names or top in {_CORE, plugin.package, "__future__", ""}:
                continue
            where = file.at(taken.line)
            if top.startswith(f"{_CORE}_"):
                yield f"{where}: {top} is another plugin; talk through facts, or move it to the core"
                continue
            if plain_name(top) in declared:
                continue
            if not {plain_name(one) for one in _brought_by().get(top, ())} & declared:
                yield f"{where}: {top} is not among project.dependencies"
