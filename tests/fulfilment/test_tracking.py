from __future__ import annotations

import asyncio
import itertools

import pytest

from commercekit.fulfilment import CarrierUnknown, ShipmentStatus, TrackCode
from commercekit.kernel import new_id
from commercekit.platform.db import schema_drift
from commercekit.platform.providers import SignatureInvalid

S = ShipmentStatus
WAY = ("picked_up", "in_transit", "out_for_delivery", "delivered")


@pytest.fixture
async def sent(service, create):
    made = await create()
    return await service.hand_over(made.id)


async def test_pushed_way_ends_delivered_and_tells_each_step(service, sent, push, scan, told):
    for minutes, code in enumerate(WAY):
        ack = await push([scan(sent.tracking_number, code, minutes=minutes)])
        assert (ack.status, ack.body) == (200, b"ok")
    shipment = await service.shipment(sent.id)
    assert shipment.status is S.DELIVERED
    assert [event.code for event in shipment.events] == [TrackCode(code) for code in WAY]
    assert shipment.delivered_at == scan("x", "delivered", minutes=3).at
    assert await told() == ["Created", "HandedOver", *["Tracked"] * 3, "Delivered", "Tracked"]


@pytest.mark.parametrize("order", list(itertools.permutations(WAY))[::5])
async def test_news_in_any_order_end_in_the_same_state_and_deliver_once(
    service, sent, push, scan, told, order
):
    for code in order:
        await push([scan(sent.tracking_number, code)])
    assert (await service.shipment(sent.id)).status is S.DELIVERED
    assert (await told()).count("Delivered") == 1


async def test_the_same_news_twice_change_nothing(service, sent, push, scan, told):
    for _ in range(3):
        await push([scan(sent.tracking_number, "delivered")] * 2)
    assert len((await service.shipment(sent.id)).events) == 1
    assert await told() == ["Created", "HandedOver", "Delivered", "Tracked"]


async def test_same_news_at_the_same_time_are_taken_in_once(service, sent, push, scan, told):
    event = scan(sent.tracking_number, "delivered")
    answers = await asyncio.gather(*(push([event]) for _ in range(5)))
    assert [answer.status for answer in answers] == [200] * 5
    assert (await told()).count("Delivered") == 1


async def test_forged_push_is_refused_and_changes_nothing(service, sent, push, scan, told):
    with pytest.raises(SignatureInvalid):
        await push([scan(sent.tracking_number, "delivered")], signature="bad")
    assert (await service.shipment(sent.id)).status is S.HANDED_OVER
    assert await told() == ["Created", "HandedOver"]


async def test_news_of_an_unknown_parcel_are_sent_again_later(service, sent, push, scan):
    ack = await push([scan("STRANGER", "delivered"), scan(sent.tracking_number, "in_transit")])
    assert ack.status == 409
    assert (await service.shipment(sent.id)).status is S.IN_TRANSIT, "the known one is taken in"


async def test_unknown_account_is_not_found(push, sent, scan):
    with pytest.raises(CarrierUnknown):
        await push([scan(sent.tracking_number, "delivered")], account="other")


async def test_arrival_heard_of_first_means_that_it_left(
    service, create, push, scan, told, database
):
    made = await create()
    await database.execute(
        "INSERT INTO fulfilment_tracking_number VALUES ('fake', 'EARLY', $1)", made.id
    )
    await push([scan("EARLY", "delivered")])
    shipment = await service.shipment(made.id)
    assert shipment.status is S.DELIVERED
    assert shipment.handed_over_at is not None
    assert await told() == ["Created", "HandedOver", "Delivered", "Tracked"]


async def test_poll_merges_the_whole_history(service, sent, carrier, scan):
    carrier.history = [scan(sent.tracking_number, code) for code in reversed(WAY[:3])]
    assert (await service.poll(sent.id)).status is S.OUT_FOR_DELIVERY
    carrier.history.append(scan(sent.tracking_number, "delivered"))
    assert (await service.poll(sent.id)).status is S.DELIVERED


async def test_poll_job_goes_on_until_the_end_and_no_longer(
    service, sent, carrier, scan, jobs, clock
):
    await jobs.run_due()
    for _ in range(3):
        clock.advance(minutes=31)
        await jobs.run_due()
    assert carrier.calls.count("track") == 3
    carrier.history = [scan(sent.tracking_number, "delivered")]
    for _ in range(3):
        clock.advance(minutes=31)
        await jobs.run_due()
    assert carrier.calls.count("track") == 4
    assert (await service.shipment(sent.id)).status is S.DELIVERED


async def test_parcel_nobody_heard_of_for_months_is_asked_about_no_more(
    service, sent, carrier, jobs, clock
):
    clock.advance(days=61)
    await jobs.run_due()
    clock.advance(days=1)
    await jobs.run_due()
    assert carrier.calls.count("track") == 1


@pytest.mark.parametrize(
    ("codes", "status", "fact"),
    [
        (["in_transit", "lost"], S.FAILED, "Failed"),
        (["out_for_delivery", "returning", "returned"], S.RETURNED, "Returned"),
        (["cancelled"], S.CANCELLED, "Cancelled"),
    ],
)
async def test_bad_ends_are_told(service, sent, push, scan, told, codes, status, fact):
    for code in codes:
        await push([scan(sent.tracking_number, code)])
    assert (await service.shipment(sent.id)).status is status
    assert (await told()).count(fact) == 1


async def test_lost_parcel_that_turns_up_is_delivered(service, sent, push, scan, told):
    await push([scan(sent.tracking_number, "lost")])
    await push([scan(sent.tracking_number, "delivered")])
    assert (await service.shipment(sent.id)).status is S.DELIVERED
    assert [fact for fact in await told() if fact in ("Failed", "Delivered")] == [
        "Failed",
        "Delivered",
    ]


async def test_staff_note_what_they_know_once(service, create, clock, told):
    made = await create(carrier="SF", tracking_number="SF1")
    await service.hand_over(made.id)
    event_id = new_id()
    for _ in range(2):
        shipment = await service.record_by_hand(
            made.id, event_id=event_id, code=TrackCode.DELIVERED, text="by phone", at=clock.now()
        )
    assert (shipment.status, len(shipment.events)) == (S.DELIVERED, 1)
    assert shipment.events[0].text == "by phone"
    assert (await told()).count("Delivered") == 1


async def test_what_carriers_write_lies_sealed(database, sent, push, scan):
    await push([scan(sent.tracking_number, "delivered", text="signed for by 李雷")])
    note = await database.fetchval("SELECT note FROM fulfilment_event")
    assert "李雷".encode() not in note


async def test_facts_carry_no_personal_data(database, sent, push, scan):
    await push([scan(sent.tracking_number, "delivered", text="signed for by 李雷")])
    rows = await database.fetch("SELECT payload FROM platform_outbox")
    assert all("李雷" not in row["payload"] for row in rows)
    assert all("West Lake" not in row["payload"] for row in rows)


async def test_tables_are_declared_as_they_are(database):
    from commercekit.fulfilment.piccolo_app import APP_CONFIG

    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []
