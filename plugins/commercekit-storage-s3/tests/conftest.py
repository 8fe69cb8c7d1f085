"""An S3 server of its own process (moto's), and a way there that can be made to fail."""

from __future__ import annotations

import http.client
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import httpx
import pytest

BUCKET = "pictures"
_HOP = {"connection", "transfer-encoding", "keep-alive", "content-length", "date", "server"}


class FakeS3:
    """Where it is, and what lies in it, asked without the storage that is tested."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.url = f"http://127.0.0.1:{port}"

    def reset(self) -> None:
        """One empty bucket."""
        httpx.post(f"{self.url}/moto-api/reset").raise_for_status()
        httpx.put(f"{self.url}/{BUCKET}", headers=_AUTH).raise_for_status()

    def names(self) -> list[str]:
        """The keys in the bucket."""
        text = httpx.get(f"{self.url}/{BUCKET}?list-type=2", headers=_AUTH).text
        return [part.partition("</Key>")[0] for part in text.split("<Key>")[1:]]

    def read(self, key: str) -> httpx.Response:
        """One object."""
        return httpx.get(f"{self.url}/{BUCKET}/{key}", headers=_AUTH)


# moto looks at who asks and not at the signature.
_AUTH = {
    "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261122/us-east-1/s3/aws4_request,"
    " SignedHeaders=host, Signature=0"
}


@pytest.fixture(scope="session")
def s3_process() -> Iterator[FakeS3]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    process = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=dict(os.environ)
    )
    server = FakeS3(port)
    try:
        deadline = time.monotonic() + 60
        while True:
            try:
                httpx.get(f"{server.url}/moto-api/", timeout=2)
                break
            except httpx.TransportError:
                assert process.poll() is None, "moto's server did not come up"
                assert time.monotonic() < deadline, "moto's server did not come up"
                time.sleep(0.1)
        yield server
    finally:
        process.terminate()
        process.wait(10)


@pytest.fixture
def s3(s3_process: FakeS3) -> FakeS3:
    """The server with one empty bucket."""
    s3_process.reset()
    return s3_process


class Road:
    """Leads to the server; ``script`` says what becomes of the next requests, then all come through.

    ``503``: refused on the way. ``drop``: broken before it arrives. ``unheard``: done, and the answer is
    lost. ``slow``: done, and answered too late.
    """

    def __init__(self, target: int) -> None:
        self.script: list[str] = []
        self.seen: list[str] = []
        road = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def _handle(self) -> None:
                fate = road.script.pop(0) if road.script else "pass"
                road.seen.append(f"{self.command} {fate}")
                length = int(self.headers.get("content-length", 0))
                body = self.rfile.read(length)
                if fate == "503":
                    self.send_response(503)
                    self.send_header("content-length", "0")
                    self.end_headers()
                    return
                if fate == "drop":
                    self._break()
                    return
                there = http.client.HTTPConnection("127.0.0.1", target)
                there.request(self.command, self.path, body, dict(self.headers.items()))
                answer = there.getresponse()
                content = answer.read()
                if fate == "unheard":
                    self._break()
                    return
                if fate == "slow":
                    time.sleep(0.6)
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in _HOP:
                        self.send_header(name, value)
                self.send_header("content-length", str(len(content)))
                self.end_headers()
                if self.command != "HEAD":
                    self.wfile.write(content)

            def _break(self) -> None:
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)

            def log_message(self, *_args: object) -> None:
                return

        for verb in ("GET", "PUT", "DELETE", "HEAD", "POST"):
            setattr(Handler, f"do_{verb}", Handler._handle)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def close(self) -> None:
        """No way any more."""
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def road(s3: FakeS3) -> Iterator[Road]:
    """A way to the server that can be made to fail."""
    made = Road(s3.port)
    yield made
    made.close()
