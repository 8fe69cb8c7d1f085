"""What stands between a gateway and its vendor in a trial: a line that can be cut in many ways."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from enum import StrEnum

import httpx

__all__ = ["Fault", "Line"]

_SILENCE = "The vendor did not answer in time"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class Fault(StrEnum):
    """One way in which a call can go wrong on the way."""

    UNREACHABLE = "unreachable"
    """No connection: surely nothing was done."""
    UNHEARD = "unheard"
    """The request was sent and never arrived. Nobody on this side can know."""
    UNANSWERED = "unanswered"
    """Carried out, and the answer did not come in time."""
    BROKEN_OFF = "broken-off"
    """Carried out, and the connection broke before the answer was whole."""
    SERVER_ERROR = "server-error"
    """Carried out, and something in between answered 502."""
    NONSENSE = "nonsense"
    """Carried out, and the answer is a page in HTML under status 200."""
    HANGING = "hanging"
    """Nothing comes, for as long as this lasts."""


class Line(httpx.AsyncBaseTransport):
    """Passes requests on to ``client`` and counts; on demand it fails."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self._client = client
        self._fault: Fault | None = None
        self._reads_fail = False
        self._released = asyncio.Event()
        self.requests: list[httpx.Request] = []
        """Everything that the gateway sent, oldest first."""
        self.waiting = 0
        """Requests that hang at this moment."""
        self.open = 0
        """Answers that were handed out and neither read to the end nor closed."""
        self.vendor_error: Exception | None = None
        """What the vendor's fake itself raised: a mistake in the fake, not in the gateway."""

    @contextlib.contextmanager
    def failing(self, fault: Fault, *, reads: bool = False) -> Iterator[None]:
        """Have every request end like that for a while; questions (GET) only with ``reads``."""
        self._fault, self._reads_fail = fault, reads
        self._released.clear()
        try:
            yield
        finally:
            self._fault = None
            self._released.set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Pass it on, or not; answer, or not."""
        await request.aread()
        self.requests.append(request)
        # Nobody answers within the same turn of the loop, out there.
        await asyncio.sleep(0)
        fault = self._fault
        if request.method in _SAFE and not self._reads_fail:
            fault = None
        if fault is Fault.UNREACHABLE:
            message = "All connection attempts failed"
            raise httpx.ConnectError(message, request=request)
        if fault is Fault.UNHEARD:
            raise httpx.ReadTimeout(_SILENCE, request=request)
        if fault is Fault.HANGING:
            await self._hang(request)
        status, headers, content = await self._deliver(request)
        if fault is Fault.UNANSWERED:
            raise httpx.ReadTimeout(_SILENCE, request=request)
        if fault is Fault.BROKEN_OFF:
            message = "Server disconnected without sending a response."
            raise httpx.RemoteProtocolError(message, request=request)
        if fault in (Fault.SERVER_ERROR, Fault.NONSENSE):
            status = 502 if fault is Fault.SERVER_ERROR else 200
            headers = httpx.Headers({"content-type": "text/html"})
            content = b"<html><body><h1>It works, or not</h1></body></html>"
        self.open += 1
        return httpx.Response(status, headers=headers, stream=_Answer(self, content))

    async def _hang(self, request: httpx.Request) -> None:
        self.waiting += 1
        try:
            await self._released.wait()
        finally:
            self.waiting -= 1
        raise httpx.ReadTimeout(_SILENCE, request=request)

    async def _deliver(self, request: httpx.Request) -> tuple[int, httpx.Headers, bytes]:
        sent = self._client.build_request(
            request.method, request.url, headers=request.headers, content=request.content
        )
        # In a task of its own: what the vendor's fake does is not done by the gateway.
        delivery = asyncio.ensure_future(self._client.send(sent))
        try:
            answer = await delivery
        except httpx.TransportError:
            raise
        except Exception as error:
            self.vendor_error = error
            raise
        headers = answer.headers.copy()
        for name in ("content-encoding", "transfer-encoding", "content-length"):
            headers.pop(name, None)
        return answer.status_code, headers, answer.content


class _Answer(httpx.AsyncByteStream):
    """The body of an answer, which has to be closed."""

    def __init__(self, line: Line, content: bytes) -> None:
        self._line = line
        self._content = content
        self._closed = False

    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield self._content

    async def aclose(self) -> None:
        if not self._closed:
            self._closed = True
            self._line.open -= 1
