"""One POST whose answer nobody waits for longer, or reads further, than is needed."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from typing import Final, TypeAlias

import httpx

from commercekit.platform.http.outbound.addresses import UrlNotAllowed
from commercekit.platform.http.outbound.transport import ResponseTooLarge, UnaskedEncoding

__all__ = ["Answered", "OutboundClient", "PostFailed", "post"]

OutboundClient: TypeAlias = httpx.AsyncClient
"""What :func:`outbound_client` makes, for those who are handed one and make none."""

_READ: Final = 2048


class Answered:
    """A status, headers, and the first bytes of the body."""

    __slots__ = ("body", "headers", "status")

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.body = body


class PostFailed(Exception):
    """There was no answer. ``code`` is short and stable, the text is one sentence for people."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


async def post(
    client: OutboundClient,
    url: str,
    *,
    content: bytes,
    headers: Mapping[str, str],
    seconds: float,
    read: int = _READ,
) -> Answered:
    """Send ``content``, and give what was answered within ``seconds`` in all.

    The status is the answer: a body that goes on after ``read`` bytes is left unread, and one that
    breaks off or is compressed is not missed. Raises :class:`PostFailed` when no status came.
    """
    try:
        async with asyncio.timeout(seconds):
            request = client.build_request(
                "POST",
                url,
                content=content,
                headers=dict(headers),
                timeout=httpx.Timeout(seconds, connect=min(5.0, seconds)),
            )
            response = await client.send(request, stream=True, follow_redirects=False)
            try:
                body = await _first(response, read)
            finally:
                await response.aclose()
    except (TimeoutError, httpx.TimeoutException):
        code, sentence = "timeout", f"No answer within {seconds:g} seconds."
        raise PostFailed(code, sentence) from None
    except UrlNotAllowed as error:
        raise PostFailed(error.slug, error.detail) from None
    except UnaskedEncoding:
        code, sentence = "unasked-encoding", "The answer was compressed, which nobody asked for."
        raise PostFailed(code, sentence) from None
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise _told(error) from error
    return Answered(response.status_code, response.headers, body)


async def _first(response: httpx.Response, read: int) -> bytes:
    found = b""
    try:
        async for chunk in response.aiter_raw():
            found += chunk
            if len(found) >= read:
                break
    except (httpx.TransportError, ResponseTooLarge):
        pass
    return found[:read]


def _told(error: Exception) -> PostFailed:
    reasons: list[BaseException] = []
    at: BaseException | None = error
    while at is not None:
        reasons.append(at)
        at = at.__cause__ or at.__context__
    if any(isinstance(each, ssl.SSLError) for each in reasons) or "SSL" in str(error):
        return PostFailed("tls", f"The encrypted connection failed: {str(error)[:200]}")
    if isinstance(error, httpx.ConnectError):
        return PostFailed("connect", "Nobody accepts connections there.")
    if isinstance(error, httpx.InvalidURL):
        return PostFailed("url-not-allowed", "This is no address.")
    return PostFailed("broken", f"The connection broke off ({type(error).__name__}).")
