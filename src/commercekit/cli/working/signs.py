"""The small port of a worker: ``/livez``, ``/readyz`` and ``/metrics``, and nothing else."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

from commercekit.platform.telemetry import MetricsRegistry

__all__ = ["Health", "showing"]

Health = Callable[[], tuple[bool, dict[str, Any]]]
"""Whether every process can work, and what to say about it."""
_TIMEOUT: Final = 5.0


class _Answers(BaseHTTPRequestHandler):
    """One request; the server of the standard library is enough for a probe every few seconds."""

    protocol_version = "HTTP/1.1"
    server_version = "commercekit-worker"
    sys_version = ""
    timeout = _TIMEOUT
    server: _Port

    def do_GET(self) -> None:
        """Answer."""
        self._answer()

    def do_HEAD(self) -> None:
        """Answer without the body."""
        self._answer(body=False)

    def log_message(self, *_: Any) -> None:
        """Probes are not worth a line."""

    def _answer(self, *, body: bool = True) -> None:
        status, kind, content = self._content(urlsplit(self.path).path)
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.end_headers()
        if body:
            self.wfile.write(content)

    def _content(self, path: str) -> tuple[HTTPStatus, str, bytes]:
        if path == "/livez":
            return _json(HTTPStatus.OK, {"status": "ok"})
        if path == "/readyz":
            well, told = self.server.health()
            if well:
                return _json(HTTPStatus.OK, {"status": "ok", **told})
            return _problem(HTTPStatus.SERVICE_UNAVAILABLE, "Not every process works.", told)
        if path == "/metrics":
            return HTTPStatus.OK, *MetricsRegistry().exposition()
        return _problem(HTTPStatus.NOT_FOUND, "Ask /livez, /readyz or /metrics.", {})


class _Port(ThreadingHTTPServer):
    daemon_threads = True
    health: Health


@contextlib.contextmanager
def showing(host: str, port: int, health: Health) -> Iterator[str]:
    """Answer at ``host`` and ``port`` for as long as the block lasts; gives the address."""
    import socket

    class Port(_Port):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    server = Port((host, port), _Answers)
    server.health = health
    thread = threading.Thread(target=server.serve_forever, name="commercekit:signs", daemon=True)
    thread.start()
    shown = f"[{host}]" if ":" in host else host
    try:
        yield f"http://{shown}:{server.server_address[1]}"
    finally:
        server.shutdown()
        server.server_close()


def _json(status: HTTPStatus, told: dict[str, Any]) -> tuple[HTTPStatus, str, bytes]:
    return status, "application/json", json.dumps(told).encode()


def _problem(
    status: HTTPStatus, detail: str, told: dict[str, Any]
) -> tuple[HTTPStatus, str, bytes]:
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    return status, "application/problem+json", json.dumps({**problem, **told}).encode()
