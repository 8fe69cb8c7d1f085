"""What a request must look like before its handler runs: known parameters, JSON by content type."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl

from litestar.routes import HTTPRoute

from commercekit.errors import FieldError, Malformed
from commercekit.platform.http.problems import CardDataRefused, InvalidInput, UnsupportedMedia
from commercekit.platform.security import find_card_number

if TYPE_CHECKING:
    from litestar import Litestar, Request

__all__ = [
    "ANY_BODY",
    "ANY_QUERY",
    "EXTENSION_FILTERS",
    "FORM_PAGE",
    "check_request",
    "remember_parameters",
]

ANY_BODY: Final[dict[str, Any]] = {"media": "any"}
"""``opt=`` of handlers that read the body themselves: webhooks, uploads, form pages."""
ANY_QUERY: Final[dict[str, Any]] = {"query": "any"}
"""``opt=`` of handlers that read the query themselves, or let it be."""
EXTENSION_FILTERS: Final[dict[str, Any]] = {"query_prefix": "extensions."}
"""``opt=`` of lists that plugins' fields filter too: the handler judges ``?extensions.…`` itself."""
FORM_PAGE: Final[dict[str, Any]] = {**ANY_BODY, **ANY_QUERY}
"""``opt=`` of pages for people: any body, any query."""

_MAX_PARAMETERS: Final = 1000
_JSON: Final = frozenset({"application/json", "application/merge-patch+json"})
_WITHOUT_BODY: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_KNOWN = "commercekit_query_parameters"


def remember_parameters(app: Litestar) -> None:
    """Note which query parameters each handler takes, so that others can be refused."""
    known: dict[Any, frozenset[str]] = {}
    for route in app.routes:
        if isinstance(route, HTTPRoute):
            for handler, model in route.route_handler_map.values():
                names = {parameter.field_alias for parameter in model.expected_query_params}
                known[handler] = known.get(handler, frozenset()) | names
    app.state[_KNOWN] = known


async def check_request(request: Request[Any, Any, Any]) -> None:
    """Refuse unknown query parameters (400) and bodies that are no JSON (415)."""
    handler = request.scope["route_handler"]
    raw = request.scope["query_string"]
    if raw and handler.opt.get("query") != "any":
        known = request.app.state[_KNOWN].get(handler, frozenset())
        _check_query(raw, known, handler.opt.get("query_prefix"))
    if request.method not in _WITHOUT_BODY and handler.opt.get("media") != "any":
        _check_media(request)


def _check_query(raw: bytes, known: frozenset[str], prefix: str | None) -> None:
    try:
        pairs = parse_qsl(
            raw.decode("ascii"),
            keep_blank_values=True,
            strict_parsing=False,
            max_num_fields=_MAX_PARAMETERS,
            errors="strict",
        )
    except UnicodeDecodeError:
        message = "The query is not valid UTF-8."
        raise Malformed(message) from None
    except ValueError:
        message = f"More than {_MAX_PARAMETERS} query parameters."
        raise Malformed(message) from None
    seen: set[str] = set()
    for name, value in pairs:
        if name not in known and not (prefix and name.startswith(prefix)):
            error = FieldError(
                f"?{name[:100]}", "unknown-parameter", "This parameter is not known here."
            )
            message = f"There is no query parameter {name[:100]!r} here."
            raise InvalidInput(message, errors=(error,))
        if "\x00" in value:
            error = FieldError(f"?{name}", "invalid", "Must not contain NUL.")
            message = f"{name} must not contain NUL."
            raise InvalidInput(message, errors=(error,))
        seen.add(name)
        if len(value) > 13 and find_card_number(value):
            message = "This looks like a card number. Enter it on the payment page only."
            raise CardDataRefused(message)


def _check_media(request: Request[Any, Any, Any]) -> None:
    headers = request.headers
    if headers.get("content-length", "0") == "0" and "transfer-encoding" not in headers:
        return
    media = headers.get("content-type", "").partition(";")[0].strip().lower()
    if media not in _JSON:
        message = "Send JSON, with Content-Type: application/json."
        raise UnsupportedMedia(message)
