from __future__ import annotations

import asyncio

import pytest

from commercekit.platform.bus import Broadcast


async def _until(condition):
    async with asyncio.timeout(5):
        while not condition():
            await asyncio.sleep(0.01)


async def test_every_listener_hears_what_was_committed_and_nothing_else(database):
    heard = []
    one, two = Broadcast(database), Broadcast(database)
    one.listen("prices", lambda payload: heard.append(("one", payload)))
    two.listen("prices", lambda payload: heard.append(("two", payload)))
    async with one.running(), two.running():
        await one.wait_until_listening()
        await two.wait_until_listening()
        with pytest.raises(ZeroDivisionError):
            async with database.unit_of_work() as uow:
                await Broadcast.tell(uow, "prices", "rolled back")
                raise ZeroDivisionError
        async with database.unit_of_work() as uow:
            await Broadcast.tell(uow, "stock", "another channel")
            await Broadcast.tell(uow, "prices", "sku-1")
        await _until(lambda: len(heard) == 2)
    assert sorted(heard) == [("one", "sku-1"), ("two", "sku-1")]


async def test_after_a_lost_connection_caches_are_told_of_the_gap(database):
    heard, gaps = [], []
    broadcast = Broadcast(database, reconnect=0.01)
    broadcast.listen("prices", heard.append, on_gap=lambda: gaps.append(True))
    async with broadcast.running():
        await broadcast.wait_until_listening()
        assert gaps == []
        await database.execute(
            """SELECT pg_terminate_backend(pid) FROM pg_stat_activity
            WHERE application_name = 'commercekit-dedicated' AND datname = current_database()"""
        )
        await _until(lambda: gaps == [True])
        await broadcast.wait_until_listening()
        async with database.unit_of_work() as uow:
            await Broadcast.tell(uow, "prices", "after")
        await _until(lambda: heard == ["after"])


async def test_listener_that_raises_silences_nobody(database):
    heard = []

    def broken(payload):
        raise RuntimeError(payload)

    broadcast = Broadcast(database)
    broadcast.listen("prices", broken)
    broadcast.listen("prices", heard.append)
    async with broadcast.running():
        await broadcast.wait_until_listening()
        async with database.unit_of_work() as uow:
            await Broadcast.tell(uow, "prices", "x")
        await _until(lambda: heard == ["x"])


async def test_payload_that_is_too_long_is_refused_before_commit(database):
    with pytest.raises(ValueError, match="tell ids, not contents"):
        async with database.unit_of_work() as uow:
            await Broadcast.tell(uow, "prices", "x" * 8000)
