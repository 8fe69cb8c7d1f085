"""Every way in which CommerceKit says no.

::

    CommerceKitError
    ├── ConfigurationError        the shop cannot start like this
    ├── Malformed                 input that does not parse or has the wrong shape
    ├── Refused                   input understood, and refused
    │   ├── Unauthenticated       we do not know who is asking
    │   ├── Forbidden             we do, and they may not
    │   ├── NotFound              it is not there, or not theirs
    │   ├── Gone                  it was there, and was taken away
    │   ├── Conflict              not in this state, or not any more
    │   └── Unprocessable         not with these values
    └── Unavailable               not now; the same request may succeed later

A domain subclasses the kind that fits, gives it a ``slug`` (the stable end of the problem type on the
wire) and a ``title`` in both languages. Errors know nothing of HTTP: ``platform.http`` maps kinds to
statuses. What a caller needs to act on goes into ``extra``, never into the sentence alone.
"""

from __future__ import annotations

from typing import Any, ClassVar, NamedTuple

__all__ = [
    "CommerceKitError",
    "ConfigurationError",
    "Conflict",
    "FieldError",
    "Forbidden",
    "Gone",
    "InvalidTransition",
    "Malformed",
    "NotFound",
    "Refused",
    "Unauthenticated",
    "Unavailable",
    "Unprocessable",
]


class FieldError(NamedTuple):
    """One thing wrong with one place of an input."""

    pointer: str
    """JSON pointer into the body, such as ``/lines/0/quantity``; empty for the whole."""
    code: str
    """Stable and short, such as ``too-small``."""
    message: str


class CommerceKitError(Exception):
    """Root of everything CommerceKit raises on purpose."""

    slug: ClassVar[str] = "error"
    title: ClassVar[str] = "Error"
    title_zh: ClassVar[str] = "错误"

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra = extra


class ConfigurationError(CommerceKitError):
    """The shop cannot start like this; the sentence names the cure."""

    slug = "configuration"
    title = "Wrong configuration"
    title_zh = "配置错误"


class Malformed(CommerceKitError):
    """Input that does not parse, or has fields of the wrong shape."""

    slug = "malformed"
    title = "Malformed request"
    title_zh = "请求格式错误"

    def __init__(
        self, detail: str = "", *, errors: tuple[FieldError, ...] = (), **extra: Any
    ) -> None:
        super().__init__(detail, **extra)
        self.errors = errors


class Refused(CommerceKitError):
    """Understood and refused; subclasses say why."""

    slug = "refused"
    title = "Refused"
    title_zh = "请求被拒绝"


class Unauthenticated(Refused):
    """Nobody is known to be asking."""

    slug = "unauthenticated"
    title = "Authentication required"
    title_zh = "需要身份验证"


class Forbidden(Refused):
    """The one asking is known and may not."""

    slug = "forbidden"
    title = "Not permitted"
    title_zh = "没有权限"


class NotFound(Refused):
    """Absent, or not the asker's: the two are never told apart."""

    slug = "not-found"
    title = "Not found"
    title_zh = "未找到"


class Gone(Refused):
    """It was there and was taken away; the sentence says where to."""

    slug = "gone"
    title = "No longer here"
    title_zh = "已不在此处"


class Conflict(Refused):
    """The request made sense once, or will later, but not in the present state."""

    slug = "conflict"
    title = "Conflict with the present state"
    title_zh = "与当前状态冲突"


class InvalidTransition(Conflict):
    """A state table does not allow this step from here."""

    slug = "invalid-transition"
    title = "Not possible in this state"
    title_zh = "当前状态不允许此操作"


class Unprocessable(Refused):
    """Well-formed values that the rules of the shop do not accept."""

    slug = "unprocessable"
    title = "Not acceptable"
    title_zh = "内容不符合要求"

    def __init__(
        self, detail: str = "", *, errors: tuple[FieldError, ...] = (), **extra: Any
    ) -> None:
        super().__init__(detail, **extra)
        self.errors = errors


class Unavailable(CommerceKitError):
    """A part the request needs does not answer; nothing was changed, or the key tells on retry."""

    slug = "unavailable"
    title = "Temporarily unavailable"
    title_zh = "暂时不可用"

    def __init__(self, detail: str = "", *, retry_after: int = 1, **extra: Any) -> None:
        super().__init__(detail, **extra)
        self.retry_after = retry_after
