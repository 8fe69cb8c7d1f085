"""Months that are over leave the shop, lie in files, and come back; nothing is lost on the way."""

from __future__ import annotations

import gzip
import json
from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from commercekit.app import archivist_of, piccolo_apps
from commercekit.kernel import new_id
from commercekit.platform.db import audit, ensure_partitions, invariants_of
from commercekit.platform.failpoints import FailpointReached, watching
from commercekit.platform.months import (
    ArchiveDamaged,
    MonthHeld,
    MonthsBusy,
    MonthsRefused,
    MonthState,
    families_of,
    late_news,
)
from tests.shop import MUG, SHIRT, given, refused

pytestmark = pytest.mark.breaks_the_books  # the present month is archived, as if it were long ago

TODAY = datetime.now(UTC)
NOW = date(TODAY.year, TODAY.month, 1)
NEXT = (NOW + timedelta(days=32)).replace(day=1)


async def time_passes(shop, days=100):
    """So many days later, with the months of then, and what is kept for a week gone."""
    shop.clock.advance(days=days)
    await ensure_partitions(shop.shop.db, shop.clock.now())
    await shop.settle()
    await shop.shop.bus.prune(keep=timedelta())


async def completed(shop, *lines):
    """An order that was paid and delivered."""
    order = await shop.paid(*(lines or ((SHIRT, 1),)))
    shipped = given(await shop.ship(order), 201)
    await shop.deliver(shipped["shipments"][0])
    seen = await shop.read(order)
    assert seen["status"] == "completed"
    return seen


async def broken(shop):
    breaches = await audit(shop.shop.db, invariants_of(piccolo_apps(shop.shop.configuration)))
    # The present is archived here: the database's own clock stands in it, this test's is months ahead.
    ahead = "next-month-has-partitions"
    return [str(breach) for breach in breaches if breach.invariant.name != ahead]


async def states(shop):
    return {view.month: view.state for view in await archivist_of(shop.shop).months()}


async def rows_of(shop):
    """Every row of the shop that is of the month or belongs to it, by table."""
    families = families_of(piccolo_apps(shop.shop.configuration))
    tables = [t for f in families for t in f.tables] + [
        b.table for f in families for b in f.belongings
    ]
    tables += ["platform_inbox", "platform_event_sequence"]
    return {
        table: sorted(row[0] for row in await shop.shop.db.fetch(f"SELECT t::text FROM {table} t"))
        for table in tables
    }


@pytest.fixture
def archivist(shop):
    return archivist_of(shop.shop)


async def test_every_table_kept_by_month_is_of_a_family(shop):
    families = families_of(piccolo_apps(shop.shop.configuration))
    known = {table for family in families for table in family.tables}
    rows = await shop.shop.db.fetch(
        "SELECT c.relname FROM pg_partitioned_table JOIN pg_class c ON c.oid = partrelid"
    )
    assert {row["relname"] for row in rows} == known


async def test_a_month_goes_into_files_and_comes_back_to_the_last_byte(shop, archivist, tmp_path):
    order = await completed(shop, (SHIRT, 2), (MUG, 1))
    await time_passes(shop)
    before, stock = await rows_of(shop), await shop.stock(SHIRT)

    assert (await archivist.archive(NEXT, tmp_path))[-1] == NOW
    assert await shop.orders() == 0
    assert (await states(shop))[NOW] is MonthState.ARCHIVED
    assert await shop.stock(SHIRT) == stock
    assert await shop.count("payments_refund") == await shop.count("inventory_allocation") == 0
    assert await broken(shop) == []

    assert await archivist.attach(NOW) == [NOW]
    assert (await states(shop))[NOW] is MonthState.ATTACHED
    assert await rows_of(shop) == before
    assert await broken(shop) == []
    assert (await shop.read(order))["number"] == order["number"]
    assert await shop.count("inventory_carried") == 0


