"""The client: every request is judged by its looks, connected to a checked address, and bounded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final

import httpcore
import httpx

from commercekit.platform.http.outbound.addresses import Place, Reach, check_url
from commercekit.platform.http.outbound.network import CheckedNetwork, Resolver, resolve_host

if TYPE_CHECKING:
    import ssl

__all__ = [
    "OutboundTransport",
    "ResponseTooLarge",
    "UnaskedEncoding",
    "check_reach",
    "outbound_client",
]

_MAX_BYTES: Final = 1024 * 1024
_TOTAL: Final = 30.0


class ResponseTooLarge(httpx.TransportError):
    """The other side sent more than was asked for."""


class UnaskedEncoding(httpx.TransportError):
    """The answer came compressed although nobody asked for that: its true size is not known."""


def outbound_client(
    *,
    allow: Iterable[str] = (),
    ports: Iterable[int] = (443,),
    max_bytes: int = _MAX_BYTES,
    reach: Reach | None = None,
    total: float = _TOTAL,
    connections: int = 50,
    resolve: Resolver | None = None,
    tls: ssl.SSLContext | None = None,
) -> httpx.AsyncClient:
    """A client for addresses that somebody else chose.

    ``allow`` names ``host:port`` pairs of this deployment; ``reach`` says that, the ``ports`` and
    everything else, and takes the place of both. What is not allowed raises :class:`UrlNotAllowed`
    before a packet is sent. Answers are cut off at ``max_bytes`` with :class:`ResponseTooLarge` (a
    request for a file that is known to be large says ``extensions={"max_bytes": …}``), and after
    ``total`` seconds from the start of the request to the last byte with :class:`httpx.ReadTimeout`.
    Redirects are answers like any other; a caller who follows them has every hop checked. ``tls``
    replaces the system's trust, for tests.
    """
    return httpx.AsyncClient(
        transport=OutboundTransport(
            reach or Reach(own=allow, ports=ports),
            max_bytes=max_bytes,
            total=total,
            connections=connections,
            resolve=resolve,
            tls=tls,
        ),
        follow_redirects=False,
        max_redirects=5,
        timeout=httpx.Timeout(15.0, connect=2.0),
        headers={"User-Agent": "CommerceKit", "Accept-Encoding": "identity"},
        trust_env=False,
    )


async def check_reach(url: str, reach: Reach, *, resolve: Resolver | None = None) -> None:
    """Judge a URL that is to be called later, resolving its name now: for whoever types it in.

    Raises :class:`UrlNotAllowed`. Proves nothing about later, when every connection is checked again.
    """
    place = check_url(url, reach)
    if not reach.is_own(place.host, place.port):
        network = CheckedNetwork(reach, place.scheme, resolve or resolve_host)
        await network.addresses(place.host, place.port)


class OutboundTransport(httpx.AsyncBaseTransport):
    """Checks every request, and hands it to a pool of connections to checked addresses."""

    def __init__(
        self,
        reach: Reach | None = None,
        *,
        max_bytes: int = _MAX_BYTES,
        total: float = _TOTAL,
        connections: int = 50,
        resolve: Resolver | None = None,
        tls: ssl.SSLContext | None = None,
        network: httpcore.AsyncNetworkBackend | None = None,
    ) -> None:
        """``network`` opens the sockets; tests look at where they lead."""
        self._reach = reach or Reach()
        self._max_bytes = max_bytes
        self._total = total
        tls = tls or httpx.create_ssl_context(trust_env=False)
        self._pools = {
            scheme: httpcore.AsyncConnectionPool(
                ssl_context=tls,
                max_connections=connections,
                max_keepalive_connections=10,
                keepalive_expiry=5.0,
                network_backend=CheckedNetwork(
                    self._reach, scheme, resolve or resolve_host, network
                ),
            )
            for scheme in ("https", "http")
        }

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send ``request`` to a checked address; raises :class:`UrlNotAllowed` if there is none."""
        place = check_url(str(request.url), self._reach)
        url = request.url
        asked = httpcore.Request(
            method=request.method,
            url=httpcore.URL(
                scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
            ),
            headers=request.headers.raw,
            content=request.stream,
            # A caller must not have TLS verified for another name than the one that is called.
            extensions={k: v for k, v in request.extensions.items() if k != "sni_hostname"},
        )
        most = int(request.extensions.get("max_bytes", self._max_bytes))
        until = asyncio.get_running_loop().time() + self._total
        answer = await self._answered(place, asked, until)
        if not isinstance(answer.stream, AsyncIterable):
            message = "an asynchronous pool gives asynchronous streams"
            raise TypeError(message)
        response = httpx.Response(
            status_code=answer.status,
            headers=answer.headers,
            stream=_Bounded(answer, answer.stream, most, until),
            extensions=answer.extensions,
        )
        encoding = response.headers.get("content-encoding", "identity").strip().lower()
        if encoding not in ("", "identity"):
            await response.stream.aclose()  # type: ignore[union-attr]  # it is the one made above
            message = f"the answer came as {encoding[:20]}, which nobody asked for"
            raise UnaskedEncoding(message)
        return response

    async def aclose(self) -> None:
        """Close the connections."""
        for pool in self._pools.values():
            await pool.aclose()

    async def _answered(
        self, place: Place, asked: httpcore.Request, until: float
    ) -> httpcore.Response:
        with _in_words_of_httpx():
            async with asyncio.timeout_at(until):
                return await self._pools[place.scheme].handle_async_request(asked)


class _Bounded(httpx.AsyncByteStream):
    """The body of an answer, for as many bytes and as long as it may last."""

    def __init__(
        self,
        answer: httpcore.Response,
        chunks: AsyncIterable[bytes],
        limit: int,
        until: float,
    ) -> None:
        self._answer = answer
        self._chunks = chunks
        self._left = limit
        self._until = until

    async def __aiter__(self) -> AsyncIterator[bytes]:
        chunks = aiter(self._chunks)
        while True:
            with _in_words_of_httpx():
                async with asyncio.timeout_at(self._until):
                    chunk = await anext(chunks, None)
            if chunk is None:
                return
            self._left -= len(chunk)
            if self._left < 0:
                message = "the answer is larger than allowed"
                raise ResponseTooLarge(message)
            yield chunk

    async def aclose(self) -> None:
        with _in_words_of_httpx():
            await self._answer.aclose()


@contextmanager
def _in_words_of_httpx() -> Iterator[None]:
    """Both libraries call their errors by the same names; callers know those of httpx."""
    try:
        yield
    except TimeoutError:
        message = "the answer took longer than it may, all in all"
        raise httpx.ReadTimeout(message) from None
    except (
        httpcore.TimeoutException,
        httpcore.NetworkError,
        httpcore.ProtocolError,
        httpcore.UnsupportedProtocol,
    ) as error:
        known: type[httpx.TransportError] = getattr(
            httpx, type(error).__name__, httpx.TransportError
        )
        raise known(str(error)) from error
