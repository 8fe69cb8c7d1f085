"""Pages by cursor: opaque to the client, signed, and good for one list, filter and reader only."""

import base64
import binascii
import hmac
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated, Any, Final, TypeVar

import msgspec
from litestar import Request
from litestar.params import QueryParameter

from commercekit.errors import FieldError
from commercekit.kernel import MAX_PAGE, Page, PageRequest
from commercekit.platform.http.problems import InvalidInput
from commercekit.platform.security import principal_of

__all__ = [
    "Cursors",
    "PageCursor",
    "PageLimit",
    "binding",
    "page_answer",
    "page_request",
    "sealed_page",
]

T = TypeVar("T")

PageLimit = Annotated[
    int, QueryParameter(ge=1, le=MAX_PAGE, description=f"How many items, at most {MAX_PAGE}")
]
"""``limit: PageLimit = 20`` in a handler."""
PageCursor = Annotated[
    str | None, QueryParameter(max_length=2000, description="`next_cursor` of the page before")
]
"""``cursor: PageCursor = None`` in a handler."""

_MAC: Final = 16
CURSORS: Final = "commercekit_cursors"


class Cursors:
    """Signs places in lists. The key is the same in every process of a shop."""

    def __init__(self, key: bytes | Callable[[], bytes]) -> None:
        """``key`` may be known only later: it is asked for when a cursor is made or read."""
        self._key: Callable[[], bytes] = key if callable(key) else lambda: key

    def seal(self, binding: str, after: Sequence[str]) -> str:
        """A cursor that goes on after the sort key ``after``, in the list that ``binding`` describes."""
        payload = msgspec.json.encode(list(after))
        return base64.urlsafe_b64encode(self._mac(binding, payload) + payload).rstrip(b"=").decode()

    def open(self, binding: str, cursor: str) -> tuple[str, ...]:
        """The sort key in ``cursor``; raises :class:`InvalidInput` unless it was made for ``binding``."""
        try:
            raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            mac, payload = raw[:_MAC], raw[_MAC:]
            if hmac.compare_digest(mac, self._mac(binding, payload)):
                return msgspec.json.decode(payload, type=tuple[str, ...])
        except (binascii.Error, ValueError, msgspec.DecodeError):
            pass
        message = "This cursor does not belong to this list; start from the first page."
        raise InvalidInput(message, errors=(FieldError("?cursor", "invalid-cursor", message),))

    def _mac(self, binding: str, payload: bytes) -> bytes:
        return hmac.digest(self._key(), binding.encode() + b"\x00" + payload, "sha256")[:_MAC]


def page_request(
    request: Request[Any, Any, Any],
    limit: int = 20,
    cursor: str | None = None,
    *,
    filters: object = None,
) -> PageRequest:
    """What the list is asked for; the cursor must come from the same list, filter and reader.

    ``filters`` are those that came in the body and not in the query: give the same to
    :func:`page_answer`.
    """
    if cursor is None:
        return PageRequest(limit=limit)
    after = _cursors(request).open(_binding(request, filters), cursor)
    return PageRequest(limit=limit, after=after)


def page_answer(
    request: Request[Any, Any, Any],
    items: list[T],
    after: Sequence[str] | None,
    total: int | None = None,
    *,
    filters: object = None,
) -> Page[T]:
    """The page, with ``after`` (the last item's sort key, ``None`` on the last page) as its cursor."""
    following = None
    if after is not None:
        following = _cursors(request).seal(_binding(request, filters), after)
    return Page(items=items, next_cursor=following, total=total)


def sealed_page(request: Request[Any, Any, Any], page: Page[T]) -> Page[T]:
    """``page`` as a service gives it, its plain ``next_cursor`` (one text) replaced by a sealed one.

    The next :func:`page_request` gives the text back as the only element of ``after``.
    """
    after = None if page.next_cursor is None else (page.next_cursor,)
    return page_answer(request, page.items, after, page.total)


def _cursors(request: Request[Any, Any, Any]) -> Cursors:
    cursors: Cursors = request.app.state[CURSORS]
    return cursors


def _binding(request: Request[Any, Any, Any], body: object = None) -> str:
    return binding(
        principal_of(request).id, request.scope["path"], request.query_params.multi_items(), body
    )


def binding(
    reader: str, path: str, parameters: Iterable[tuple[str, Any]], body: object = None
) -> str:
    """What a cursor is bound to: who reads which list under which filters, in any order."""
    filters = sorted((name, value) for name, value in parameters if name not in ("cursor", "limit"))
    return msgspec.json.encode([reader, path, filters, body], enc_hook=str).decode()
