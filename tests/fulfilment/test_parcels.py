from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.errors import Conflict
from commercekit.fulfilment import (
    Booking,
    CarrierRequired,
    FoundLine,
    FoundTooMuch,
    LabelUnavailable,
    PackedLine,
    PackedParcel,
    ParcelInspected,
    ParcelNotBack,
    ParcelNotFound,
    ParcelsUnlikeLines,
    ShipmentBooked,
    ShipmentFilter,
    ShipmentLine,
    ShipmentStatus,
    TooManyParcels,
    TrackCode,
    TrackingNo,
)
from commercekit.fulfilment.rules import numbered, standing
from commercekit.kernel import PageRequest, new_id
from commercekit.platform.providers import ProviderRejected

S = ShipmentStatus
SHIRT, MUG = new_id(), new_id()
LINES = [
    ShipmentLine(line_id=SHIRT, sku="SHIRT", quantity=3, weight_grams=300),
    ShipmentLine(line_id=MUG, sku="MUG", quantity=2, weight_grams=500),
]


def box(shirts=0, mugs=0, **more):
    packed = [(SHIRT, shirts), (MUG, mugs)]
    return PackedParcel(
        lines=[PackedLine(line_id=line, quantity=n) for line, n in packed if n], **more
    )


TWO = [box(2, 0, length_mm=300), box(1, 2, weight_grams=1500)]


@pytest.fixture
async def two(service, create):
    """Two parcels on their way: two shirts, and a shirt with two mugs."""
    made = await create(lines=LINES, parcels=TWO)
    return await service.hand_over(made.id)


def states(shipment):
    return [parcel.status for parcel in shipment.parcels]


# Rules


@pytest.mark.parametrize(
    ("parcels", "status"),
    [
        ([S.DELIVERED, S.IN_TRANSIT], S.IN_TRANSIT),
        ([S.DELIVERED, S.DELIVERED], S.DELIVERED),
        ([S.DELIVERED, S.FAILED], S.FAILED),
        ([S.RETURNED, S.DELIVERED], S.DELIVERED),
        ([S.RETURNED, S.RETURNING], S.RETURNING),
        ([S.CANCELLED, S.CANCELLED], S.CANCELLED),
        ([S.CANCELLED, S.DELIVERED], S.DELIVERED),
        ([], S.CREATED),
    ],
)
def test_a_shipment_is_where_its_slowest_parcel_is(parcels, status):
    assert standing(parcels) is status
    assert standing(reversed(parcels)) is status


@given(st.lists(st.sampled_from(S), min_size=1), st.sampled_from(S))
def test_a_parcel_that_moves_on_never_moves_the_shipment_back(parcels, following):
    from commercekit.fulfilment import SHIPMENT_STATES

    before = standing(parcels)
    if SHIPMENT_STATES.allows(parcels[0], following) and following is not S.CANCELLED:
        after = standing([following, *parcels[1:]])
        assert after is before or SHIPMENT_STATES.allows(before, after) or before is S.CANCELLED


def number(text, **more):
    return TrackingNo(number=text, carrier="x", **more)


@pytest.mark.parametrize(
    ("tracking", "count", "borne"),
    [
        ([], 2, [None, None]),
        ([number("A")], 2, ["A", "A"]),
        ([number("A"), number("B", parent="A")], 2, ["A", "B"]),
        ([number("M"), number("A", parent="M"), number("B", parent="M")], 2, ["A", "B"]),
        ([number("B", parcel=2), number("A", parcel=1)], 2, ["A", "B"]),
        ([number("M"), number("B", parcel=2)], 2, ["M", "B"]),
        ([number("A"), number("B")], 3, ["A", "B", "A"]),
        ([number("A"), number("Z", parcel=9)], 1, ["A"]),
    ],
)
def test_each_parcel_bears_its_number(tracking, count, borne):
    assert numbered(tracking, count) == borne


# Packing


async def test_parcels_are_told_to_the_carrier_as_they_were_packed(two, carrier):
    told = carrier.request.parcels
    assert [(p.weight_g, p.length_mm) for p in told] == [(600, 300), (1500, 0)]
    assert [[(i.sku, i.quantity) for i in p.items] for p in told] == [
        [("SHIRT", 2)],
        [("SHIRT", 1), ("MUG", 2)],
    ]
    main = two.tracking_number
    assert [p.tracking_number for p in two.parcels] == [main, f"{main}-2"]
    assert [p.tracking_url for p in two.parcels] == [
        f"https://fake.test/{main}",
        f"https://fake.test/{main}-2",
    ]
    assert states(two) == [S.HANDED_OVER, S.HANDED_OVER]
    assert two.lines == sorted(LINES, key=lambda line: line.line_id)


