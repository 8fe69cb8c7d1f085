"""Names of permissions: ``resource:action``, where either side may be a star."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit.errors import Malformed

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["check_scope", "check_scopes", "covers"]


def covers(held: str, wanted: str) -> bool:
    """Whether holding ``held`` grants ``wanted``: ``orders:*`` covers ``orders:read``.

    A wildcard in ``wanted`` is covered by the same wildcard or a wider one only.
    """
    held_resource, _, held_action = held.partition(":")
    resource, _, action = wanted.partition(":")
    return held_resource in ("*", resource) and held_action in ("*", action)


def check_scope(scope: str) -> str:
    """The scope itself; raises :class:`~commercekit.errors.Malformed` unless ``resource:action``."""
    sides = scope.split(":")
    if len(sides) == 2 and len(scope) <= 80 and all(_is_side(side) for side in sides):
        return scope
    message = f"{scope[:80]!r} is no scope; write resource:action, such as orders:read"
    raise Malformed(message)


def _is_side(side: str) -> bool:
    return side == "*" or (
        side.isascii() and side.replace("-", "").isalnum() and side == side.lower()
    )


def check_scopes(scopes: Iterable[str]) -> frozenset[str]:
    """All of ``scopes``, checked."""
    return frozenset(check_scope(scope) for scope in scopes)
