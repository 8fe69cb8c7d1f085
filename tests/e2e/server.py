"""``commercekit run`` as a test starts it, kills it, and asks it over real sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest

from commercekit.platform.db.embedded import EmbeddedServer
from commercekit.platform.failpoints import VARIABLE

MAIN = [sys.executable, "-c", "from commercekit.cli import main; main()"]
PATIENCE = 180.0


async def _vacuumed(dsn: str) -> None:
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute("VACUUM (ANALYZE)")
    finally:
        await connection.close()


class Server:
    """``commercekit run`` with two processes, on a folder of its own."""

    def __init__(self, folder: Path, settings: str, products: str) -> None:
        (folder / "commercekit.toml").write_text(settings)
        (folder / "products.csv").write_text(products)
        self.folder = folder
        self.data = folder / "data"
        self.environ = {**os.environ, "COMMERCEKIT_DATA": str(self.data)}
        self.port = "0"
        self.token = ""
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def start(self, failpoints: str = "") -> None:
        """Start it and wait until it is ready; the port stays the same from the second time on."""
        output = self.folder / "output"
        with output.open("w") as written:
            self._process = subprocess.Popen(
                [*MAIN, "run", *self._config(), "--port", self.port, "--processes", "2"],
                env={**self.environ, VARIABLE: failpoints},
                stdout=written,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        until = time.monotonic() + PATIENCE
        while "Ctrl-C stops it." not in output.read_text():
            assert self._process.poll() is None, output.read_text()
            assert time.monotonic() < until, output.read_text()
            time.sleep(0.1)
        told = json.loads((self.data / "run/server.json").read_text())
        self.token, self.url = told["token"], told["base_url"]
        self.port = self.url.rpartition(":")[2]

    def ensure(self) -> None:
        """Start it unless it runs."""
        if self._process is None:
            self.start()

    def kill(self) -> None:
        """End the whole process group, at once and without a word."""
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    def audit(self) -> subprocess.CompletedProcess[str]:
        """The books, by the command that operators use.

        The tables were vacuumed before, as autovacuum does when it comes round: the doctor tells of those that
        have long waited for it, and thousands of orders within the first minutes look like that.
        """
        with EmbeddedServer(self.data) as database, ThreadPoolExecutor(1) as beside:
            beside.submit(asyncio.run, _vacuumed(database.dsn)).result()
        return subprocess.run(
            [*MAIN, "doctor", *self._config(), "--invariants"],
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def ask(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as whoever the headers say; a server that is not there shows its last words."""
        try:
            return httpx.request(method, f"{self.url}{path}", timeout=20, **request)
        except httpx.ConnectError:
            pytest.fail(f"nobody listens at {self.url}\n{(self.folder / 'output').read_text()}")

    def admin(self, method: str, path: str, **request: Any) -> httpx.Response:
        """Ask as staff."""
        headers = {"Authorization": f"Bearer {self.token}", **request.pop("headers", {})}
        return self.ask(method, path, headers=headers, **request)

    def _config(self) -> list[str]:
        return ["--config", str(self.folder / "commercekit.toml")]


@contextlib.contextmanager
def serving(settings: str, products: str) -> Iterator[Server]:
    """A shop in a folder of its own: it may be killed again and again, and goes on with its data."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-e2e-", dir="/var/tmp"))
    folder.chmod(0o755)
    made = Server(folder, settings, products)
    try:
        yield made
    finally:
        made.kill()
        EmbeddedServer(made.data).stop()
        shutil.rmtree(folder, ignore_errors=True)