@pytest.mark.parametrize(
    "parcels",
    [
        [box(3, 1)],
        [box(3, 2), box(1, 0)],
        [PackedParcel(lines=[PackedLine(line_id=new_id(), quantity=1)]), box(3, 2)],
    ],
)
async def test_every_unit_lies_in_exactly_one_parcel(create, database, parcels):
    with pytest.raises(ParcelsUnlikeLines):
        await create(lines=LINES, parcels=parcels)
    assert await database.fetchval("SELECT count(*) FROM fulfilment_parcel") == 0


async def test_a_carrier_of_single_parcels_gets_no_two(create, carrier, database):
    import msgspec

    carrier.capabilities = msgspec.structs.replace(carrier.capabilities, multi_parcel=False)
    with pytest.raises(TooManyParcels):
        await create(lines=LINES, parcels=TWO)
    assert await database.fetchval("SELECT count(*) FROM fulfilment_shipment") == 0
    by_hand = [box(2, 0, tracking_number="A"), box(1, 2, tracking_number="B")]
    made = await create(lines=LINES, parcels=by_hand)
    assert made.booking is Booking.MANUAL, "whoever types the numbers arranged it otherwise"


async def test_numbers_of_all_parcels_or_of_none_are_typed(service, create):
    with pytest.raises(CarrierRequired):
        await create(lines=LINES, parcels=[box(2, 0, tracking_number="A"), box(1, 2)])
    typed = [box(2, 0, tracking_number="A"), box(1, 2, tracking_number="B")]
    made = await create(lines=LINES, parcels=typed, carrier="SF", service=None)
    assert [p.tracking_number for p in made.parcels] == ["A", "B"]


async def test_a_shipment_is_packed_anew_until_its_carrier_is_told(service, create, carrier):
    made = await create(lines=LINES)
    with pytest.raises(Conflict):
        await service.repack(made.id, TWO, expected=made.version + 1)
    packed = await service.repack(made.id, TWO, expected=made.version)
    assert [len(p.lines) for p in packed.parcels] == [1, 2]
    with pytest.raises(ParcelsUnlikeLines):
        await service.repack(made.id, [box(1, 1)], expected=packed.version)
    sent = await service.hand_over(made.id)
    assert len(carrier.request.parcels) == 2
    with pytest.raises(ShipmentBooked):
        await service.repack(made.id, [box(3, 2)], expected=sent.version)
    assert len((await service.shipment(made.id)).parcels) == 2


async def test_a_refused_shipment_may_be_packed_anew_and_booked_again(service, create, carrier):
    carrier.fails["create"] = [ProviderRejected("too-heavy")]
    made = await service.hand_over((await create(lines=LINES)).id)
    assert (made.booking, made.failure_code) == (Booking.REFUSED, "too-heavy")
    await service.repack(made.id, TWO, expected=made.version)
    sent = await service.hand_over(made.id)
    assert (sent.status, len(sent.parcels)) == (S.HANDED_OVER, 2)
    assert carrier.calls == ["create", "create"], "surely not booked, so nothing to look for"


# News


async def test_each_parcel_goes_its_own_way(service, two, push, scan, told):
    main = two.tracking_number
    await push([scan(main, "in_transit"), scan(f"{main}-2", "out_for_delivery")])
    now = await service.shipment(two.id)
    assert (now.status, states(now)) == (S.IN_TRANSIT, [S.IN_TRANSIT, S.OUT_FOR_DELIVERY])
    await push([scan(f"{main}-2", "delivered", minutes=3)])
    now = await service.shipment(two.id)
    assert (now.status, states(now)) == (S.IN_TRANSIT, [S.IN_TRANSIT, S.DELIVERED])
    assert now.delivered_at is None
    assert now.parcels[1].delivered_at == scan("x", "delivered", minutes=3).at
    await push([scan(main, "delivered", minutes=9)])
    done = await service.shipment(two.id)
    assert (done.status, states(done)) == (S.DELIVERED, [S.DELIVERED, S.DELIVERED])
    assert (await told()).count("Delivered") == 2


