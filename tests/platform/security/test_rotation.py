from __future__ import annotations

import asyncio
import contextlib
import hashlib
import hmac
from datetime import timedelta

import pytest
import pytest_asyncio

from commercekit.errors import ConfigurationError
from commercekit.kernel import new_id
from commercekit.platform.bus import Broadcast
from commercekit.platform.security import (
    KEYS_CHANNEL,
    DataKeyState,
    KeyRotation,
    KeysBusy,
    KeyWatch,
    LocalKeys,
    MasterKey,
    Reencryption,
    SealBroken,
    SealedTable,
    Sealer,
)
from commercekit.testing.clock import ManualClock

OLD = MasterKey(b"o" * 32)
NEW = MasterKey(b"n" * 32)
LETTERS = SealedTable("letters", ("sender", "text"), row_id="box || ':' || number")


@pytest_asyncio.fixture
async def letters(database):
    await database.execute(
        "CREATE TABLE letters (box uuid NOT NULL, number integer NOT NULL, sender bytea,"
        " text bytea NOT NULL, PRIMARY KEY (box, number))"
    )
    yield
    await database.execute("DROP TABLE letters")


@pytest_asyncio.fixture
async def sealer(database, letters):
    made = Sealer(OLD)
    await made.load(database, ["letters"])
    return made


@pytest.fixture
def clock():
    return ManualClock()


def reencryption(database, sealer, clock):
    return Reencryption(database, sealer, clock, [LETTERS])


async def write(database, sealer, text, number=1, sender=None):
    box = new_id()
    place = f"{box}:{number}"
    await database.execute(
        "INSERT INTO letters (box, number, sender, text) VALUES ($1, $2, $3, $4)",
        box,
        number,
        None if sender is None else sealer.seal("letters", "sender", place, sender),
        sealer.seal("letters", "text", place, text),
    )
    return box


async def texts(database, sealer):
    rows = await database.fetch("SELECT box, number, text FROM letters ORDER BY box, number")
    return [
        sealer.open("letters", "text", f"{row['box']}:{row['number']}", row["text"], str)
        for row in rows
    ]


@contextlib.asynccontextmanager
async def process(database, sealer):
    """A process that listens: it takes up new keys by itself."""
    broadcast = Broadcast(database, heartbeat=1.0, reconnect=0.05)
    broadcast.attend(KeyWatch(database, sealer).attend)
    broadcast.listen(KEYS_CHANNEL, lambda _epoch: broadcast.again())
    sealer.on_unknown_key = broadcast.again
    async with broadcast.running():
        await broadcast.wait_until_listening()
        yield broadcast


async def test_what_is_derived_needs_the_database_first(database):
    fresh = Sealer(OLD)
    with pytest.raises(ConfigurationError, match="load the sealer before"):
        fresh.derived_key("cursors")
    with pytest.raises(ConfigurationError, match="load the sealer before"):
        fresh.blind_index("letters", "sender", "ada@example.com")


async def test_all_processes_derive_the_same_and_each_purpose_something_else(database, sealer):
    other = Sealer(OLD)
    await other.load(database)
    assert other.derived_key("cursors") == sealer.derived_key("cursors")
    assert sealer.derived_key("cursors") != sealer.derived_key("tokens")
    assert OLD.material not in (sealer.derived_key("cursors"), sealer.derived_key("tokens"))


async def test_a_shop_from_before_roots_were_stored_derives_what_it_always_did(database, sealer):
    await database.execute("DELETE FROM platform_data_key WHERE table_name = 'platform_derivation'")
    again = [Sealer(OLD) for _ in range(3)]
    await asyncio.gather(*(each.load(database, ["letters"]) for each in again))
    # HMAC with the master key itself, as the first version did.
    expected = hmac.digest(OLD.material, b"commercekit|cursors", hashlib.sha256)
    assert {each.derived_key("cursors") for each in again} == {expected}


