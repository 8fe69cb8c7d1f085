"""What lies in the shop's database, cache and queue, as somebody reads it who has stolen them."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from typing import Any

import aio_pika
import valkey.asyncio

from tests.shop import TestShop


async def dump(shop: TestShop) -> dict[str, bytes]:
    """Each table's rows as text, and the values of the cache, by name."""
    db = shop.shop.db
    tables = await db.fetch(
        "SELECT quote_ident(n.nspname) || '.' || quote_ident(c.relname) AS name FROM pg_class c"
        " JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'm')"
        " AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'pg_toast') ORDER BY 1"
    )
    found: dict[str, bytes] = {}
    for table in tables:
        rows = await db.fetch(f"SELECT t::text AS row FROM {table['name']} t")
        if rows:
            found[table["name"]] = "\n".join(row["row"] for row in rows).encode()
    kept: Any = getattr(shop.shop.cache, "_store", None)
    if kept is not None:
        found["the cache"] = repr(vars(kept)).encode()
    return found


async def dump_of_cache(url: str) -> dict[str, bytes]:
    """Each key of a cache server with whatever lies under it."""
    client = valkey.asyncio.Valkey.from_url(url)
    async with client:
        found: dict[str, bytes] = {}
        async for key in client.scan_iter():
            match await client.type(key):
                case b"string":
                    value: Any = await client.get(key)
                case b"hash":
                    value = await client.hgetall(key)
                case b"zset":
                    value = await client.zrange(key, 0, -1)
                case kind:
                    message = f"{key!r} is a {kind!r}, which this dump cannot read"
                    raise NotImplementedError(message)
            found[repr(key)] = (
                key + b" " + (value if isinstance(value, bytes) else repr(value).encode())
            )
        return found


@asynccontextmanager
async def listening_in(
    url: str, exchange: str
) -> AsyncIterator[Callable[[], Awaitable[dict[str, bytes]]]]:
    """A queue that gets a copy of all that is published; the result is called for what came."""
    connection = await aio_pika.connect(url)
    async with connection:
        channel = await connection.channel()
        await channel.declare_exchange(exchange, "topic", durable=True)
        queue = await channel.declare_queue("listening-in", durable=False, auto_delete=True)
        await queue.bind(exchange, "#")

        async def heard() -> dict[str, bytes]:
            found: dict[str, bytes] = {}
            while (message := await queue.get(no_ack=True, fail=False)) is not None:
                told = repr((message.info(), message.headers)).encode()
                name = f"{message.routing_key} {message.message_id}"
                found[name] = told + b" " + message.body
            return found

        yield heard


def spellings(canary: str) -> list[bytes]:
    """The ways in which a text can lie in clear: as it is, in hexadecimal, in base64 at any offset."""
    plain = canary.encode()
    found = [plain, plain.hex().encode(), plain.hex().upper().encode()]
    for offset in range(3):
        encoded = base64.b64encode(b"\0" * offset + plain)
        # The letters that depend on neighbours are left away.
        found.append(encoded[(0, 2, 3)[offset] : len(encoded) // 4 * 4 - 4])
    return [each for each in found if len(each) >= 6]


def seen(dumped: dict[str, bytes], canaries: Iterable[str]) -> list[tuple[str, str]]:
    """Where which canary can be read."""
    return [
        (place, canary)
        for place, content in dumped.items()
        for canary in canaries
        if any(spelling in content for spelling in spellings(canary))
    ]