async def test_a_delivery_says_what_arrived_and_whether_that_is_all(database, two, push, scan):
    import json

    main = two.tracking_number
    for number in (f"{main}-2", main):
        await push([scan(number, "delivered")])
    rows = await database.fetch(
        "SELECT payload FROM platform_outbox WHERE type LIKE '%Delivered' ORDER BY position"
    )
    facts = [json.loads(row["payload"]) for row in rows]
    assert [(f["parcels"], f["complete"]) for f in facts] == [([2], False), ([1], True)]
    assert [sorted((x["sku"], x["quantity"]) for x in f["lines"]) for f in facts] == [
        [("MUG", 2), ("SHIRT", 1)],
        [("SHIRT", 2)],
    ]


async def test_news_of_one_parcel_move_no_other_back(service, two, push, scan):
    main = two.tracking_number
    await push([scan(main, "delivered"), scan(f"{main}-2", "delivered")])
    await push([scan(f"{main}-2", "picked_up"), scan(main, "in_transit")])
    assert states(await service.shipment(two.id)) == [S.DELIVERED, S.DELIVERED]


async def test_one_parcel_taken_back_by_the_carrier_takes_none_back(service, two, push, scan):
    await push([scan(f"{two.tracking_number}-2", "cancelled")])
    now = await service.shipment(two.id)
    assert (now.status, states(now)) == (S.HANDED_OVER, [S.HANDED_OVER, S.HANDED_OVER])
    await push([scan(two.tracking_number, "cancelled")])
    assert (await service.shipment(two.id)).status is S.CANCELLED


async def test_each_failed_attempt_is_counted_and_told_once(service, two, push, scan, told):
    number = f"{two.tracking_number}-2"
    for visit in ("1", "2"):
        for _ in range(2):
            await push([scan(number, "attempt_failed", id=f"visit-{visit}")])
    now = await service.shipment(two.id)
    assert [p.attempts for p in now.parcels] == [0, 2]
    assert now.parcels[1].status is S.IN_TRANSIT
    assert (await told()).count("AttemptFailed") == 2
    await push([scan(number, "delivered")])
    assert (await service.shipment(two.id)).parcels[1].status is S.DELIVERED


async def test_staff_note_what_happened_to_one_parcel_or_to_all(service, two, clock):
    async def note(code, parcel=None):
        return await service.record_by_hand(
            two.id, event_id=new_id(), code=code, text="", at=clock.now(), parcel=parcel
        )

    assert states(await note(TrackCode.DELIVERED, 2)) == [S.HANDED_OVER, S.DELIVERED]
    assert states(await note(TrackCode.OUT_FOR_DELIVERY)) == [S.OUT_FOR_DELIVERY, S.DELIVERED]
    with pytest.raises(ParcelNotFound):
        await note(TrackCode.DELIVERED, 3)
    assert len((await service.shipment(two.id)).events) == 2


async def test_links_that_are_no_web_addresses_are_not_shown(service, two, carrier):
    carrier.link = "javascript:alert('#')"
    assert (await service.shipment(two.id)).parcels[0].tracking_url is None
    carrier.tracking_url = None
    assert (await service.shipment(two.id)).tracking_url is None


# What came back


@pytest.fixture
async def back(service, two, push, scan):
    """The second parcel is here again."""
    number = f"{two.tracking_number}-2"
    await push([scan(number, "returning"), scan(number, "returned")])
    return await service.shipment(two.id)


async def test_a_parcel_is_opened_when_it_is_here(service, two, push, scan, told):
    for code in ("in_transit", "returning"):
        await push([scan(f"{two.tracking_number}-2", code)])
        with pytest.raises(ParcelNotBack):
            await service.inspect(two.id, 2, [FoundLine(line_id=MUG, sellable=1)], actor="li")
    assert "Inspected" not in await told()
    assert (await service.shipment(two.id)).parcels[1].inspected_at is None


async def test_what_was_found_is_kept_and_told_once(service, back, told):
    found = [FoundLine(line_id=MUG, sellable=1, damaged=1)]
    for _ in range(2):
        opened = await service.inspect(back.id, 2, found, actor="li")
    lines = {line.line_id: (line.sellable, line.damaged) for line in opened.parcels[1].lines}
    assert lines == {MUG: (1, 1), SHIRT: (0, 0)}
    assert [line.sellable for line in opened.parcels[0].lines] == [None]
    assert (await told()).count("Inspected") == 1
    with pytest.raises(ParcelInspected):
        await service.inspect(back.id, 2, [FoundLine(line_id=MUG, sellable=2)], actor="li")
    assert (await told()).count("Inspected") == 1