async def test_the_master_key_is_replaced_without_touching_what_it_keeps(database, sealer, clock):
    await write(database, sealer, "dear all")
    before = await database.fetch("SELECT * FROM letters")
    index = sealer.blind_index("letters", "sender", "ada@example.com")
    both = Sealer(LocalKeys(NEW, [OLD]))
    await both.load(database, ["letters"])
    rotation = KeyRotation(database, both, clock)
    assert await rotation.rewrap() == 2
    assert await rotation.rewrap() == 0
    assert {key.master_id for key in await rotation.keys()} == {NEW.id}

    only_new = Sealer(NEW)
    await only_new.load(database, ["letters"])
    assert await texts(database, only_new) == ["dear all"]
    assert only_new.blind_index("letters", "sender", "ada@example.com") == index
    assert await database.fetch("SELECT * FROM letters") == before
    with pytest.raises(ConfigurationError, match=f"wrapped by the master key {NEW.id}"):
        await Sealer(OLD).load(database, ["letters"])


async def test_two_who_rewrap_at_once_leave_every_key_readable(database, sealer, clock):
    rings = [Sealer(LocalKeys(NEW, [OLD])) for _ in range(4)]
    for each in rings:
        await each.load(database, ["letters"])
    await asyncio.gather(*(KeyRotation(database, each, clock).rewrap() for each in rings))
    only_new = Sealer(NEW)
    await only_new.load(database, ["letters"])
    assert only_new.derived_key("x") == sealer.derived_key("x")


async def test_running_processes_follow_new_data_keys_and_nobody_meets_an_unknown_one(
    database, sealer, clock
):
    await write(database, sealer, "before")
    other = Sealer(OLD)
    await other.load(database, ["letters"])
    async with process(database, sealer), process(database, other):
        rotating = Sealer(OLD)
        await rotating.load(database, ["letters"])
        changed = await KeyRotation(database, rotating, clock).renew([LETTERS], patience=30)
        assert changed == ["letters"]
        assert other.kid_of("letters") == sealer.kid_of("letters") == rotating.kid_of("letters")
        await write(database, other, "after")
        assert await texts(database, sealer) == ["before", "after"]
    states = [key.state for key in await KeyRotation(database, sealer, clock).keys()]
    assert states == [DataKeyState.CURRENT, DataKeyState.REPLACED, DataKeyState.CURRENT]


async def test_a_process_that_lacks_the_master_key_holds_the_switch_back(database, sealer, clock):
    deaf = Sealer(OLD)
    await deaf.load(database, ["letters"])
    broadcast = Broadcast(database)
    broadcast.attend(KeyWatch(database, deaf).attend)  # but it hears of no change
    rotation = KeyRotation(database, sealer, clock)
    async with broadcast.running():
        await broadcast.wait_until_listening()
        kid = sealer.kid_of("letters")
        with pytest.raises(KeysBusy):
            await rotation.renew([LETTERS], patience=0.2)
        await sealer.load(database)
        assert sealer.kid_of("letters") == kid
        assert DataKeyState.PREPARED in {key.state for key in await rotation.keys()}
    # It is gone: the same call goes on, with the key that was prepared.
    prepared = await database.fetchval(
        "SELECT kid FROM platform_data_key WHERE NOT is_current AND replaced_at IS NULL"
    )
    await rotation.renew([LETTERS], patience=30)
    assert sealer.kid_of("letters") == prepared != kid


async def test_a_value_with_an_unknown_key_makes_a_process_look_for_it(database, sealer, clock):
    behind = Sealer(OLD)
    await behind.load(database, ["letters"])
    rotation = KeyRotation(database, sealer, clock)
    await rotation.renew([LETTERS], patience=30)
    await write(database, sealer, "new")
    asked = asyncio.Event()
    behind.on_unknown_key = asked.set
    with pytest.raises(SealBroken):
        await texts(database, behind)
    assert asked.is_set()
    await behind.load(database)
    assert await texts(database, behind) == ["new"]


