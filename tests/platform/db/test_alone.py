"""Steps that one node at a time may take, whatever they take long for."""

import asyncio

import pytest

from commercekit.platform.db import Database


@pytest.fixture
async def other_node(dsn, clock):
    opened = Database(dsn, clock=clock)
    await opened.open()
    yield opened
    await opened.close()


async def test_the_second_waits_until_the_first_is_done(database, other_node):
    told = []

    async def second():
        async with other_node.alone("upgrade"):
            told.append("second")

    async with database.alone("upgrade"):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.15)
        told.append("first")
    await waiting

    assert told == ["first", "second"]


async def test_other_names_are_not_waited_for(database, other_node):
    async with database.alone("upgrade"), asyncio.timeout(5), other_node.alone("demo"):
        pass


async def test_a_failure_lets_go(database, other_node):
    with pytest.raises(ValueError, match="broken"):
        async with database.alone("upgrade"):
            raise ValueError("broken")
    async with asyncio.timeout(5), other_node.alone("upgrade"):
        pass


async def test_a_holder_whose_connection_dies_lets_go(database, other_node):
    async with database.alone("upgrade"):
        await other_node.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE application_name = 'commercekit-dedicated' AND datname = current_database()"
        )
        async with asyncio.timeout(5), other_node.alone("upgrade"):
            pass


async def test_an_index_is_made_concurrently_while_others_wait(database, other_node):
    """CREATE INDEX CONCURRENTLY waits for every transaction: nobody may wait for us inside one."""
    await database.execute("CREATE TABLE goods (name text)")

    async def second():
        async with other_node.alone("upgrade"):
            pass

    async with database.alone("upgrade"):
        waiting = asyncio.create_task(second())
        await asyncio.sleep(0.05)
        async with asyncio.timeout(10):
            await database.execute("CREATE INDEX CONCURRENTLY goods_name ON goods (name)")
    await waiting