async def test_what_is_back_is_guarded_as_before(shop, archivist, tmp_path):
    await completed(shop)
    await time_passes(shop)
    shape = (
        "SELECT pg_get_constraintdef(oid) AS def FROM pg_constraint"
        " WHERE conrelid = to_regclass($1) AND contype <> 'n' ORDER BY 1"
    )
    triggers = "SELECT tgname FROM pg_trigger WHERE tgrelid = to_regclass($1) AND NOT tgisinternal"
    names = [
        f"{table}_y{NOW:%Y}m{NOW:%m}"
        for table in ("orders_line", "orders_history", "inventory_movement")
    ]
    before = [
        [[row[0] for row in await shop.shop.db.fetch(sql, name)] for sql in (shape, triggers)]
        for name in names
    ]
    await archivist.archive(NEXT, tmp_path)
    await archivist.attach(NOW)
    after = [
        [[row[0] for row in await shop.shop.db.fetch(sql, name)] for sql in (shape, triggers)]
        for name in names
    ]
    assert after == before
    assert all(len(found[1]) for found in before[1:])


async def test_a_month_that_was_out_during_an_upgrade_follows_it(shop, archivist):
    await completed(shop, (SHIRT, 2), (MUG, 1))
    await time_passes(shop)
    lines = await shop.count("orders_line")
    await archivist.detach(NEXT)
    change = (
        "ALTER TABLE orders_line ADD COLUMN wrapped integer NOT NULL DEFAULT 7,"
        " ADD COLUMN twice bigint GENERATED ALWAYS AS (quantity * 2) STORED,"
        " ADD CONSTRAINT orders_line_wrapped CHECK (wrapped < 9), ALTER COLUMN name DROP NOT NULL",
        'ALTER TABLE orders_line ALTER COLUMN image_url TYPE varchar(900) COLLATE "C"',
        "ALTER TABLE payments_ledger_entry DROP CONSTRAINT payments_ledger_kind,"
        " ADD CONSTRAINT payments_ledger_kind CHECK (kind <> 'gift')",
        "ALTER TABLE orders_history DROP COLUMN actor_id",
    )
    for statement in change:
        await shop.shop.db.execute(statement)

    assert await archivist.attach(NOW) == [NOW]

    found = await shop.shop.db.fetch(
        "SELECT wrapped, twice = quantity * 2 AS is_twice FROM orders_line"
    )
    assert [tuple(row) for row in found] == [(7, True)] * lines != []
    assert (await states(shop))[NOW] is MonthState.ATTACHED
    with pytest.raises(Exception, match="orders_line_wrapped"):
        await shop.shop.db.execute("UPDATE orders_line SET wrapped = 9")


async def test_a_month_that_breaks_a_rule_of_an_upgrade_stays_out_whole(shop, archivist):
    await completed(shop, (SHIRT, 2))
    await time_passes(shop)
    await archivist.detach(NEXT)
    part = f"orders_line_y{NOW:%Y}m{NOW:%m}"
    await shop.shop.db.execute("ALTER TABLE orders_line ADD CONSTRAINT single CHECK (quantity < 2)")
    with pytest.raises(Exception, match=f"single.*{part}|{part}.*single"):
        await archivist.attach(NOW)
    assert await shop.orders() == 0
    assert (await states(shop))[NOW] is not MonthState.ATTACHED

    await shop.shop.db.execute("ALTER TABLE orders_line DROP CONSTRAINT single")
    assert await archivist.attach(NOW) == [NOW]
    assert await shop.orders() == 1


async def test_an_open_order_holds_its_month_and_is_named(shop, archivist):
    order = await shop.placed((SHIRT, 1), method="cod")
    await completed(shop)
    await time_passes(shop)
    with pytest.raises(MonthHeld, match="neither completed nor cancelled") as refusal:
        await archivist.detach(NEXT)
    assert order["number"] in str(refusal.value)
    told = {held.what: held.count for held in refusal.value.holds}
    assert told["orders that are neither completed nor cancelled"] == 1
    assert told["allocations that hold stock"] == 1
    assert (await states(shop))[NOW] is MonthState.ATTACHED


