"""The proxy passes on until told otherwise, and fails exactly as told."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
import time
from urllib.parse import urlsplit

import pytest

from commercekit.testing import FaultProxy, FaultProxyThread

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
    assert await ask(connection, b"order\n") == b"ORDER\n"
    assert proxy.connections == 1
    assert proxy.url("postgresql://me:pw@db:5432/shop?x=1") == (
        f"postgresql://me:pw@127.0.0.1:{proxy.port}/shop?x=1"
    )


async def test_a_cut_breaks_what_is_there_and_not_what_comes(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"order\n")
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


async def arrives(task, seconds=0.15):
    """Whether it is done after a moment in which it could be."""
    done, _ = await asyncio.wait({task}, timeout=seconds)
    return bool(done)


async def test_a_reset_is_heard_as_one(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"order\n")
    proxy.reset()
    with pytest.raises(ConnectionResetError):
        await connection[0].readexactly(1)
    assert await ask(await connect(proxy), b"again\n") == b"AGAIN\n"


async def test_half_open_its_client_hears_nothing_and_the_server_has_forgotten(echo, connect):
    proxy, heard = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.half_open()
    waiting = asyncio.ensure_future(ask(connection, b"two\n"))
    assert not await arrives(waiting)
    waiting.cancel()
    assert heard == [b"one\n"]
    assert await ask(await connect(proxy), b"three\n") == b"THREE\n"


async def test_a_withheld_answer_is_lost_after_the_work_is_done_and_other_connections_stand(
    echo, connect
):
    proxy, heard = echo
    first, second = await connect(proxy), await connect(proxy)
    await ask(second, b"look\n")
    proxy.withhold_answer(b"pay")
    with pytest.raises(GONE):
        await ask(first, b"pay\n")
    assert heard == [b"look\n", b"pay\n"]
    assert await ask(second, b"pay\n") == b"PAY\n"


@pytest.mark.parametrize(("way", "left", "came"), [("to_client", 3, b"ORD"), ("to_server", 3, b"")])
async def test_it_cuts_in_the_middle_of_a_message(echo, connect, way, left, came):
    proxy, heard = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.cut_after_bytes(left, way)
    with pytest.raises(asyncio.IncompleteReadError) as cut:
        await ask(connection, b"order\n")
    assert cut.value.partial == came
    assert heard == [b"one\n", b"order\n" if way == "to_client" else b"ord"]


async def test_a_delay_is_no_throttle_and_keeps_the_order(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.delay(0.1, jitter=0.1)
    begun = asyncio.get_running_loop().time()
    for number in range(20):
        connection[1].write(b"%d\n" % number)
        await asyncio.sleep(0)
    came = [await connection[0].readuntil(b"\n") for _ in range(20)]
    assert came == [b"%d\n" % number for number in range(20)]
    assert 0.2 <= asyncio.get_running_loop().time() - begun < 1.0
    proxy.heal()
    begun = asyncio.get_running_loop().time()
    await ask(connection, b"quick\n")
    assert asyncio.get_running_loop().time() - begun < 0.1


async def test_a_throttled_wire_trickles(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.throttle(100, way="to_client")
    begun = asyncio.get_running_loop().time()
    assert await ask(connection, b"x" * 29 + b"\n") == b"X" * 29 + b"\n"
    assert 0.2 <= asyncio.get_running_loop().time() - begun < 1.0
    with pytest.raises(ValueError, match="frozen"):
        proxy.throttle(0)


async def test_in_a_black_hole_everything_vanishes_and_what_comes_after_it_works(echo, connect):
    proxy, heard = echo
    old = await connect(proxy)
    await ask(old, b"one\n")
    proxy.blackhole()
    new = await connect(proxy)
    waiting = [asyncio.ensure_future(ask(each, b"lost\n")) for each in (old, new)]
    assert not await arrives(waiting[0])
    proxy.heal()
    assert not await arrives(waiting[0])
    assert not await arrives(waiting[1])
    for each in waiting:
        each.cancel()
    assert heard == [b"one\n"]
    assert await ask(await connect(proxy), b"two\n") == b"TWO\n"


async def test_one_direction_alone_may_vanish(echo, connect):
    proxy, heard = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    proxy.blackhole(way="to_client")
    waiting = asyncio.ensure_future(ask(connection, b"two\n"))
    assert not await arrives(waiting)
    waiting.cancel()
    assert heard == [b"one\n", b"two\n"]


async def test_a_client_that_leaves_is_counted_out_and_the_server_hears_the_end(echo, connect):
    proxy, _ = echo
    connection = await connect(proxy)
    await ask(connection, b"one\n")
    assert proxy.open == 1
    connection[1].close()
    async with asyncio.timeout(2):
        while proxy.open:
            await asyncio.sleep(0.01)


def test_in_a_thread_of_its_own_it_serves_who_blocks():
    async def serve(ready, done):
        async def answer(reader, writer):
            writer.write((await reader.readline()).upper())
            writer.close()

        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        ready.append(server.sockets[0].getsockname()[1])
        while not done:
            await asyncio.sleep(0.01)
        server.close()

    ready, done = [], []
    serving = threading.Thread(target=lambda: asyncio.run(serve(ready, done)))
    serving.start()
    while not ready:
        time.sleep(0.01)
    try:
        with FaultProxyThread.for_url(f"tcp://127.0.0.1:{ready[0]}") as wire:
            address = urlsplit(wire.url("tcp://me@nowhere:1/x"))
            assert (address.username, address.path) == ("me", "/x")
            for told, answer in ((None, b"ORDER\n"), (FaultProxy.refuse, b"")):
                if told:
                    wire.tell(told)
                with socket.create_connection(("127.0.0.1", address.port)) as connection:
                    connection.settimeout(2)
                    with contextlib.suppress(ConnectionError):
                        connection.sendall(b"order\n")
                        assert connection.recv(100) == answer
            assert wire.tell(lambda proxy: proxy.connections) == 1
    finally:
        done.append(True)
        serving.join()
    with pytest.raises(RuntimeError, match="within its `with`"):
        wire.tell(FaultProxy.cut)
