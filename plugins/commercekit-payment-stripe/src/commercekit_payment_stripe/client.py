"""The vendor's HTTP interface: forms out, JSON in, and what goes wrong on the way in the core's words."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

import httpx
import msgspec

from commercekit.platform.providers import (
    ProviderContext,
    ProviderError,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit_payment_stripe.errors import failure, reason
from commercekit_payment_stripe.form import Form, encode
from commercekit_payment_stripe.settings import Account
from commercekit_payment_stripe.wire import VERSION, Page

__all__ = ["MOST_PAGES", "Said", "get", "pages", "post"]

T = TypeVar("T")

MOST_PAGES: Final = 10
"""How far a list is read when one thing is looked for."""
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
"""No byte of the request left: it was surely not carried out."""
_OTHER_KEYS: Final = 3
_PAGE: Final = 100
_LONGEST_WAIT: Final = 3600


@dataclass(frozen=True, slots=True)
class Said(Generic[T]):
    """An answer, and the bytes it was read from."""

    value: T
    raw: bytes


async def get(ctx: ProviderContext, path: str, kind: type[T], form: Form | None = None) -> Said[T]:
    """Ask; a question has no effect, and may be asked again."""
    query = encode(form) if form else ""
    response = await _send(ctx, "GET", f"{path}?{query}" if query else path, {}, b"")
    return _read(response, f"GET {path}", kind)


async def post(
    ctx: ProviderContext,
    path: str,
    kind: type[T],
    form: Form | None = None,
    *,
    key: str | None = None,
    seen: Callable[[], Awaitable[Said[T] | None]] | None = None,
) -> Said[T]:
    """Have something done, once for each ``key``.

    The vendor answers a key that met a 500 with that 500 for as long as it keeps it. Then ``seen`` is
    asked whether it was done all the same, and only if not, it is asked for under another key.
    """
    body = encode(form or {}).encode()
    headers = {"content-type": "application/x-www-form-urlencoded"}
    for attempt in range(_OTHER_KEYS):
        if key:
            headers["idempotency-key"] = key if not attempt else f"{key}-after-{attempt}"
        response = await _send(ctx, "POST", path, headers, body)
        replayed = response.headers.get("idempotent-replayed") == "true"
        if response.status_code < 500 or not replayed or seen is None:
            return _read(response, f"POST {path}", kind)
        done = await seen()
        if done is not None:
            return done
    code = "old-failure"
    raise ProviderUnknown(code, f"POST {path} failed at the vendor {_OTHER_KEYS} times")


async def pages(
    ctx: ProviderContext, path: str, kind: type[T], form: Form, most: int | None = MOST_PAGES
) -> AsyncIterator[T]:
    """Everything on a list, newest first, up to ``most`` pages of a hundred."""
    after: str | None = None
    read = 0
    while most is None or read < most:
        asked = {"limit": _PAGE, **form, "starting_after": after}
        page = (await get(ctx, path, Page[kind], asked)).value  # type: ignore[valid-type]  # at run time
        for each in page.data:
            yield each
        if not page.has_more or not page.data:
            return
        after = getattr(page.data[-1], "id")  # noqa: B009 - every listed object has one
        read += 1


async def _send(
    ctx: ProviderContext, method: str, path: str, headers: dict[str, str], body: bytes
) -> httpx.Response:
    account: Account = ctx.config
    sent = {
        "authorization": f"Bearer {ctx.secrets.read('api_key')}",
        "stripe-version": VERSION,
        **({"stripe-account": account.connected_account} if account.connected_account else {}),
        **headers,
    }
    what = f"{method} {path.partition('?')[0]}"
    trouble: ProviderError
    try:
        return await ctx.http.request(
            method, f"{account.endpoint}/v1{path}", headers=sent, content=body or None
        )
    except _NOT_SENT as error:
        trouble = ProviderUnavailable(detail=f"{type(error).__name__}: {what}")
    except httpx.HTTPError as error:
        # A time-out, a connection that broke: it may have been carried out.
        trouble = ProviderUnknown(type(error).__name__, f"no answer to {what}")
    # Raised out here: the request, which carries the key, is no part of what is told.
    raise trouble


def _read(response: httpx.Response, what: str, kind: type[T]) -> Said[T]:
    if not response.is_success:
        wait = response.headers.get("retry-after", "")
        seconds = min(int(wait), _LONGEST_WAIT) if wait.isascii() and wait.isdigit() else 1
        error = reason(response.content)
        raise failure(response.status_code, error, what=what, retry_after=seconds)
    try:
        return Said(msgspec.json.decode(response.content, type=kind), response.content)
    except (msgspec.MsgspecError, RecursionError):
        detail = f"what answered {what} cannot be read"
    raise ProviderUnknown(detail=detail)