@pytest.mark.parametrize(
    "found",
    [
        [FoundLine(line_id=MUG, sellable=2, damaged=1)],
        [FoundLine(line_id=MUG, sellable=2), FoundLine(line_id=MUG, damaged=1)],
        [FoundLine(line_id=new_id(), sellable=1)],
    ],
)
async def test_no_more_is_found_than_was_sent(service, back, told, found):
    with pytest.raises(FoundTooMuch):
        await service.inspect(back.id, 2, found, actor="li")
    assert "Inspected" not in await told()


async def test_what_came_back_is_sent_again_after_it_was_opened(service, back, told):
    with pytest.raises(ParcelNotBack):
        await service.send_again(back.id, 2, actor="li")
    found = [FoundLine(line_id=MUG, sellable=2), FoundLine(line_id=SHIRT, sellable=1)]
    opened = await service.inspect(back.id, 2, found, send_again=True, actor="li")
    assert opened.parcels[1].sent_again_at is not None
    again = await service.send_again(back.id, 2, actor="li")
    assert again == opened
    assert (await told())[-2:] == ["Inspected", "SentAgain"]
    with pytest.raises(ParcelNotBack):
        await service.send_again(back.id, 1, actor="li")
    with pytest.raises(ParcelNotFound):
        await service.send_again(back.id, 3, actor="li")


async def test_what_got_lost_is_sent_again_unopened(service, two, push, scan, told):
    await push([scan(f"{two.tracking_number}-2", "lost")])
    lost = await service.send_again(two.id, 2, actor="li")
    assert lost.parcels[1].sent_again_at is not None
    assert (await told())[-1] == "SentAgain"


async def test_parcels_to_open_are_listed(service, back, create):
    await create(reference="order-2")

    async def listed(**wanted):
        page = await service.page(PageRequest(), ShipmentFilter(**wanted))
        return [item.id for item in page.items]

    assert await listed(to_inspect=True) == [back.id]
    assert await listed(tracking_number=f"{back.tracking_number}-2") == [back.id]
    assert await listed(tracking_number="nobodys") == []
    assert await listed(booking=Booking.REFUSED) == []
    await service.inspect(back.id, 2, [], actor="li")
    assert await listed(to_inspect=True) == []


# Labels


async def test_labels_are_printed_as_often_as_wanted_and_bought_once(service, two, carrier):
    main = two.tracking_number
    for _ in range(2):
        assert (await service.label(two.id, "txt")).content == f"{main} {main}-2".encode()
    assert (await service.label(two.id, "txt", 2)).content == f"{main}-2".encode()
    assert carrier.calls.count("create") == 1
    with pytest.raises(LabelUnavailable):
        await service.label(two.id, "pdf")
    with pytest.raises(ParcelNotFound):
        await service.label(two.id, "txt", 3)


async def test_nothing_is_printed_before_it_is_booked(service, create, carrier):
    made = await create()
    with pytest.raises(LabelUnavailable):
        await service.label(made.id, "txt")
    assert carrier.calls == []


# Races


async def test_what_is_packed_anew_before_the_carrier_is_told_is_what_it_is_told(
    service, create, carrier, race
):
    made = await create(lines=LINES)
    rival = race.before(
        "commercekit.fulfilment.repository.shipments.ShipmentRepository.mark_asked",
        lambda: service.repack(made.id, TWO, expected=made.version),
    )
    sent = await service.hand_over(made.id)
    await rival.result()
    assert len(carrier.request.parcels) == 2
    assert [len(p.lines) for p in sent.parcels] == [1, 2]
    assert len({p.tracking_number for p in sent.parcels}) == 2


async def test_what_the_carrier_was_told_of_is_not_packed_anew_meanwhile(
    service, create, carrier, race
):
    made = await create(lines=LINES)

    async def repack():
        now = await service.shipment(made.id)
        return await service.repack(made.id, TWO, expected=now.version)

    rival = race.before("commercekit.fulfilment.service.send.Sending._request", repack)
    sent = await service.hand_over(made.id)
    with pytest.raises(ShipmentBooked):
        await rival.result()
    assert len(carrier.request.parcels) == len(sent.parcels) == 1


async def test_news_and_a_cancellation_at_once_leave_one_truth(
    service, two, carrier, push, scan, race, told
):
    rival = race.before(
        "commercekit.fulfilment.service.base.FulfilmentUseCases._advance",
        lambda: push([scan(f"{two.tracking_number}-2", "in_transit")]),
    )
    cancelled = await service.cancel(two.id)
    await rival.result()
    now = await service.shipment(two.id)
    assert cancelled.status is S.CANCELLED
    assert states(now) == [S.CANCELLED, S.CANCELLED], "the scan waited, and came too late"
    assert len(now.events) == 1
    assert (await told()).count("Cancelled") == 1
