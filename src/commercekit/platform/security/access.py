"""Saying who may come in: each route has a guard, or says in words why it needs none."""

from __future__ import annotations

from typing import Any, Final, NamedTuple

__all__ = ["PUBLIC", "Door", "door_of", "public"]

PUBLIC: Final = "public"


def public(why: str) -> dict[str, Any]:
    """The ``opt`` of a route that is open to everybody: ``@get("/page", opt=public("…"))``.

    ``why`` is read by whoever reviews the matrix of roles and operations: what keeps strangers from harm
    there, such as "whoever holds the cart's token". Raises :class:`ValueError` without a reason.
    """
    if not why.strip():
        message = "say why this route is open to everybody"
        raise ValueError(message)
    return {PUBLIC: why}


class Door(NamedTuple):
    """How a route is kept: ``staff``, ``session``, ``customer`` or ``public``."""

    access: str
    permission: str = ""
    """What staff need to hold; empty for the rest."""
    why: str = ""
    """Why it is public."""
    step_up: bool = False
    limited_by: tuple[str, ...] = ()
    """Limits that the route keeps to."""


def door_of(handler: Any) -> Door | None:
    """How ``handler`` is kept, or ``None`` for one that nobody thought about.

    A guard counts for more than ``public`` on the controller around it.
    """
    guards = [guard for guard in handler.resolve_guards() if hasattr(guard, "access")]
    if guards:
        permission = next(
            (g.required_scope for g in guards if getattr(g, "required_scope", None)), ""
        )
        return Door(
            access=guards[0].access,
            permission=permission,
            step_up=any(getattr(guard, "step_up", False) for guard in guards),
            limited_by=next((g.limited_by for g in guards if getattr(g, "limited_by", ())), ()),
        )
    why = handler.opt.get(PUBLIC)
    return Door(access=PUBLIC, why=str(why)) if why else None
