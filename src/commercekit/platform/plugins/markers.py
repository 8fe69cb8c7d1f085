"""How a function says that it is a hook, or fills one, and since when something can be relied on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar

import pluggy

__all__ = [
    "GROUP",
    "Deprecation",
    "deprecated",
    "deprecation_of",
    "hookimpl",
    "hookspec",
    "since",
    "since_of",
]

T = TypeVar("T", bound=Callable[..., Any])

GROUP: Final = "commercekit"
"""Of entry points, and of the marks on hooks."""

hookspec = pluggy.HookspecMarker(GROUP)
"""Marks a function in a ``hookspecs`` room: plugins may fill it."""

hookimpl = pluggy.HookimplMarker(GROUP)
"""Marks a function in a plugin's module: it fills the hook of the same name."""

_SINCE: Final = "__commercekit_since__"
_DEPRECATED: Final = "__commercekit_deprecated__"


@dataclass(frozen=True, slots=True)
class Deprecation:
    """That something will go: since which version that is known, and what takes its place."""

    since: str
    instead: str

    def __str__(self) -> str:
        return f"is deprecated since {self.since}; {self.instead}"


def since(version: str) -> Callable[[T], T]:
    """Say in which version a hook, a provider's ABC or a method of one came, such as ``"0.1"``.

    ::

        @since("0.1")
        @hookspec
        def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]: ...
    """

    def mark(thing: T) -> T:
        setattr(thing, _SINCE, version)
        return thing

    return mark


def deprecated(since: str, instead: str) -> Callable[[T], T]:
    """Say that a hook, an ABC or a method of one will go, two minor versions after ``since``.

    ``instead`` is the cure, an order: ``"fill register_media_storages"``. Every start of a shop with a
    plugin that still uses the thing says it, and so does ``commercekit plugins doctor``.
    """

    def mark(thing: T) -> T:
        setattr(thing, _DEPRECATED, Deprecation(since, instead))
        return thing

    return mark


def since_of(thing: Any) -> str | None:
    """The version in which it came; what a class inherits is not its own."""
    found: str | None = vars(thing).get(_SINCE)
    return found


def deprecation_of(thing: Any) -> Deprecation | None:
    """That it will go, if it will; likewise."""
    found: Deprecation | None = vars(thing).get(_DEPRECATED) if hasattr(thing, "__dict__") else None
    return found
