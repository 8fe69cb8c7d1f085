"""A fake vendor on a port of this machine, with a postman for its notifications."""

from __future__ import annotations

import threading
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Final, Self

import httpx
import structlog

from commercekit.errors import ConfigurationError
from commercekit.platform.fakes.folder import FakeFolder
from commercekit.platform.fakes.home import VendorHome
from commercekit.platform.fakes.vendor import Delivery, FakeVendor

__all__ = ["VendorServer", "play"]

_BOOKS: Final = "books"
"""The file that a vendor's memory is kept in."""
_LARGEST_BODY: Final = 4 * 1024 * 1024
_ROUND: Final = 0.1
"""Seconds between two looks for notifications that are due."""
_PATIENCE: Final = 5.0
"""Seconds a shop has to answer a notification; the strictest vendor gives as many."""
_log = structlog.get_logger("commercekit.platform.fakes")


def play(
    make: Callable[[VendorHome], FakeVendor], folder: FakeFolder, *, host: str, port: int, shop: str
) -> VendorServer:
    """A server for the vendor, bound and with its settings written; ``with`` starts it.

    ``port`` 0 takes a free one. Raises :class:`~commercekit.errors.ConfigurationError` for a port that
    somebody else has.
    """
    try:
        listening = _Listening((host, port), _Handler)
    except OSError as error:
        message = f"{folder.name} cannot be played on {host}:{port}: {error.strerror or error}"
        raise ConfigurationError(message) from error
    at = f"{host}:{listening.server_address[1]}"
    home = VendorHome(folder.path, address=f"http://{at}", shop=shop)
    vendor = make(home)
    home.write(folder.settings.name, vendor.settings().encode())
    home.write(folder.address_file.name, at.encode())
    return VendorServer(vendor, home, listening)


class VendorServer:
    """Serves one vendor from threads of its own; the vendor is asked one thing at a time.

    Its books are written down after every request and delivery: what it said stays said, whatever
    ends the process.
    """

    def __init__(self, vendor: FakeVendor, home: VendorHome, http: _Listening) -> None:
        """``http`` is bound already; where it listens is ``home``'s address."""
        self._vendor = vendor
        self._home = home
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._written = b""
        self._recall()
        self._http = http
        self._http.ask = self.answer
        self._threads = (
            threading.Thread(
                target=self._http.serve_forever, args=(_ROUND,), name="fake:http", daemon=True
            ),
            threading.Thread(target=self._carry, name="fake:postman", daemon=True),
        )

    @property
    def address(self) -> str:
        """Where it is reached, such as ``http://127.0.0.1:8811``."""
        return self._home.address

    def __enter__(self) -> Self:
        """Start to answer and to deliver."""
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Stop both; a delivery under way is finished."""
        self._over.set()
        self._http.shutdown()
        self._http.server_close()
        for thread in self._threads:
            thread.join(_PATIENCE * 2)

    def answer(self, request: httpx.Request) -> httpx.Response:
        """What the vendor says, written down before anybody hears it."""
        with self._lock:
            try:
                return self._vendor.answer(request)
            finally:
                self._write()

    def _recall(self) -> None:
        file = self._home.folder / _BOOKS
        if not file.exists():
            return
        self._written = file.read_bytes()
        try:
            self._vendor.recall(self._written)
        except ValueError as refusal:
            _log.warning("fake-vendor-begins-anew", reason=str(refusal))

    def _write(self) -> None:
        books = self._vendor.remember()
        if books != self._written:
            self._home.write(_BOOKS, books)
            self._written = books

    def _carry(self) -> None:
        # What a shop on this machine answers is between the two of them, whatever proxy is around.
        with httpx.Client(timeout=_PATIENCE, trust_env=False, follow_redirects=False) as client:
            while not self._over.wait(_ROUND):
                try:
                    with self._lock:
                        due = list(self._vendor.due())
                    for delivery in due:
                        self._deliver(client, delivery)
                except Exception:  # noqa: BLE001 - whatever it is, the next round may do better
                    _log.exception("fake-vendor-failed", method="notify")

    def _deliver(self, client: httpx.Client, delivery: Delivery) -> None:
        """Without the lock: the shop may ask back while it takes the notification."""
        try:
            answer = client.send(delivery.request)
        except httpx.HTTPError:
            answer = None
        with self._lock:
            self._vendor.delivered(delivery.key, answer)
            self._write()


class _Listening(ThreadingHTTPServer):
    """A bound port; what comes in waits until somebody serves it."""

    daemon_threads = True
    ask: Callable[[httpx.Request], httpx.Response]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A line that broke is its owner's business; the standard library prints a traceback."""
        _log.debug("fake-vendor-line-broke", client=client_address[0], exc_info=True)


class _Handler(BaseHTTPRequestHandler):
    """Between sockets and httpx's words."""

    server: _Listening
    protocol_version = "HTTP/1.1"
    timeout = 30

    def serve(self) -> None:
        length = self.headers.get("Content-Length", "0")
        if self.headers.get("Transfer-Encoding") or not length.isdecimal():
            self._say(httpx.Response(411, text="Say Content-Length."))
            return
        if int(length) > _LARGEST_BODY:
            self._say(httpx.Response(413, text="That is more than anybody asks of this vendor."))
            return
        target = self.path
        if not target.startswith(
            ("http://", "https://")
        ):  # RFC 9112 3.2.2: some clients say it whole
            target = f"http://{self.headers.get('Host', 'localhost')}{target}"
        request = httpx.Request(
            self.command,
            target,
            headers=list(self.headers.items()),
            content=self.rfile.read(int(length)),
        )
        try:
            answer = self.server.ask(request)
        except Exception:  # noqa: BLE001 - whatever it is, the vendor goes on
            _log.exception("fake-vendor-failed", method=self.command, path=request.url.path)
            answer = httpx.Response(500, text="The fake itself failed; its log says how.")
        self._say(answer)

    def _say(self, answer: httpx.Response) -> None:
        body = answer.read()
        self.send_response(answer.status_code)
        for name, value in answer.headers.multi_items():
            if name.lower() not in {"content-length", "connection", "transfer-encoding"}:
                self.send_header(name, value)
        if answer.status_code != httpx.codes.NO_CONTENT:
            self.send_header("Content-Length", str(len(body)))
        if answer.status_code in {411, 413}:
            self.close_connection = True  # the body was not read
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        """Nothing: who plays with a fake looks at the shop's log."""


for _verb in ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"):
    setattr(_Handler, f"do_{_verb}", _Handler.serve)
