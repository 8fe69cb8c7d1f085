"""A transaction in which nothing happens for too long is ended by PostgreSQL, and its request says so."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from uuid import uuid4

import asyncpg
import httpx
import pytest

from tests.faults.statements import Watcher, watched_statements
from tests.shop import MUG, TestShop, given, refused

pytestmark = pytest.mark.promise("R33")

IDLE = """
SELECT count(*) FROM pg_stat_activity
WHERE state LIKE 'idle in transaction%' AND datname = current_database()
"""


async def be_impatient(shop: TestShop) -> None:
    """Every connection of the pool is ended after 200 ms without a statement in a transaction, not 30 s."""
    async with AsyncExitStack() as all_of_them:
        for _ in range(shop.shop.settings.database.pool_size):
            connection = await all_of_them.enter_async_context(shop.shop.db._connection())
            await connection.execute("SET idle_in_transaction_session_timeout = '200ms'")


async def test_who_stands_still_in_a_transaction_is_told_503_and_has_changed_nothing(
    shop: TestShop, dsn: str
) -> None:
    on_hand, _ = await shop.stock(MUG)
    await be_impatient(shop)
    key, halted = {"Idempotency-Key": str(uuid4())}, False

    async def receive() -> httpx.Response:
        body = {"quantity": 5}
        return await shop.admin("POST", f"/admin/stock/{MUG}/receipts", json=body, headers=key)

    async def stand_still() -> None:
        nonlocal halted
        near = await asyncpg.connect(dsn)
        try:
            async with asyncio.timeout(30):
                halted = bool(await near.fetchval(IDLE))
                while await near.fetchval(IDLE):
                    await asyncio.sleep(0.02)
        finally:
            await near.close()

    with watched_statements():
        for number in range(1, 30):
            key["Idempotency-Key"] = str(uuid4())
            answer = await Watcher(number, stand_still).work(receive())
            if halted:
                break
            given(answer, 201)
            on_hand += 5
    refused(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) >= 1
    assert await shop.stock(MUG) == (on_hand, 0)
    assert shop.shop.db.in_use == 0
    for _ in range(2):
        given(await receive(), 201)
        assert await shop.stock(MUG) == (on_hand + 5, 0)
