"""Shoppers at a shop whose processes are killed: each asks again with its key until it is answered."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
import psutil

from commercekit.platform.db.embedded import EmbeddedServer
from tests.e2e.server import Server
from tests.faults.journeys import ADDRESS

PATIENCE = 300.0


def wish(method: str = "cod", sku: str = "MUG") -> dict[str, Any]:
    """One of ``sku``, by somebody."""
    return {
        "lines": [{"sku": sku, "quantity": 1}],
        "address": ADDRESS,
        "email": f"{uuid4().hex[:12]}@example.com",
        "shipping": "table-rate-standard",
        "payment_method": method,
    }


@dataclass
class Buyers:
    """What they asked for, and how they were answered."""

    url: str
    method: str = "cod"
    numbers: dict[str, str] = field(default_factory=dict)
    """The order number that each key was answered with."""
    statuses: Counter[int] = field(default_factory=Counter)
    answered_at: list[float] = field(default_factory=list)
    slowest: float = 0.0
    """Seconds that the longest request took, answered or not."""

    async def crowd(self, many: int, until: asyncio.Event) -> None:
        """``many`` buyers, each ordering again and again until the end; nobody leaves unanswered."""
        # One connection for each request: a process that was killed takes its connections along.
        limits = httpx.Limits(max_keepalive_connections=0, max_connections=many)
        async with httpx.AsyncClient(base_url=self.url, timeout=30, limits=limits) as client:
            await asyncio.gather(*(self._buyer(client, until) for _ in range(many)))

    async def _buyer(self, client: httpx.AsyncClient, until: asyncio.Event) -> None:
        while not until.is_set():
            await self.order(client)

    async def order(self, client: httpx.AsyncClient) -> None:
        """One order, however often it has to be asked for."""
        key, body = str(uuid4()), wish(self.method)
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            begun = time.monotonic()
            try:
                answer = await client.post(
                    "/store/checkout", json=body, headers={"Idempotency-Key": key}
                )
            except httpx.TransportError:
                await asyncio.sleep(0.1)
                continue
            finally:
                self.slowest = max(self.slowest, time.monotonic() - begun)
            self.statuses[answer.status_code] += 1
            if answer.status_code == 201:
                self.numbers[key] = answer.json()["number"]
                self.answered_at.append(time.monotonic())
                return
            if answer.status_code == 503:
                assert int(answer.headers["retry-after"]) >= 1, answer.text
            else:
                assert "idempotency-key-in-flight" in answer.text, answer.text
            await asyncio.sleep(0.2)
        message = f"nobody answered {key} for {PATIENCE} s"
        raise AssertionError(message)

    def back_after(self, moment: float) -> float:
        """Seconds from ``moment`` until the next order was placed."""
        return min(at for at in self.answered_at if at > moment) - moment


async def settled(server: Server, buyers: Buyers, before: int = 0) -> None:
    """Every order that was answered is there, once, and there is no other; the books are right."""
    numbers = list(buyers.numbers.values())
    assert len(set(numbers)) == len(numbers)
    connection = await asyncpg.connect(await asyncio.to_thread(dsn_of, server))
    try:
        there = {row["number"] for row in await connection.fetch("SELECT number FROM orders_order")}
    finally:
        await connection.close()
    assert set(numbers) - there == set()
    assert len(there) == len(numbers) + before
    audit = await asyncio.to_thread(server.audit)
    assert audit.returncode == 0, audit.stdout


def dsn_of(server: Server) -> str:
    """Where the shop's own database is; started again if it was killed."""
    with EmbeddedServer(server.data) as database:
        return database.dsn


def postgres_of(server: Server) -> int:
    """The process id of PostgreSQL, as soon as somebody has started it again."""
    end = time.monotonic() + PATIENCE
    while (pid := EmbeddedServer(server.data).pid) is None:
        assert time.monotonic() < end, "nobody started PostgreSQL"
        time.sleep(0.05)
    return pid


def kill_postgres(server: Server) -> None:
    """SIGKILL for PostgreSQL and all of its processes at once."""
    pid = postgres_of(server)
    family: list[psutil.Process] = []
    with suppress(psutil.NoSuchProcess):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
    for process in family:
        with suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=PATIENCE)


def workers(server: Server) -> set[int]:
    """Server processes whose loops run."""
    signs: list[Path] = list((server.data / "run/alive").iterdir())
    return {int(sign.name) for sign in signs if psutil.pid_exists(int(sign.name))}


def kill_workers(server: Server) -> None:
    """SIGKILL for every process that answers requests; their parent replaces them."""
    for pid in workers(server):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)