@pytest.mark.parametrize(
    ("sql", "what"),
    [
        ("UPDATE payments_payment SET next_query_at = now()", "gateway still has to say"),
        (
            "INSERT INTO payments_attention (id, kind, payment_id, reference, gateway, account, opened_at)"
            " SELECT gen_random_uuid(), 'dispute', id, reference, gateway, account, now()"
            " FROM payments_payment",
            "call for somebody's attention",
        ),
        (
            "WITH slip AS (INSERT INTO payments_hand_in (id, gateway, account, slip, amount, fee,"
            " currency, recorded_by, recorded_at) SELECT gen_random_uuid(), gateway, account, 'S-1', 1,"
            " 0, currency, 'staff', now() FROM payments_payment)"
            " UPDATE payments_payment SET flow = 'offline'",
            "collectors have not handed in",
        ),
        ("UPDATE fulfilment_shipment SET status = 'in_transit'", "not come to their end"),
        (
            "INSERT INTO platform_outbox (id, aggregate, aggregate_id, sequence, type, version, payload,"
            " occurred_at) SELECT gen_random_uuid(), 'order', id::text, 99, 'X', 1, '{}', now()"
            " FROM orders_order",
            "told within the last week",
        ),
    ],
)
async def test_whatever_is_open_holds_the_month(shop, archivist, sql, what):
    await completed(shop)
    await time_passes(shop)
    await shop.shop.db.execute(sql)
    with pytest.raises(MonthHeld, match=what):
        await archivist.check(NEXT)
    assert await shop.orders() == 1


async def test_this_month_and_the_last_stay(shop, archivist):
    with pytest.raises(MonthsRefused, match="is too late"):
        await archivist.detach(NEXT)
    with pytest.raises(MonthsRefused, match="is too late"):
        await archivist.detach(NOW)


async def test_staff_and_shopper_hear_that_an_archived_order_is_archived(shop, archivist, tmp_path):
    order = await completed(shop)
    payment = order["payments"][0]["id"]
    shipment = order["shipments"][0]["id"]
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)

    for answer in (
        await shop.admin("GET", f"/admin/orders/{order['number']}"),
        await shop.ask("GET", order),
        await shop.admin("GET", f"/admin/payments/{payment}"),
        await shop.admin("GET", f"/admin/shipments/{shipment}"),
    ):
        problem = refused(answer, 410, "archived")
        assert problem["month"] == f"{NOW:%Y-%m}"
        assert f"db partitions attach --since {NOW:%Y-%m}" in problem["detail"]
    # Who has no key to it is told what they always were.
    stranger = await shop.ask("GET", {**order, "token": "guess"})
    refused(stranger, 404, "not-found")
    refused(await shop.admin("GET", f"/admin/payments/{UUID(int=5)}"), 404, "payment-not-found")


async def test_numbers_of_archived_orders_are_not_given_again(
    shop, archivist, tmp_path, monkeypatch
):
    order = await completed(shop)
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)
    taken = await shop.shop.db.fetchval(
        "INSERT INTO orders_number VALUES ($1, $2) ON CONFLICT DO NOTHING RETURNING true",
        order["number"],
        new_id(),
    )
    assert taken is None


async def test_late_word_of_an_archived_payment_is_kept_and_calls_for_a_person(
    shop, archivist, tmp_path
):
    order = await completed(shop)
    [payment] = await shop.shop.db.fetch("SELECT id, provider_ref FROM payments_payment")
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)
    from commercekit.kernel import Money
    from commercekit.payments.providers import (
        EventKind,
        GatewayEvent,
        Notification,
        PaymentSnapshot,
        PaymentState,
    )  # fmt: skip
    from commercekit.payments.service.receive_notification import Told, book_told
    from commercekit.platform.providers import Ack

    desk = shop.shop.payments._desk
    event = GatewayEvent(
        event_id="late-1",
        kind=EventKind.PAYMENT,
        occurred_at=shop.clock.now(),
        payment=PaymentSnapshot(
            payment_id=payment["id"].hex,
            provider_ref=payment["provider_ref"],
            state=PaymentState.PAID,
            amount=Money(1, "CNY"),
        ),
    )
    told = Told(
        desk.gateways.account("sandbox", "default"),
        Notification(events=[event], ack=Ack(body=b"ok"), nack=Ack(status=503)),
    )
    assert await book_told(desk, [told]) == [True]
    assert await book_told(desk, [told]) == [True]
    kept = await shop.shop.db.fetch("SELECT kind, detail, payment_id FROM payments_attention")
    assert [(row["kind"], row["payment_id"]) for row in kept] == [("money-stuck", payment["id"])]
    assert "archived" in kept[0]["detail"]
    assert await shop.count("payments_provider_event") == 1
    assert await broken(shop) == []
    await archivist.attach(NOW)
    assert (await shop.read(order))["payment_status"] == "paid"
    assert await broken(shop) == []


