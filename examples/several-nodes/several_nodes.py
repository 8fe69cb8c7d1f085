"""A shop of several nodes on one machine: two that answer, two that work, and what they share.

    python several_nodes.py --port 8080

starts PostgreSQL, RabbitMQ, a cache, two nodes, two workers, and HAProxy in front, with the settings in
this folder. ``kill -HUP`` restarts the nodes and the workers one after the other, as for a new version;
Ctrl-C stops everything. The shop's data stays in the data folder.
"""

from __future__ import annotations

import argparse
import base64
import contextlib
import csv
import os
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Self

import httpx

from commercekit.platform.db.embedded import EmbeddedServer, reachable_folder
from commercekit.testing import CacheServer, MissingPrograms, RabbitServer
from commercekit.testing.services import GuardedProcess, free_ports

HERE = Path(__file__).resolve().parent
_PATIENCE = 240.0


class Member:
    """A node or a worker: a command that runs until SIGTERM, with a port that says how it is."""

    def __init__(
        self, name: str, command: Sequence[str], port: int, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        self.url = f"http://127.0.0.1:{port}"
        self._command = [*_commercekit(), *command, "--port", str(port)]
        self._environment = environment
        self._process = GuardedProcess(name, lend=False)

    @property
    def pid(self) -> int | None:
        """Its first process, while it lives."""
        return self._process.pid

    def start(self) -> None:
        """Start it; :meth:`wait` for it afterwards, so that several start at once."""
        self._process.start(self._command, self._environment)

    def wait(self) -> None:
        """Return when it is ready."""
        until = time.monotonic() + _PATIENCE
        while not self.is_ready():
            if self.pid is None or time.monotonic() > until:
                message = f"{self.name} did not become ready:\n{self._process.tail()}"
                raise RuntimeError(message)
            time.sleep(0.1)

    def is_ready(self) -> bool:
        """What a balancer's check would say."""
        try:
            return httpx.get(f"{self.url}/readyz", timeout=2).is_success
        except httpx.HTTPError:
            return False

    def restart(self) -> None:
        """Stop it in order, which lets it finish what it is at, and start it again."""
        self.stop()
        self.start()
        self.wait()

    def stop(self) -> None:
        """As systemd does with ``KillMode=mixed``: SIGTERM to the first process only."""
        self._process.terminate(patience=60)

    def kill(self) -> None:
        """``kill -9`` of the whole member."""
        self._process.kill()

    def said(self) -> str:
        """The last lines of its output."""
        return self._process.tail()

    def close(self) -> None:
        """Kill it and forget its output."""
        self._process.close()


class SeveralNodes:
    """Everything, on private ports, one ``with`` block long."""

    def __init__(
        self, data: Path, port: int = 0, settings: Mapping[str, str] | None = None
    ) -> None:
        """``settings`` are further variables for all nodes and workers, such as ``COMMERCEKIT_WEB__DRAIN``."""
        self._data = data
        self._settings = settings or {}
        self._stack = contextlib.ExitStack()
        self.port = port or free_ports(1)[0]
        self.url = f"http://127.0.0.1:{self.port}"
        self.nodes: list[Member] = []
        self.workers: list[Member] = []
        self.environment: dict[str, str] = {}
        """What every node, every worker and every command about this shop has to know."""
        self.is_closing = False
        """What still runs is being ended; whoever interrupted that would leave some of it behind."""

    def __enter__(self) -> Self:
        try:
            self._start()
        except BaseException:
            self._close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        """In the order in which an operator would: nobody loses what it stands on."""
        try:
            for member in [*self.nodes, *self.workers]:
                member.stop()
        finally:
            self._close()

    def _close(self) -> None:
        self.is_closing = True
        self._stack.close()

    def roll(self) -> None:
        """Restart one after the other; the next goes when the one before is ready again."""
        for member in [*self.nodes, *self.workers]:
            member.restart()
            _say(f"{member.name} is new")
            self.await_balancer()

    def _start(self) -> None:
        self._data.mkdir(parents=True, exist_ok=True)
        postgres = self._stack.enter_context(EmbeddedServer(self._data))
        rabbit = self._stack.enter_context(RabbitServer())
        cache = self._stack.enter_context(CacheServer())
        _say(f"PostgreSQL, {rabbit.version} and {cache.version} are up")
        self.environment = {
            **os.environ,
            "COMMERCEKIT_CONFIG": str(HERE / "commercekit.toml"),
            "COMMERCEKIT_DATABASE__DSN": postgres.dsn,
            "COMMERCEKIT_BUS__URL": rabbit.url,
            "COMMERCEKIT_CACHE__URL": cache.url,
            "COMMERCEKIT_SECURITY__MASTER_KEY": self._master_key(),
            "COMMERCEKIT_MEDIA__FOLDER": str(self._data / "shared" / "pictures"),
            "COMMERCEKIT_WEB__BASE_URL": self.url,
            **self._settings,
        }
        *ports, self._status = free_ports(5)
        for name, command, port in zip(
            ("node-a", "node-b", "worker-1", "worker-2"),
            (["run", "--http-only"],) * 2 + (["worker"],) * 2,
            ports,
            strict=True,
        ):
            # A folder of its own for each: what runs there is noted in it.
            data = {"COMMERCEKIT_DATA": str(self._data / name)}
            member = Member(name, command, port, {**self.environment, **data})
            self._stack.callback(member.close)
            (self.nodes if command[0] == "run" else self.workers).append(member)
            member.start()
        for member in [*self.nodes, *self.workers]:
            member.wait()
            _say(f"{member.name} is ready at {member.url}")
        self._balance()

    def _balance(self) -> None:
        program = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
        if program is None:
            message = "HAProxy is not installed: on Debian, `apt-get install haproxy`"
            raise MissingPrograms(message, packages=["haproxy"])
        self._balancer = GuardedProcess("haproxy")
        self._stack.callback(self._balancer.close)
        settings = self._balancer.write("haproxy.cfg", (HERE / "haproxy.cfg").read_text())
        addresses = {
            "SHOP": f"127.0.0.1:{self.port}",
            "NODE_A": self.nodes[0].url.removeprefix("http://"),
            "NODE_B": self.nodes[1].url.removeprefix("http://"),
            "STATUS": f"127.0.0.1:{self._status}",
        }
        self._balancer.start([program, "-f", settings], addresses)
        until = time.monotonic() + _PATIENCE
        while self.nodes_up() < len(self.nodes):
            if self._balancer.pid is None or time.monotonic() > until:
                message = f"HAProxy did not find its nodes:\n{self._balancer.tail()}"
                raise RuntimeError(message)
            time.sleep(0.1)

    def await_balancer(self) -> None:
        """Ready is not yet known to be ready: without this the next node might go while this one is out."""
        until = time.monotonic() + _PATIENCE
        while self.nodes_up() < len(self.nodes) and time.monotonic() < until:
            time.sleep(0.1)

    def nodes_up(self) -> int:
        """How many nodes get requests, as HAProxy sees it."""
        try:
            told = httpx.get(f"http://127.0.0.1:{self._status}/;csv", timeout=2).text
        except httpx.HTTPError:
            return 0
        rows = csv.DictReader(told.splitlines())
        return sum(
            row["status"].startswith("UP")
            for row in rows
            if row["# pxname"] == "nodes" and row["svname"] in {"a", "b"}
        )

    def _master_key(self) -> str:
        file = self._data / "master.key"
        if not file.exists():
            file.touch(mode=0o600)
            file.write_text(base64.b64encode(secrets.token_bytes(32)).decode())
        return file.read_text()


def _commercekit() -> list[str]:
    """The console script beside this Python, or the same without it."""
    script = Path(sys.executable).with_name("commercekit")
    if script.exists():
        return [str(script)]
    return [sys.executable, "-c", "from commercekit.cli import main; main()"]


def _say(sentence: str) -> None:
    sys.stdout.write(f"{sentence}\n")
    sys.stdout.flush()


def main() -> int:
    """Run until told to stop."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--port", type=int, default=8080, help="where the balancer listens")
    parser.add_argument("--data", type=Path, default=reachable_folder(Path(".data/several-nodes")))
    given = parser.parse_args()
    shop = SeveralNodes(given.data.absolute(), given.port)

    def stop(_number: int, _frame: object) -> None:
        """The first word lets everybody finish, the next one waits for nobody."""
        if not shop.is_closing:
            raise KeyboardInterrupt

    # Also while it starts: nothing is left behind whenever it is told to stop.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    rolls: list[int] = []
    signal.signal(signal.SIGHUP, lambda number, _frame: rolls.append(number))
    try:
        with shop:
            _say(
                f"\nThe shop is at {shop.url}; kill -HUP {os.getpid()} restarts it piece by piece, "
                "Ctrl-C stops it.\n"
            )
            while True:
                time.sleep(0.2)
                if rolls:
                    rolls.clear()
                    shop.roll()
    except MissingPrograms as error:
        _say(str(error))
        return 1
    except KeyboardInterrupt:
        return 0


if __name__ == "__main__":
    sys.exit(main())
