"""The hooks there are, read from the ``hookspecs`` rooms, and whether a plugin fills them rightly."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING, Any, get_args, get_origin, get_type_hints

from commercekit.platform.plugins.errors import PluginError
from commercekit.platform.plugins.markers import GROUP

if TYPE_CHECKING:
    import pluggy

    from commercekit.platform.plugins.discovery import InstalledPlugin

__all__ = ["Spec", "read_specs", "refuse_misfits"]


@dataclass(frozen=True, slots=True)
class Spec:
    """One hook."""

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...]
    returns: Any
    """The annotation, resolved."""

    @property
    def item(self) -> Any:
        """What one plugin's answer is a sequence of; the annotation itself otherwise."""
        if isinstance(origin := get_origin(self.returns), type) and issubclass(origin, Sequence):
            return get_args(self.returns)[0]
        return self.returns


def read_specs(pm: pluggy.PluginManager, rooms: Iterable[ModuleType]) -> dict[str, Spec]:
    """Every hook of the rooms, by name; told to ``pm`` too."""
    specs: dict[str, Spec] = {}
    for room in rooms:
        pm.add_hookspecs(room)
        for name, function in vars(room).items():
            if not inspect.isfunction(function) or not hasattr(function, f"{GROUP}_spec"):
                continue
            if name in specs and specs[name].function is not function:
                message = f"The hook {name} is specified twice, the second time in {room.__name__}"
                raise PluginError(message)
            signature = inspect.signature(function)
            specs[name] = Spec(name, function, tuple(signature.parameters), _returns(function))
    return specs


def _returns(function: Callable[..., Any]) -> Any:
    try:
        return get_type_hints(function).get("return", Any)
    except NameError as missing:
        message = (
            f"What the hook {function.__name__} takes cannot be checked: {missing}; "
            f"import it at run time in {function.__module__}"
        )
        raise PluginError(message) from missing


def refuse_misfits(
    pm: pluggy.PluginManager, plugin: InstalledPlugin, module: Any, specs: dict[str, Spec]
) -> tuple[str, ...]:
    """The hooks that ``module`` fills; raises with a sentence about the first that does not fit."""
    filled: list[str] = []
    for name, function in _members(module):
        if not inspect.isroutine(function):
            continue
        if pm.parse_hookimpl_opts(module, name) is None:
            if name in specs and inspect.isfunction(function) and not _is_spec(function):
                _refuse(plugin, name, "is not marked", "put @hookimpl above it")
            continue
        if name not in specs:
            close = difflib.get_close_matches(name, specs, n=1)
            cure = f"did you mean {close[0]}?" if close else "remove it or update commercekit"
            _refuse(plugin, name, "fills no hook of this version", cure)
        if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
            _refuse(
                plugin, name, "is async", "hooks only register: write def, and work in the provider"
            )
        _check_arguments(plugin, specs[name], function)
        filled.append(name)
    return tuple(filled)


def _members(module: Any) -> list[tuple[str, Any]]:
    """What stands in it, by name; an entry point may lead to an object instead of a module."""
    if isinstance(module, ModuleType):
        return sorted(vars(module).items())
    return [(name, inspect.getattr_static(module, name)) for name in dir(module)]


def _is_spec(function: Any) -> bool:
    return hasattr(function, f"{GROUP}_spec")


def _check_arguments(plugin: InstalledPlugin, spec: Spec, function: Any) -> None:
    parameters = inspect.signature(inspect.unwrap(function)).parameters
    allowed = ", ".join(spec.arguments) or "no arguments"
    unknown = [name for name in parameters if name not in spec.arguments]
    if unknown:
        problem = f"asks for {', '.join(unknown)}"
        _refuse(plugin, spec.name, problem, f"the hook offers {allowed}, name only these")


def _refuse(plugin: InstalledPlugin, hook: str, problem: str, cure: str) -> None:
    message = f"The {plugin.origin} does not fit: its {hook} {problem}; {cure}"
    raise PluginError(message)
