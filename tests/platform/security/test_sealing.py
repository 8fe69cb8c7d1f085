from __future__ import annotations

import asyncio
import stat
from uuid import UUID

import pytest
import pytest_asyncio
from msgspec import Struct

from commercekit.errors import ConfigurationError
from commercekit.platform.http.problems import problem_of
from commercekit.platform.security import MasterKey, SealBroken, Sealer

ROW = UUID("01981111-2222-7333-8444-555555555555")
CANARY = "canary +8613800138000"
MASTER = MasterKey(bytes(range(32)))


class Person(Struct):
    name: str
    phone: str


@pytest_asyncio.fixture
async def sealer(database):
    made = Sealer(MASTER)
    await made.load(database, ["orders_order", "checkout_cart"])
    return made


def test_the_same_text_is_never_sealed_to_the_same_bytes(sealer):
    one = sealer.seal("orders_order", "address", ROW, b"x")
    two = sealer.seal("orders_order", "address", ROW, b"x")
    assert one != two
    assert sealer.open("orders_order", "address", ROW, one) == b"x"
    assert sealer.open("orders_order", "address", ROW, two) == b"x"


def test_structs_come_back_as_what_they_were(sealer):
    person = Person("李雷", CANARY)
    sealed = sealer.seal("orders_order", "address", ROW, person)
    assert b"canary" not in sealed
    assert sealer.open("orders_order", "address", ROW, sealed, Person) == person


@pytest.mark.parametrize(
    ("table", "column", "row"),
    [
        ("orders_order", "email", ROW),
        ("orders_order", "address", UUID(int=ROW.int + 1)),
        ("checkout_cart", "address", ROW),
        ("unknown", "address", ROW),
    ],
)
def test_value_moved_elsewhere_does_not_open(sealer, table, column, row):
    sealed = sealer.seal("orders_order", "address", ROW, CANARY)
    with pytest.raises(SealBroken) as refusal:
        sealer.open(table, column, row, sealed)
    assert "canary" not in str(refusal.value)


def test_every_flipped_bit_is_noticed(sealer):
    sealed = sealer.seal("orders_order", "address", ROW, b"secret")
    for position in range(len(sealed) * 8):
        flipped = bytearray(sealed)
        flipped[position // 8] ^= 1 << position % 8
        with pytest.raises(SealBroken):
            sealer.open("orders_order", "address", ROW, bytes(flipped))


@pytest.mark.parametrize("sealed", [b"", b"\x01", b"\x01abcd", b"plain text from before"])
def test_what_was_never_sealed_does_not_open(sealer, sealed):
    with pytest.raises(SealBroken):
        sealer.open("orders_order", "address", ROW, sealed)


def test_broken_seal_is_a_plain_500_on_the_wire(sealer):
    with pytest.raises(SealBroken) as refusal:
        sealer.open("orders_order", "address", ROW, b"nonsense")
    problem = problem_of(refusal.value, instance="/x", request_id="r")
    assert problem.status == 500
    assert b"orders_order" not in problem.body


def test_table_that_was_not_named_cannot_be_sealed(sealer):
    with pytest.raises(ConfigurationError, match="no data key for customers_customer"):
        sealer.seal("customers_customer", "email", ROW, b"x")


async def test_another_process_opens_what_this_one_sealed(sealer, database):
    other = Sealer(MASTER)
    await other.load(database, ["orders_order"])
    sealed = sealer.seal("orders_order", "address", ROW, b"x")
    assert other.open("orders_order", "address", ROW, sealed) == b"x"


async def test_processes_that_start_at_once_agree_on_one_key(database):
    sealers = [Sealer(MASTER) for _ in range(5)]
    await asyncio.gather(*(one.load(database, ["orders_order"]) for one in sealers))
    names = await database.fetch("SELECT table_name FROM platform_data_key ORDER BY table_name")
    assert [row["table_name"] for row in names] == ["orders_order", "platform_derivation"]
    sealed = sealers[0].seal("orders_order", "email", ROW, b"x")
    assert all(one.open("orders_order", "email", ROW, sealed) == b"x" for one in sealers)


async def test_wrong_master_key_stops_the_start_and_makes_no_second_set(sealer, database):
    before = await database.fetchval("SELECT count(*) FROM platform_data_key")
    with pytest.raises(ConfigurationError, match="restore the right master key"):
        await Sealer(MasterKey(b"x" * 32)).load(database, ["orders_order"])
    assert await database.fetchval("SELECT count(*) FROM platform_data_key") == before


async def test_wrapped_key_moved_to_another_table_does_not_unwrap(sealer, database):
    await database.execute(
        "UPDATE platform_data_key SET table_name = 'moved' WHERE table_name = 'checkout_cart'"
    )
    with pytest.raises(ConfigurationError, match="does not unwrap"):
        await Sealer(MASTER).load(database)


async def test_keys_in_the_database_are_wrapped(sealer, database):
    row = await database.fetchrow("SELECT wrapped, master_id FROM platform_data_key LIMIT 1")
    assert len(row["wrapped"]) == 12 + 32 + 16
    assert MASTER.material not in row["wrapped"]
    assert row["master_id"] == MASTER.id


def test_blind_index_finds_equal_values_of_one_column_only(sealer):
    index = sealer.blind_index("orders_order", "email", "Ada@Example.com")
    assert len(index) == 16
    assert index == sealer.blind_index("orders_order", "email", " ａda@example.COM ")
    assert index != sealer.blind_index("orders_order", "email", "eve@example.com")
    assert index != sealer.blind_index("orders_order", "phone", "Ada@Example.com")
    assert index != sealer.blind_index("checkout_cart", "email", "Ada@Example.com")


async def test_blind_index_is_the_same_in_every_process_and_another_in_another_shop(
    sealer, database
):
    index = sealer.blind_index("orders_order", "email", "ada@example.com")
    process = Sealer(MASTER)
    await process.load(database)
    assert process.blind_index("orders_order", "email", "ada@example.com") == index

    await database.execute("DELETE FROM platform_data_key")
    shop = Sealer(MASTER)
    await shop.load(database)
    assert shop.blind_index("orders_order", "email", "ada@example.com") != index


def test_key_file_is_made_once_for_its_owner_only(tmp_path):
    folder = tmp_path / "keys"
    first = MasterKey.from_folder(folder)
    assert MasterKey.from_folder(folder).material == first.material
    assert stat.S_IMODE((folder / "master.key").stat().st_mode) == 0o600
    assert [path.name for path in folder.iterdir()] == ["master.key"]


@pytest.mark.parametrize("text", ["", "short", "x" * 44, "AAAA"])
def test_key_of_the_wrong_size_stops_the_start(text):
    with pytest.raises(ConfigurationError):
        MasterKey.from_text(text)


def test_key_never_prints():
    assert "00010203" not in repr(MASTER) + str(MASTER)
    assert repr(MASTER) == f"MasterKey(id={MASTER.id!r})"


async def test_piccolo_declares_what_the_migration_made(database):
    from commercekit.platform.db import schema_drift
    from commercekit.platform.security.tables import DataKey

    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, [DataKey]) == []
