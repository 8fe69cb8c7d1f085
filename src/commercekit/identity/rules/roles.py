"""What a role may be, and within what it may be given. Pure."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Final

from commercekit.errors import FieldError, Malformed
from commercekit.identity.models.roles import LimitView
from commercekit.platform.security import Limit, LimitKind

if TYPE_CHECKING:
    from collections.abc import Sequence

__all__ = ["check_limit", "check_role_code", "limit_of", "view_of"]

_CODE: Final = re.compile(r"[a-z][a-z0-9-]{0,62}")


def check_role_code(code: str) -> str:
    """The code itself; raises :class:`~commercekit.errors.Malformed` for what is none."""
    if _CODE.fullmatch(code):
        return code
    message = f"{code[:80]!r} is no code of a role; use lower-case letters, digits and hyphens"
    raise Malformed(message, errors=(FieldError("/code", "invalid", message),))


def check_limit(view: LimitView | None) -> Limit | None:
    """The limit that ``view`` says; raises :class:`~commercekit.errors.Malformed` for half a one."""
    if view is None:
        return None
    is_own = view.kind is LimitKind.OWN
    if is_own == bool(view.codes):
        message = (
            "one's own records need no codes"
            if is_own
            else f"name at least one {view.kind}, or leave the limit out"
        )
        raise Malformed(message, errors=(FieldError("/limit/codes", "invalid", message),))
    return Limit(kind=view.kind, values=frozenset(view.codes))


def limit_of(kind: str | None, codes: Sequence[str]) -> Limit | None:
    """What the database says."""
    return None if kind is None else Limit(kind=LimitKind(kind), values=frozenset(codes))


def view_of(limit: Limit | None) -> LimitView | None:
    """What an answer says."""
    return None if limit is None else LimitView(kind=limit.kind, codes=sorted(limit.values))