async def test_late_news_of_an_archived_parcel_are_kept(shop, archivist, tmp_path):
    from commercekit.fulfilment.providers import TrackCode, TrackEvent

    order = await completed(shop)
    shipment = UUID(order["shipments"][0]["id"])
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)
    event = TrackEvent(
        event_id="e-9", tracking_number="X", code=TrackCode.DELIVERED, provider_code="D",
        at=shop.clock.now(),
    )  # fmt: skip
    await shop.shop.fulfilment._keep_late(shipment, [event, event])
    [late] = await late_news(shop.shop.db)
    assert (late.family, late.subject_id, late.told["code"]) == (
        "fulfilment",
        shipment,
        "delivered",
    )


async def test_files_hold_no_name_and_no_address_in_clear(shop, archivist, tmp_path):
    await completed(shop)
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)
    folder = tmp_path / f"{NOW:%Y-%m}"
    manifest = json.loads((folder / "manifest.json").read_text())
    names = {entry["file"] for entry in manifest["files"]}
    assert names | {"manifest.json"} == {file.name for file in folder.iterdir()}
    for name in names:
        text = gzip.decompress((folder / name).read_bytes()).decode()
        assert "Li Lei" not in text
        assert "Century" not in text
        assert "@example" not in text
    assert folder.stat().st_mode & 0o077 == 0


async def test_a_damaged_file_is_named_and_nothing_comes_back(shop, archivist, tmp_path):
    await completed(shop)
    await time_passes(shop)
    await archivist.archive(NEXT, tmp_path)
    folder = tmp_path / f"{NOW:%Y-%m}"
    assert (await archivist.verify(folder)).month == NOW
    file = folder / "orders_line.csv.gz"
    body = bytearray(file.read_bytes())
    body[len(body) // 2] ^= 1
    file.write_bytes(body)
    for attempt in (archivist.verify(folder), archivist.attach(NOW)):
        with pytest.raises(ArchiveDamaged, match=r"orders_line\.csv\.gz"):
            await attempt
    assert (await states(shop))[NOW] is MonthState.ARCHIVED
    file.unlink()
    with pytest.raises(ArchiveDamaged, match="missing"):
        await archivist.attach(NOW)
    with pytest.raises(ArchiveDamaged, match="holds no archive"):
        await archivist.attach(NOW, folder=tmp_path / "elsewhere")


async def test_two_do_not_move_months_at_once(shop, archivist):
    async with archivist._alone():
        with pytest.raises(MonthsBusy, match="another process"):
            await archivist.detach(NEXT)


async def test_killed_at_any_step_it_goes_on_where_it_was(shop, archivist, tmp_path):
    order = await completed(shop, (SHIRT, 1), (MUG, 2))
    await time_passes(shop)
    before = await rows_of(shop)
    seen: list[str] = []

    def fresh(name):
        """Die at each name's first and second coming, then let it pass."""
        if seen.count(name) < 2:
            seen.append(name)
            raise FailpointReached(name)

    async def until_through(work):
        for _ in range(60):
            try:
                with watching(fresh):
                    return await work()
            except FailpointReached:
                assert await broken(shop) == [], seen[-1]
        pytest.fail("it never came through")

    await until_through(lambda: archivist.archive(NEXT, tmp_path))
    assert (await states(shop))[NOW] is MonthState.ARCHIVED
    left = await shop.shop.db.fetch(
        "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE $1",
        f"%y{NOW:%Y}m{NOW:%m}",
    )
    assert left == []
    await until_through(lambda: archivist.attach(NOW))
    assert await rows_of(shop) == before
    assert (await shop.read(order))["status"] == "completed"
    assert set(seen) == {
        "months.held-checked", "months.before-detach", "months.detached", "months.some-moved",
        "months.file-written", "months.before-named", "months.archived",
        "months.before-drop", "months.dropped", "months.file-restored", "months.restored",
        "months.before-attach", "months.attached",
    }  # fmt: skip
