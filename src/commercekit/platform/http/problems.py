"""Errors on the wire: ``application/problem+json`` (RFC 9457), the same shape for every one of them."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Final, NamedTuple

import msgspec

from commercekit.errors import (
    CommerceKitError,
    Conflict,
    FieldError,
    Forbidden,
    Gone,
    Malformed,
    NotFound,
    Refused,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)
from commercekit.kernel import parse_accept_language

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

__all__ = [
    "PROBLEM_MEDIA_TYPE",
    "CardDataRefused",
    "CrossSite",
    "HeadersTooLarge",
    "InternalError",
    "InvalidInput",
    "MethodNotAllowed",
    "PreconditionFailed",
    "PreconditionRequired",
    "Problem",
    "Throttled",
    "TooLarge",
    "UnsupportedMedia",
    "kinds_of_problem",
    "problem_of",
    "status_of",
]

PROBLEM_MEDIA_TYPE: Final = "application/problem+json"


class InvalidInput(Malformed):
    """A field that is unknown, missing or of the wrong shape; ``errors`` says which."""

    slug = "validation"
    title = "Invalid input"
    title_zh = "输入无效"


class MethodNotAllowed(Refused):
    """The path exists, but not for this method."""

    slug = "method-not-allowed"
    title = "Method not allowed"
    title_zh = "不支持该请求方法"


class TooLarge(Refused):
    """The body is larger than this shop reads."""

    slug = "too-large"
    title = "Request body too large"
    title_zh = "请求内容过大"


class HeadersTooLarge(Refused):
    """The header fields are larger than this shop reads."""

    slug = "headers-too-large"
    title = "Request headers too large"
    title_zh = "请求头过大"


class UnsupportedMedia(Refused):
    """The body is no JSON by its content type."""

    slug = "unsupported-media-type"
    title = "Unsupported media type"
    title_zh = "不支持的内容类型"


class PreconditionRequired(Refused):
    """A change that must say, by ``If-Match``, which version it changes."""

    slug = "precondition-required"
    title = "If-Match required"
    title_zh = "缺少 If-Match 请求头"


class PreconditionFailed(Refused):
    """Someone else has changed it since it was read."""

    slug = "precondition-failed"
    title = "Changed in the meantime"
    title_zh = "数据已被他人修改"


class CrossSite(Forbidden):
    """A browser says that another site sent this."""

    slug = "csrf"
    title = "Cross-site request refused"
    title_zh = "已拒绝跨站请求"


class CardDataRefused(Unprocessable):
    """A card number in a field of ours: it belongs on the payment provider's page only."""

    slug = "card-data-refused"
    title = "Card data refused"
    title_zh = "拒绝接收银行卡号"


class Throttled(Refused):
    """Too many requests; ``retry_after`` in ``extra`` says when to come back."""

    slug = "throttled"
    title = "Too many requests"
    title_zh = "请求过于频繁"


class InternalError(CommerceKitError):
    """Our fault; the request id finds it in the log."""

    slug = "internal-error"
    title = "Internal error"
    title_zh = "内部错误"


_STATUS: Final[Mapping[type[BaseException], int]] = {
    InternalError: 500,
    CommerceKitError: 500,
    Malformed: 400,
    Refused: 400,
    Unauthenticated: 401,
    Forbidden: 403,
    NotFound: 404,
    MethodNotAllowed: 405,
    Conflict: 409,
    Gone: 410,
    PreconditionFailed: 412,
    TooLarge: 413,
    UnsupportedMedia: 415,
    Unprocessable: 422,
    PreconditionRequired: 428,
    Throttled: 429,
    HeadersTooLarge: 431,
    Unavailable: 503,
}


def status_of(error: type[BaseException]) -> int:
    """The HTTP status of a kind of error, by its nearest known ancestor; 500 for strangers."""
    return next((_STATUS[kind] for kind in error.__mro__ if kind in _STATUS), 500)


class Problem(NamedTuple):
    """An error, ready to be sent: status, header fields and body."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes
    slug: str


def problem_of(
    error: CommerceKitError,
    *,
    instance: str,
    request_id: str,
    accept_language: str | None = None,
    headers: Mapping[str, str] | None = None,
) -> Problem:
    """What the client gets for ``error``.

    The title follows the client's language; the detail of anything with status 500 is withheld, and
    ``extra`` members never replace the standard ones.
    """
    status = status_of(type(error))
    slug = error.slug if status != 500 else InternalError.slug
    kind = type(error) if status != 500 else InternalError
    body: dict[str, Any] = {
        "type": f"/problems/{slug}",
        "title": kind.title_zh if _prefers_chinese(accept_language) else kind.title,
        "status": status,
        "detail": _detail(error, status),
        "instance": instance,
        "request_id": request_id,
    }
    errors: Sequence[FieldError] = getattr(error, "errors", ())
    if errors:
        body["errors"] = [entry._asdict() for entry in errors]
    sent = {name.lower(): value for name, value in (headers or {}).items()}
    if status != 500:
        for name, value in error.extra.items():
            body.setdefault(name, value)
    retry_after = getattr(error, "retry_after", None) or error.extra.get("retry_after")
    if retry_after:
        sent["retry-after"] = str(retry_after)
    if status == 401:
        sent.setdefault("www-authenticate", 'Bearer realm="commercekit"')
    return Problem(
        status,
        [("content-type", PROBLEM_MEDIA_TYPE), ("cache-control", "no-store"), *sent.items()],
        msgspec.json.encode(body, enc_hook=str),
        slug,
    )


def kinds_of_problem() -> dict[str, type[CommerceKitError]]:
    """Every slug there is in this process, with the error that bears it."""
    return {kind.slug: kind for kind in sorted(_tree(CommerceKitError), key=_first_wins)}


def _detail(error: CommerceKitError, status: int) -> str:
    if status == 500:
        return "Something went wrong on our side; the request id finds it in our log."
    return error.detail


def _prefers_chinese(accept_language: str | None) -> bool:
    if not accept_language:
        return False
    first = next(
        (
            tag
            for tag in parse_accept_language(accept_language)
            if re.split("-", tag.lower())[0] in ("en", "zh")
        ),
        "en",
    )
    return first.lower().startswith("zh")


def _tree(kind: type[CommerceKitError]) -> Iterator[type[CommerceKitError]]:
    yield kind
    for child in kind.__subclasses__():
        yield from _tree(child)


def _first_wins(kind: type[CommerceKitError]) -> int:
    """The more general class explains a slug that subclasses share, so it comes last."""
    return -len(kind.__mro__)
