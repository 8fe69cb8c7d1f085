"""How identity says no."""

from __future__ import annotations

from commercekit.errors import Forbidden, NotFound, Unprocessable

__all__ = ["ExpiryPassed", "ScopeNotHeld", "TokenNotFound"]


class TokenNotFound(NotFound):
    """No token of this shop has this id."""


class ScopeNotHeld(Forbidden):
    """Nobody gives away what they do not hold themselves."""

    slug = "scope-not-held"
    title = "You cannot grant a scope you do not hold"
    title_zh = "不能授予自己没有的权限"


class ExpiryPassed(Unprocessable):
    """A token that would never have worked."""

    slug = "expiry-passed"
    title = "The expiry lies in the past"
    title_zh = "过期时间已过"
