"""``session_check`` and ``list_during_logins``: what knowing who asks costs, and what finding out does.

The first is CPU: of one process, for a request that shows a session, from its cookie to the permission, 32
at once. The second is what a shopper waits for the product list while fifty people log in all the time.
"""

from __future__ import annotations

import asyncio
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Final

import httpx
import uvloop

from commercekit.identity import Client, NewAccount, Realm
from commercekit.identity.api import CookieSessions
from commercekit.kernel import new_id
from commercekit.platform.security import SESSIONS as STATE
from commercekit.platform.security import Principal, requires
from tests.benchmarks.load import CONNECTIONS, drive
from tests.benchmarks.rows import Result
from tests.benchmarks.shop import BenchShop

__all__ = ["LOGINS", "SESSIONS", "list_during_logins", "session_check"]

SESSIONS: Final = "session_check"
LOGINS: Final = "list_during_logins"
ALLOWED_US: Final = 50.0
ALLOWED_MS: Final = 100.0
_TOGETHER: Final = 32
_CHECKS: Final = 400
_CROWD: Final = 50
_ROUNDS: Final = 7


def session_check(shop: BenchShop) -> Result:
    """Requests a second stand for checks; the ratio is allowed over measured."""
    spent = uvloop.run(_checks(shop))
    best = min(spent)
    print(f"{SESSIONS} ... {best:.1f} µs of CPU, {_TOGETHER} at once")
    return Result(
        name=SESSIONS,
        rps=round(1e6 / best, 1),
        p50_ms=round(statistics.median(spent) / 1000, 4),
        p99_ms=round(max(spent) / 1000, 4),
        floor_rps=0,
        ratio=round(ALLOWED_US / best, 3),
        at_least=1.0,
    )


async def _checks(bench: BenchShop) -> list[float]:
    """Microseconds of CPU for each check, by round: neighbours on the processor only ever add."""
    async with bench.opened() as shop:
        identity = shop.identity
        new = NewAccount(email=f"{new_id().hex}@shop.example")
        account = await identity.accounts.create_staff(
            Principal.system("bench"), new, ["orders:read"], password="paper boats on a lake"
        )
        reader = CookieSessions(identity, secure=True)
        app = SimpleNamespace(state=SimpleNamespace(**{STATE: reader}))
        scopes = []
        for _ in range(_TOGETHER):
            async with shop.db.unit_of_work() as uow:
                session = await identity.sessions.open(uow, account, Client())
            cookie = f"theme=dark; {reader.cookies[Realm.STAFF.kind]}={session.secret}".encode()
            headers = [(b"host", b"shop.example"), (b"accept", b"*/*"), (b"cookie", cookie)]
            scopes.append({"headers": headers, "path": "/admin/orders"})
        guard = requires("orders:read")

        async def ask(scope: dict[str, object]) -> None:
            for _ in range(_CHECKS):
                await guard(SimpleNamespace(scope=dict(scope), app=app), None)

        spent = []
        for _ in range(_ROUNDS):
            began = time.process_time()
            await asyncio.gather(*(ask(scope) for scope in scopes))
            spent.append((time.process_time() - began) / (_TOGETHER * _CHECKS) * 1e6)
        return spent


def list_during_logins(shop: BenchShop, rounds: int, seconds: float) -> Result:
    """The ratio is of what is allowed to what 99 of 100 requests took at most, median of the rounds."""
    paths = shop.folder / f"{LOGINS}.txt"
    paths.write_text("/store/products\n", encoding="utf-8")
    with _logging_in(shop):
        drive(shop.url, "get.lua", paths, seconds=1.0)
        seen = [drive(shop.url, "get.lua", paths, seconds=seconds) for _ in range(rounds)]
    p99 = statistics.median(each.p99_ms for each in seen)
    print(f"{LOGINS} ... p99 {p99:.1f} ms while {_CROWD} log in, {CONNECTIONS} connections")
    return Result(
        name=LOGINS,
        rps=round(statistics.median(each.rps for each in seen), 1),
        p50_ms=round(statistics.median(each.p50_ms for each in seen), 2),
        p99_ms=round(p99, 2),
        floor_rps=0,
        ratio=round(ALLOWED_MS / p99, 3),
        at_least=1.0,
    )


@contextmanager
def _logging_in(shop: BenchShop) -> Iterator[None]:
    """Fifty people who try a password each, again and again; who is asked to come back does so at once."""
    stop = threading.Event()

    async def knock(client: httpx.AsyncClient) -> None:
        while not stop.is_set():
            body = {"email": f"{new_id().hex}@example.com", "password": "not the password"}
            answer = await client.post("/store/auth/login", json=body)
            assert answer.status_code in (401, 429, 503), answer.text
            if answer.status_code != 401:
                await asyncio.sleep(0.2)

    async def crowd() -> None:
        limits = httpx.Limits(max_connections=_CROWD)
        async with httpx.AsyncClient(base_url=shop.url, timeout=30, limits=limits) as client:
            await asyncio.gather(*(knock(client) for _ in range(_CROWD)))

    thread = threading.Thread(target=lambda: asyncio.run(crowd()))
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()
