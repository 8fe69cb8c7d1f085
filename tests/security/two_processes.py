"""Two servers of one shop, as `commercekit run` starts them: real sockets, one database."""

from __future__ import annotations

import base64
import json
import os
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

__all__ = ["Server", "two_servers"]

MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 90.0
SETTINGS = """
name = "Two doors"
[web]
processes = 1
[plugins]
enabled = []
[identity.passwords]
memory_kib = 64
passes = 1
[identity.customers]
captcha = "never"
"""


@dataclass
class Server:
    """One of the two."""

    url: str
    data: Path
    log: Path

    @property
    def address(self) -> tuple[str, int]:
        """Where its socket listens."""
        url = httpx.URL(self.url)
        return url.host, url.port or 80

    def client(self) -> httpx.Client:
        """A browser that only knows this server."""
        return httpx.Client(base_url=self.url, timeout=30)

    def staff(self) -> dict[str, str]:
        """The header of the token that the server wrote down for commands beside it."""
        told = json.loads((self.data / "run/server.json").read_text(encoding="utf-8"))
        return {"Authorization": f"Bearer {told['token']}"}

    def told(self) -> str:
        """What it wrote into its log so far."""
        return self.log.read_text(encoding="utf-8")

    def say(self, request: bytes) -> bytes:
        """Send bytes as they are, and give what comes until the server closes or is done."""
        with socket.create_connection(self.address, timeout=30) as wire:
            wire.sendall(request)
            wire.settimeout(10)
            told = b""
            while True:
                part = wire.recv(65536)
                if not part:
                    return told
                told += part


@contextmanager
def _running(folder: Path, dsn: str, key: str) -> Iterator[Server]:
    folder.mkdir()
    file, log, data = folder / "commercekit.toml", folder / "log", folder / "data"
    file.write_text(SETTINGS, encoding="utf-8")
    environ = {
        **os.environ,
        "LANG": "C.UTF-8",
        "COMMERCEKIT_DATA": str(data),
        "COMMERCEKIT_DATABASE__DSN": dsn,
        "COMMERCEKIT_SECURITY__MASTER_KEY": key,
    }
    with log.open("w") as output:
        process = subprocess.Popen(
            [*MAIN, "run", "--config", str(file), "--port", "0"],
            env=environ,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        until = time.monotonic() + PATIENCE
        while "Ctrl-C stops it." not in log.read_text():
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < until, log.read_text()
            time.sleep(0.1)
        told = json.loads((data / "run/server.json").read_text(encoding="utf-8"))
        yield Server(told["base_url"], data, log)
    finally:
        process.terminate()
        try:
            process.wait(timeout=PATIENCE)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


@contextmanager
def two_servers(folder: Path, dsn: str) -> Iterator[tuple[Server, Server]]:
    """Both up, on one empty database."""
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    with ExitStack() as stack:
        first = stack.enter_context(_running(folder / "one", dsn, key))
        yield first, stack.enter_context(_running(folder / "two", dsn, key))
