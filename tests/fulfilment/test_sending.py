from __future__ import annotations

import asyncio

import pytest

from commercekit.errors import Conflict
from commercekit.fulfilment import (
    Booking,
    CancelOutcome,
    CarrierRequired,
    EmptyShipment,
    ShipmentFilter,
    ShipmentLine,
    ShipmentNotFound,
    ShipmentOnItsWay,
    ShipmentStatus,
    TrackingNumberTaken,
)
from commercekit.kernel import Money, PageRequest, new_id
from commercekit.platform.providers import (
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

S = ShipmentStatus


async def test_shipment_is_booked_once_and_handed_over(service, create, carrier, told, lines):
    made = await create(order_number="A-1", declared=Money(9900, "CNY"))
    assert (made.status, made.booking) == (S.CREATED, Booking.PENDING)
    sent = await service.hand_over(made.id)
    number = f"F{made.id.hex[-8:]}"
    assert (sent.status, sent.booking, sent.tracking_number) == (
        S.HANDED_OVER,
        Booking.BOOKED,
        number,
    )
    assert (sent.lines, sent.cost) == (lines, Money(650, "CNY"))
    assert await service.hand_over(made.id) == sent
    assert carrier.calls == ["create"]
    assert await told() == ["Created", "HandedOver"]
    assert carrier.request.reference == "A-1"
    assert carrier.request.receiver.address.name == "李雷"
    assert (carrier.request.parcels[0].weight_g, carrier.request.declared) == (
        600,
        Money(9900, "CNY"),
    )


async def test_address_lies_sealed(database, create):
    await create()
    row = await database.fetchrow("SELECT address FROM fulfilment_shipment")
    assert "李雷".encode() not in row["address"]
    assert b"West Lake" not in row["address"]


async def test_creating_twice_under_one_id_makes_one(create, told):
    shipment_id = new_id()
    first = await create(shipment_id=shipment_id)
    assert await create(shipment_id=shipment_id) == first
    assert await told() == ["Created"]


async def test_typed_number_asks_no_carrier(service, create, carrier, told):
    made = await create(carrier="SF", tracking_number="SF123")
    assert (made.booking, made.carrier, made.carrier_name) == (Booking.MANUAL, "", "SF")
    sent = await service.hand_over(made.id)
    assert (sent.status, sent.tracking_number) == (S.HANDED_OVER, "SF123")
    assert carrier.calls == []
    assert await told() == ["Created", "HandedOver"]


async def test_without_carrier_and_number_nothing_is_made(create, told, database):
    for options in ({"carrier": "nobody"}, {"carrier": None}):
        with pytest.raises(CarrierRequired):
            await create(**options)
    with pytest.raises(EmptyShipment):
        await create(lines=[])
    assert await told() == []
    assert await database.fetchval("SELECT count(*) FROM fulfilment_shipment") == 0


async def test_refused_booking_stays_with_its_reason_and_can_be_repaired_by_hand(
    service, create, carrier, told
):
    carrier.fails["create"] = [ProviderRejected("no-such-street", "secret detail")]
    made = await create()
    refused = await service.hand_over(made.id)
    assert (refused.status, refused.booking, refused.failure_code) == (
        S.CREATED,
        Booking.REFUSED,
        "no-such-street",
    )
    assert await told() == ["Created"]
    repaired = await service.type_numbers(made.id, ["HAND-1"], carrier_name="A courier")
    assert (repaired.status, repaired.booking, repaired.carrier_name) == (
        S.HANDED_OVER,
        Booking.MANUAL,
        "A courier",
    )
    assert await told() == ["Created", "HandedOver"]


async def test_unknown_outcome_is_looked_up_before_it_is_booked_again(
    service, create, carrier, told
):
    made = await create()
    carrier._book(made.id.hex)
    carrier.fails["create"] = [ProviderUnknown("timeout")]
    sent = await service.hand_over(made.id)
    assert sent.booking is Booking.BOOKED
    assert carrier.calls == ["create", "find"]
    assert await told() == ["Created", "HandedOver"]


async def test_carrier_that_is_down_is_asked_again_by_the_job(
    service, create, carrier, jobs, clock
):
    carrier.fails["create"] = [ProviderUnavailable(), ProviderUnavailable()]
    made = await create()
    assert (await service.hand_over(made.id)).booking is Booking.PENDING
    for _ in range(3):
        clock.advance(minutes=20)
        await jobs.run_due()
    sent = await service.shipment(made.id)
    assert (sent.status, sent.booking) == (S.HANDED_OVER, Booking.BOOKED)
    assert carrier.calls.count("create") == 3
    assert carrier.calls.count("find") == 2, "each repetition looks first"


async def test_shipment_of_a_request_that_died_is_handed_over_by_the_job(
    service, create, carrier, jobs, clock
):
    made = await create()
    assert await jobs.run_due() == 0, "the request itself has a head start"
    clock.advance(seconds=31)
    await jobs.run_due()
    assert (await service.shipment(made.id)).status is S.HANDED_OVER
    assert carrier.calls.count("create") == 1


async def test_crash_after_the_carrier_booked_does_not_book_a_second_parcel(
    service, create, carrier, race
):
    made = await create()

    async def die(*_args, **_options):
        raise ConnectionError("the process is gone")

    service._hand_over, kept = die, service._hand_over
    with pytest.raises(ConnectionError):
        await service.hand_over(made.id)
    service._hand_over = kept
    sent = await service.hand_over(made.id)
    assert sent.booking is Booking.BOOKED
    assert carrier.calls == ["create", "find"]


async def test_number_of_another_shipment_is_refused(service, create):
    await create(carrier="fake", tracking_number="F123", reference="order-1")
    with pytest.raises(TrackingNumberTaken):
        await create(carrier="fake", tracking_number="F123", reference="order-2")
    assert await service.shipments(None, "order-2") == []


async def test_two_orders_in_one_box_of_a_strangers_carrier_share_a_number(service, create):
    first = await create(carrier="SF", tracking_number="SF1", reference="order-1")
    second = await create(carrier="SF", tracking_number="SF1", reference="order-2")
    assert (first.tracking_number, second.tracking_number) == ("SF1", "SF1")


async def test_typed_number_does_not_replace_the_carriers_own(service, create):
    made = await create()
    sent = await service.hand_over(made.id)
    with pytest.raises(Conflict):
        await service.type_numbers(made.id, ["OTHER"], carrier_name=None)
    assert (await service.shipment(made.id)).tracking_number == sent.tracking_number


async def test_carriers_subscription_and_polling_are_set_up_at_hand_over(
    service, create, carrier, jobs, clock
):
    made = await create()
    await service.hand_over(made.id)
    await jobs.run_due()
    assert carrier.calls == ["create", "subscribe"]
    assert carrier.callback_url == "https://shop.test/webhooks/carriers/fake/default"
    clock.advance(minutes=31)
    await jobs.run_due()
    assert carrier.calls[-1] == "track"
    assert carrier.query.phone_last4 == "8000"


async def test_cancelling_before_hand_over_tells_and_is_idempotent(service, create, carrier, told):
    made = await create()
    assert (await service.cancel(made.id)).status is S.CANCELLED
    assert (await service.cancel(made.id)).status is S.CANCELLED
    assert carrier.calls == [], "nobody was asked to carry it"
    assert await told() == ["Created", "Cancelled"]
    assert (await service.hand_over(made.id)).status is S.CANCELLED
    assert carrier.calls == []


async def test_booked_shipment_is_cancelled_when_the_carrier_agrees(
    service, create, carrier, told, database
):
    made = await create()
    await service.hand_over(made.id)
    assert (await service.cancel(made.id)).status is S.CANCELLED
    assert carrier.calls[-1] == "cancel"
    assert await told() == ["Created", "HandedOver", "Cancelled"]
    payload = await database.fetchval(
        "SELECT payload FROM platform_outbox WHERE type = 'shipment.ShipmentCancelled'"
    )
    assert '"was_handed_over": true' in payload


async def test_carrier_that_has_it_does_not_give_it_back(service, create, carrier, told):
    carrier.cancels = CancelOutcome.TOO_LATE
    made = await create()
    await service.hand_over(made.id)
    with pytest.raises(ShipmentOnItsWay):
        await service.cancel(made.id)
    assert (await service.shipment(made.id)).status is S.HANDED_OVER
    assert await told() == ["Created", "HandedOver"]


async def test_parcel_that_staff_handed_over_cannot_be_called_back(service, create):
    made = await create(carrier="SF", tracking_number="SF1")
    await service.hand_over(made.id)
    with pytest.raises(ShipmentOnItsWay):
        await service.cancel(made.id)
    assert (await service.shipment(made.id)).status is S.HANDED_OVER


async def test_several_shipments_of_one_reference_stand_side_by_side(service, create, lines):
    first = await create()
    other = [ShipmentLine(line_id=new_id(), sku="CAP", quantity=1)]
    second = await create(lines=[*other, *other])
    assert [item.id for item in await service.shipments(None, "order-1")] == [first.id, second.id]
    assert second.lines[0].quantity == 2, "one line asked for twice is one line"
    assert await service.shipments(None, "order-2") == []


async def test_list_is_newest_first_filtered_and_paged(service, create):
    ids = [(await create(reference=f"order-{n}")).id for n in range(3)]
    page = await service.page(PageRequest(limit=2))
    assert [item.id for item in page.items] == [ids[2], ids[1]]
    rest = await service.page(PageRequest(limit=2, after=(page.next_cursor,)))
    assert [item.id for item in rest.items] == [ids[0]]
    only = await service.page(PageRequest(), ShipmentFilter(reference="order-1", status=S.CREATED))
    assert [item.id for item in only.items] == [ids[1]]


async def test_unknown_shipment_is_not_found(service):
    for call in (service.shipment, service.hand_over, service.cancel, service.poll):
        with pytest.raises(ShipmentNotFound):
            await call(new_id())


async def test_partition_of_the_month_holds_the_rows(database, create):
    await create()
    assert await database.fetchval("SELECT count(*) FROM fulfilment_shipment_default") == 0
    assert await database.fetchval("SELECT count(*) FROM fulfilment_line_default") == 0


async def test_shipment_cancelled_while_the_carrier_books_is_called_back(
    service, create, carrier, jobs, told
):
    made = await create()
    carrier.cancels = CancelOutcome.CANCELLED
    book = carrier.create

    async def slowly(ctx, request):
        await service.cancel(made.id)
        return await book(ctx, request)

    carrier.create = slowly
    shipment = await service.hand_over(made.id)
    assert (shipment.status, shipment.booking) == (S.CANCELLED, Booking.BOOKED)
    assert carrier.calls == ["cancel", "create"]
    await jobs.run_due()
    assert carrier.calls == ["cancel", "create", "cancel"]
    assert await told() == ["Created", "Cancelled"]


async def test_hand_over_twice_at_once_hands_over_once(service, create, carrier, told):
    made = await create()
    both = await asyncio.gather(service.hand_over(made.id), service.hand_over(made.id))
    assert {str(each.status) for each in both} == {"handed_over"}
    assert len(carrier.booked) == 1
    assert await told() == ["Created", "HandedOver"]
