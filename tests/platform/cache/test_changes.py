"""The log of changes says what a process has not heard yet."""

from __future__ import annotations

import asyncio
import json

import pytest

from commercekit.platform.cache import ChangeLog, Snapshot, prune_changes
from commercekit.testing import core_piccolo_apps

WORD = '{"names":["mug"]}'


@pytest.fixture(scope="session")
def piccolo_apps():
    return core_piccolo_apps("platform")


class Process:
    """One that heard nothing but what it looked up."""

    def __init__(self, db):
        self.db = db
        self.heard = []
        self.log = ChangeLog("test", self.hear)
        self.is_listening = True

    def hear(self, told, is_all):
        self.heard += [(word, is_all) for _, word in told]
        return [(xid, json.loads(word)["names"]) for xid, word in told]

    async def cover(self, *names):
        return await self.log.cover(self.db, names, lambda: self.is_listening)

    async def change(self, word=WORD):
        async with self.db.unit_of_work() as uow:
            return await self.log.tell(uow, word)


@pytest.fixture
def process(database):
    return Process(database)


@pytest.fixture
def other(database):
    return Process(database)


async def test_a_change_is_in_the_log_exactly_when_it_is_in_the_database(process, other):
    assert (await process.cover("mug")) is not None
    with pytest.raises(RuntimeError):
        async with other.db.unit_of_work() as uow:
            undone = await other.log.tell(uow, WORD)
            raise RuntimeError
    xid = await other.change()
    process.log.reset()
    seen = await process.cover("mug")
    assert process.heard == [(WORD, True)]
    assert seen.sees(xid)
    assert process.log.ledger.latest(["mug"]) == xid != undone


async def test_a_snapshot_is_taken_once_for_many_until_a_change_is_known_that_it_lacks(
    process, other
):
    first = await process.cover("mug")
    xid = await other.change()
    # Nothing was heard: what is known is covered, and the page will be refused by who has heard.
    assert await process.cover("mug") is first
    assert not first.sees(xid)
    process.log.ledger.note(xid, ["mug"])
    assert await process.cover("cup") is first
    second, third = await asyncio.gather(process.cover("mug"), process.cover("mug"))
    assert second is third
    assert second.sees(xid)
    assert process.heard == [(WORD, False)]


async def test_looking_brings_every_word_that_was_not_heard(process, other):
    await process.cover()
    told = [f'{{"names":["p{number}"]}}' for number in range(5)]
    xids = [await other.change(word) for word in told]
    process.log.ledger.note(xids[-1], ["p4"])
    await process.cover("p4")
    assert [word for word, _ in process.heard] == told
    assert process.log.ledger.latest(["p2"]) == xids[2]


async def test_who_does_not_hear_broadcasts_proves_nothing(process):
    process.is_listening = False
    assert await process.cover("mug") is None
    assert not process.log.ledger.is_complete


async def test_words_missed_while_the_log_is_read_make_the_reading_worthless(process, monkeypatch):
    looks = []
    fetch = process.db.fetch

    async def interrupted(*args):
        rows = await fetch(*args)
        looks.append(args)
        if len(looks) == 1:
            process.log.reset()  # as after a reconnection
        return rows

    monkeypatch.setattr(process.db, "fetch", interrupted)
    assert await process.cover("mug") is not None
    assert len(looks) == 2


async def test_a_database_that_does_not_answer_means_that_nothing_is_shared(process):
    class Away:
        async def fetch(self, *args):
            raise ConnectionRefusedError

    process.db = Away()
    assert await process.cover("mug") is None


async def test_the_log_forgets_only_what_had_ended_for_a_while(process, other, database):
    async def age():
        await database.execute("UPDATE platform_cache_horizon SET at = at - interval '1 hour'")

    await age()
    await prune_changes(database)
    xid = await other.change()
    assert await prune_changes(database) == 0  # too soon
    async with database.unit_of_work() as slow:
        late = await other.log.tell(slow, '{"names":["late"]}')
        # Its transaction is open when the next horizon is chosen, however old its word grows.
        # Whoever else writes in this server keeps the horizon back.
        async with asyncio.timeout(30):
            while await slow.fetchval("SELECT following FROM platform_cache_horizon") <= xid:
                await asyncio.create_task(_prune_apart(database, age))
    await age()
    assert await prune_changes(database) >= 1  # the first change, and not the late one
    before = Snapshot(xid, xid, frozenset())
    await process.cover()
    assert [word for word, _ in process.heard] == ['{"names":["late"]}']
    assert not process.log.ledger.proves(["mug"], before)
    assert not process.log.ledger.proves(["late"], Snapshot(late, late, frozenset()))
    assert process.log.ledger.proves(["late"], await process.cover("late"))


async def _prune_apart(database, age):
    import contextvars

    async def work():
        await age()
        await prune_changes(database)

    await asyncio.get_running_loop().create_task(work(), context=contextvars.Context())


async def test_a_process_that_looked_last_before_the_horizon_begins_again(process, other, database):
    seen = await process.cover()
    # Whoever else writes in this server keeps the horizon back.
    async with asyncio.timeout(30):
        while await database.fetchval("SELECT horizon FROM platform_cache_horizon") <= seen.xmax:
            await other.change()
            await database.execute("UPDATE platform_cache_horizon SET at = at - interval '1 hour'")
            await prune_changes(database)
    await other.change()
    process.log._taken -= 60
    assert await process.cover("mug") is not None
    # However many are left: what is heard is heard as all there is.
    assert {is_all for _, is_all in process.heard} == {True}
    assert process.log.ledger.is_complete


async def test_what_the_log_may_not_have_makes_everything_before_it_worthless(process):
    first = await process.cover("mug")
    process.log.distrust()
    second = await process.cover("mug")
    assert second is not first
    assert not process.log.ledger.proves(["mug"], first) or first.xmin >= second.xmax


async def test_numbers_of_another_server_are_another_era(process, database):
    await process.cover()
    era = process.log.era
    await database.execute("UPDATE platform_cache_horizon SET shop = gen_random_uuid()")
    process.log._taken -= 60
    await process.cover("mug")
    assert process.log.era != era != ""
