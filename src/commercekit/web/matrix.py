"""Who may call what: every operation of a shop against every role, as one table to review."""

from __future__ import annotations

import csv
import io
from typing import TYPE_CHECKING, NamedTuple

from commercekit.platform.security import covers, door_of
from commercekit.web.routes import kept_handlers

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from litestar import Litestar

    from commercekit.platform.security import RoleView

__all__ = ["MatrixRow", "access_matrix", "matrix_csv"]


class MatrixRow(NamedTuple):
    """One operation: how it is kept, and which roles open it."""

    method: str
    path: str
    access: str
    """``staff``, ``session``, ``customer`` or ``public``."""
    permission: str
    step_up: bool
    limits: str
    """Limits that the route keeps to; whoever is limited otherwise is refused."""
    why: str
    """Why a public one is public."""
    roles: frozenset[str]


def access_matrix(app: Litestar, roles: Sequence[RoleView]) -> list[MatrixRow]:
    """The operations of ``app`` by path and method; only those of staff ask for roles."""
    rows = []
    for method, path, handler in kept_handlers(app):
        door = door_of(handler)
        if door is None:
            message = f"{method} {path} is kept by nothing; check_routes refuses such a shop"
            raise ValueError(message)
        opened = frozenset(
            role.code
            for role in roles
            if door.permission and any(covers(held, door.permission) for held in role.permissions)
        )
        rows.append(
            MatrixRow(
                method=method,
                path=path,
                access=door.access,
                permission=door.permission,
                step_up=door.step_up,
                limits=" ".join(door.limited_by),
                why=door.why,
                roles=opened,
            )
        )
    return sorted(rows, key=lambda row: (row.path, row.method))


def matrix_csv(rows: Iterable[MatrixRow], roles: Sequence[RoleView]) -> str:
    """The table as CSV: ``x`` where a role opens an operation."""
    text = io.StringIO()
    write = csv.writer(text, lineterminator="\n").writerow
    codes = [role.code for role in roles]
    write(["method", "path", "access", "permission", "step up", "limits", "why public", *codes])
    for row in rows:
        write(
            [
                row.method,
                row.path,
                row.access,
                row.permission,
                "x" if row.step_up else "",
                row.limits,
                row.why,
                *("x" if code in row.roles else "" for code in codes),
            ]
        )
    return text.getvalue()
