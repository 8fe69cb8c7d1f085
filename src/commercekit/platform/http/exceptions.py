"""From any exception to a problem: Litestar's, PostgreSQL's, our own, and those nobody expected."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

from litestar import Response
from litestar.exceptions import (
    HTTPException,
    ImproperlyConfiguredException,
    InternalServerException,
    ValidationException,
)

from commercekit.errors import (
    CommerceKitError,
    FieldError,
    Forbidden,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
)
from commercekit.platform.db import OUTAGES
from commercekit.platform.http.inputs import first_error
from commercekit.platform.http.problems import (
    InternalError,
    InvalidInput,
    MethodNotAllowed,
    Problem,
    Throttled,
    TooLarge,
    UnsupportedMedia,
    problem_of,
)

if TYPE_CHECKING:
    from litestar import Request

__all__ = ["REQUEST_ID", "answer_exception", "as_error", "instance_of", "problem_for"]

REQUEST_ID: Final = "commercekit.request_id"
"""Where the ASGI scope keeps the request's id."""

_logger = logging.getLogger(__name__)
# What Litestar says when a client hangs up in its body, or the chunks of it make no sense.
_CUT_OFF: Final = "client disconnected prematurely"
_NO_ESCAPE: Final = re.compile("%(?![0-9A-Fa-f]{2})")
_KINDS: Final[Mapping[int, type[CommerceKitError]]] = {
    401: Unauthenticated,
    403: Forbidden,
    404: NotFound,
    405: MethodNotAllowed,
    413: TooLarge,
    415: UnsupportedMedia,
    429: Throttled,
    503: Unavailable,
}
_SENTENCES: Final[Mapping[int, str]] = {
    404: "There is nothing at this address.",
    405: "This address does not take this method; Allow says which it takes.",
    413: "The body is larger than 10 MB.",
}


def answer_exception(request: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    """Litestar's exception handler for everything."""
    problem = problem_for(error, request.scope)
    return Response(
        content=problem.body,
        status_code=problem.status,
        headers={name: value for name, value in problem.headers if name != "content-type"},
        media_type="application/problem+json",
    )


def problem_for(error: BaseException, scope: Any) -> Problem:
    """The problem for ``error`` in an ASGI scope; what is our fault is logged with its stack."""
    known = as_error(error)
    headers = getattr(error, "headers", None)
    problem = problem_of(
        known,
        instance=instance_of(scope),
        request_id=scope.get(REQUEST_ID, ""),
        accept_language=_header(scope, b"accept-language"),
        headers=headers if isinstance(headers, Mapping) else None,
    )
    scope["commercekit.problem"] = problem.slug
    if isinstance(known, Unavailable):
        _logger.warning("unavailable: %s", type(error).__name__, extra={"problem": problem.slug})
    elif problem.status >= 500:
        _logger.error("unhandled error", exc_info=error, extra={"problem": problem.slug})
    return problem


def as_error(error: BaseException) -> CommerceKitError:
    """``error`` itself if it is one of ours, else what it means to a client."""
    if isinstance(error, CommerceKitError):
        return error
    if isinstance(error, ValidationException):
        return _invalid(error)
    if isinstance(error, HTTPException) and not isinstance(error, ImproperlyConfiguredException):
        kind = _KINDS.get(error.status_code)
        if kind is not None:
            return kind(_SENTENCES.get(error.status_code, ""))
        if error.status_code < 500:
            return Malformed("The request cannot be understood.")
    if isinstance(error, InternalServerException) and error.detail == _CUT_OFF:
        return Malformed("The body ended before it was whole.")
    if isinstance(error, OUTAGES) or _is_timeout(error):
        return Unavailable("The database does not answer; try again.", retry_after=2)
    if isinstance(error, RecursionError):
        return Malformed("The body is nested too deeply.")
    return InternalError()


def instance_of(scope: Any) -> str:
    """The path of the request, except where it may hold a secret."""
    raw = scope.get("raw_path") or quote(scope.get("path", "/")).encode()
    path: str = raw.partition(b"?")[0].decode("ascii", "replace")
    if path.startswith("/webhooks/"):
        return "/webhooks"
    told = quote(path[:500], safe="/%:@!$&'()*+,;=-._~")
    return _NO_ESCAPE.sub("%25", told)


def _invalid(error: ValidationException) -> InvalidInput:
    """What Litestar found wrong with parameters, without its sentence, which repeats the whole URL."""
    found = error.extra if isinstance(error.extra, list) else []
    entries = []
    for item in found[:20]:
        message = str(item.get("message", "Invalid value."))
        entry = first_error(message)
        source = str(getattr(item.get("source"), "value", item.get("source") or ""))
        key = str(item.get("key", ""))
        if message == "'data'":  # how Litestar says that there was no body
            entry = FieldError("", "missing", "A JSON body is required.")
        entries.append(entry._replace(pointer=_place(source, key)))
    if not entries:
        message = "A required parameter is missing."
        entries = [FieldError("", "missing", message)]
    first = entries[0]
    return InvalidInput(f"{first.pointer or 'The request'}: {first.message}", errors=tuple(entries))


def _place(source: str, key: str) -> str:
    if source == "query":
        return f"?{key}"
    if source in ("header", "cookie"):
        return f"{source}:{key}"
    return "" if key in ("", "data") else "/" + key.replace(".", "/")


def _is_timeout(error: BaseException) -> bool:
    """A statement that PostgreSQL cancelled; named, because asyncpg lives in platform.db only."""
    return type(error).__name__ in ("QueryCanceledError", "LockNotAvailableError")


def _header(scope: Any, name: bytes) -> str | None:
    value: bytes | None = next((v for n, v in scope.get("headers", ()) if n == name), None)
    return None if value is None else value.decode("latin-1")
