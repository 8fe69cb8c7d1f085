"""Two real processes: what one changes, neither serves old once the word is out."""

from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

import pytest_asyncio

from commercekit.catalog import ProductChange, ProductStatus

LIST, DETAIL = "/store/products", "/store/products/mug"


class Reader:
    """The other process."""

    def __init__(self, process):
        self.process = process

    async def line(self):
        async with asyncio.timeout(30):
            told = await self.process.stdout.readline()
        return json.loads(told)

    async def get(self, path):
        self.process.stdin.write(f"{path}\n".encode())
        await self.process.stdin.drain()
        return await self.line()

    async def until(self, path, is_new):
        """How long after now the process served what ``is_new`` says; it must not take seconds."""
        began = time.perf_counter()
        while not is_new(await self.get(path)):
            assert time.perf_counter() - began < 3
            await asyncio.sleep(0.005)
        return time.perf_counter() - began


@pytest_asyncio.fixture
async def reader(shop, dsn):
    root = Path(__file__).parents[2]
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.storefront.reader", dsn),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(root / "src"), str(root)])},
        limit=1 << 20,
    )
    other = Reader(process)
    assert await other.line() == {"ready": True}
    yield other
    process.stdin.write(b"\n")
    process.stdin.close()
    async with asyncio.timeout(10):
        await process.wait()


def price(answer):
    return json.loads(answer["body"])["price"]["amount"]


async def test_no_process_serves_an_old_price_stock_or_publication(shop, lane, reader):
    made = await shop.product("mug", price=1000, stock=9)
    # Both keep the pages from here on.
    for _ in range(5):
        await reader.get(DETAIL)
        kept = await reader.get(LIST)
        await lane.get(DETAIL)
    assert kept["hits"] >= 2

    delays = []
    for amount in range(1001, 1021):
        await shop.price("MUG", amount)
        # The process that changed it, at once.
        assert (await lane.get(DETAIL)).json()["price"]["amount"] == amount
        delays.append(await reader.until(DETAIL, lambda answer, a=amount: price(answer) == a))
        # New once is new for good, in the list too.
        assert price(await reader.get(DETAIL)) == amount
        (item,) = json.loads((await reader.get(LIST))["body"])["items"]
        assert item["price"]["amount"] == amount
    assert sorted(delays)[len(delays) // 2] < 0.5

    await shop.stock("MUG", 0)
    assert (await lane.get(DETAIL)).json()["in_stock"] is False
    await reader.until(DETAIL, lambda answer: json.loads(answer["body"])["in_stock"] is False)
    (item,) = json.loads((await reader.get(LIST))["body"])["items"]
    assert item["badges"] == ["new", "sold-out"]

    await shop.catalog.change_product(made.id, ProductChange(status=ProductStatus.DRAFT))
    assert (await lane.get(DETAIL)).status_code == 404
    await reader.until(DETAIL, lambda answer: answer["status"] == 404)
    assert json.loads((await reader.get(LIST))["body"])["items"] == []