async def test_everything_is_sealed_anew_while_others_write(database, sealer, clock):
    for n in range(30):
        await write(database, sealer, f"text {n}", number=n, sender="ada" if n % 2 else None)
    rotation = KeyRotation(database, sealer, clock)
    await rotation.renew([LETTERS], patience=30)
    work = reencryption(database, sealer, clock)
    assert await work.remaining() == {"letters": 30}
    told = []

    async def writers():
        for n in range(30):
            await database.execute("UPDATE letters SET number = number + 0 WHERE number = $1", n)
            await write(database, sealer, "meanwhile", number=100 + n)

    _, done = await asyncio.gather(
        writers(), work.run(batch=7, told=lambda *each: told.append(each))
    )
    assert done == {"letters": 30}
    assert told[-1] == ("letters", 30, 30)
    assert await work.remaining() == {"letters": 0}
    found = await texts(database, sealer)
    assert sorted(found) == sorted([f"text {n}" for n in range(30)] + ["meanwhile"] * 30)
    assert (await work.progress())[0].finished_at == clock.now()
    assert await work.run() == {"letters": 0}


async def test_a_value_that_somebody_changes_at_the_same_time_is_not_overwritten(
    database, sealer, clock, monkeypatch
):
    box = await write(database, sealer, "first")
    await KeyRotation(database, sealer, clock).renew([LETTERS], patience=30)
    work = reencryption(database, sealer, clock)
    rows = work._rows

    async def read_then_changed(*args):
        found = await rows(*args)
        await database.execute(
            "UPDATE letters SET text = $2 WHERE box = $1",
            box,
            sealer.seal("letters", "text", f"{box}:1", "second"),
        )
        return found

    monkeypatch.setattr(work, "_rows", read_then_changed)
    assert await work.run() == {"letters": 0}
    assert await texts(database, sealer) == ["second"]


async def test_who_was_stopped_goes_on_where_he_was(database, sealer, clock):
    for n in range(20):
        await write(database, sealer, f"text {n}", number=n)
    await KeyRotation(database, sealer, clock).renew([LETTERS], patience=30)
    work = reencryption(database, sealer, clock)

    class Stopped(Exception):
        pass

    def stop(table, done, total):
        if done >= 10:
            raise Stopped

    with pytest.raises(Stopped):
        await work.run(batch=5, told=stop)
    assert (await work.progress())[0].done == 10
    told = []
    again = reencryption(database, sealer, clock)
    assert await again.run(batch=5, told=lambda *each: told.append(each)) == {"letters": 10}
    assert told[0] == ("letters", 15, 20)
    assert len(await texts(database, sealer)) == 20


async def test_a_replaced_key_leaves_when_nothing_needs_it_and_not_before(database, sealer, clock):
    await write(database, sealer, "x")
    old = sealer.kid_of("letters").hex()
    await KeyRotation(database, sealer, clock).renew([LETTERS], patience=30)
    work = reencryption(database, sealer, clock)

    deleted, kept = await work.forget()
    assert deleted == []
    assert "less than an hour ago" in kept[0]
    clock.advance(timedelta(hours=2))
    deleted, kept = await work.forget()
    assert deleted == []
    assert "1 rows are sealed with it" in kept[0]
    assert await texts(database, sealer) == ["x"]

    await work.run()
    assert await work.forget() == ([old], [])
    assert await texts(database, sealer) == ["x"]
    fresh = Sealer(OLD)
    await fresh.load(database, ["letters"])
    assert await texts(database, fresh) == ["x"]
    assert await work.forget() == ([], [])


async def test_a_value_that_does_not_open_stops_the_run_and_stays_as_it_is(database, sealer, clock):
    box = await write(database, sealer, "x")
    await database.execute("UPDATE letters SET text = text || '\\x00'::bytea")
    await KeyRotation(database, sealer, clock).renew([LETTERS], patience=30)
    before = await database.fetchval("SELECT text FROM letters WHERE box = $1", box)
    with pytest.raises(SealBroken):
        await reencryption(database, sealer, clock).run()
    assert await database.fetchval("SELECT text FROM letters WHERE box = $1", box) == before


async def test_a_process_that_starts_meanwhile_has_the_prepared_keys(database, sealer, clock):
    rotation = KeyRotation(database, sealer, clock)
    await rotation._prepare(["letters"])
    starting = Sealer(OLD)
    async with process(database, starting):
        await starting.load(database, ["letters"])
        await rotation.renew([LETTERS], patience=30)
        await write(database, sealer, "x")
        assert await texts(database, starting) == ["x"]
