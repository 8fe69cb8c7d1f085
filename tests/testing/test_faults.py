"""The proxy passes on until told otherwise, and fails exactly as told."""

from __future__ import annotations

import asyncio

import pytest

from commercekit.testing import FaultProxy

GONE = (ConnectionError, asyncio.IncompleteReadError)


@pytest.fixture
async def echo():
    """A server that says everything back, and what it heard."""
    heard = []

    async def answer(reader, writer):
        while line := await reader.readline():
            heard.append(line)
            writer.write(line.upper())
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    async with FaultProxy("127.0.0.1", server.sockets[0].getsockname()[1]) as proxy:
        yield proxy, heard
    server.close()


@pytest.fixture
async def connect():
    """Connects by way of a proxy; whatever became of it is closed in the end."""
    opened = []

    async def open_one(proxy):
        opened.append(await asyncio.open_connection("127.0.0.1", proxy.port))
        return opened[-1]

    yield open_one
    for _, writer in opened:
        writer.close()


async def ask(connection, line):
    reader, writer = connection
    writer.write(line)
    return await reader.readuntil(b"\n")


async def test_it_passes_on_both_ways_and_names_itself(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    assert await ask(connection, b"hello\n") == b"HELLO\n"
    assert proxy.connections == 1
    assert proxy.url("postgresql://me:pw@db:5432/shop?x=1") == (
        f"postgresql://me:pw@127.0.0.1:{proxy.port}/shop?x=1"
    )


async def test_a_cut_breaks_what_is_there_and_not_what_comes(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"hello\n")
    proxy.cut()
    with pytest.raises(GONE):
        await ask(connection, b"again\n")
    again = await connect(proxy)
    assert await ask(again, b"again\n") == b"AGAIN\n"


async def test_a_cut_after_lets_the_server_hear_it_and_not_the_client(echo, connect):
    proxy, heard = echo
    connection = await connect(proxy)
    proxy.cut_after(b"pay\n")
    assert await ask(connection, b"look\n") == b"LOOK\n"
    with pytest.raises(GONE):
        await ask(connection, b"pay\n")
    async with asyncio.timeout(2):
        while heard != [b"look\n", b"pay\n"]:
            await asyncio.sleep(0.01)


async def test_frozen_it_holds_back_and_thawed_it_goes_on(echo, connect):
    proxy, heard = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.freeze()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(ask(connection, b"two\n"), 0.1)
    assert heard == [b"one\n"]
    proxy.thaw()
    assert await connection[0].readuntil(b"\n") == b"TWO\n"


async def test_refusing_breaks_new_connections_only(echo, connect):
    proxy, _ = echo
    old = await connect(proxy)
    await ask(old, b"one\n")
    proxy.refuse()
    with pytest.raises(GONE):
        await ask(await connect(proxy), b"two\n")
    assert await ask(old, b"three\n") == b"THREE\n"
    proxy.refuse(refusing=False)
    new = await connect(proxy)
    assert await ask(new, b"four\n") == b"FOUR\n"
