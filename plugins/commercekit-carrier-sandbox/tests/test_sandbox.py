from __future__ import annotations

from datetime import timedelta

import httpx
import msgspec
import pytest
from litestar import Router

from commercekit.errors import Conflict, NotFound
from commercekit.fulfilment import (
    Booking,
    Parcel,
    ShipmentOnItsWay,
    SubscribeResult,
    TrackCode,
    TrackQuery,
)
from commercekit.kernel import Address, Money
from commercekit.platform.db import schema_drift
from commercekit.platform.http import build_litestar
from commercekit.platform.providers import ProviderRejected, SignatureInvalid
from commercekit_carrier_sandbox import plugin
from commercekit_carrier_sandbox.piccolo_app import APP_CONFIG
from commercekit_carrier_sandbox.scripts import SCRIPTS, script_of
from commercekit_carrier_sandbox.signing import HEADER, WINDOW, sign, verify


def _address(**changes):
    base = {"name": "L", "phone": "+8613800138000", "country": "CN", "city": "H", "line1": "1"}
    return Address(**{**base, **changes})


async def _to_the_end(shop, shipment):
    statuses = []
    while True:
        view = await shop.depot.advance(shipment.tracking_number)
        statuses.append(await shop.status(shipment))
        if view.ended:
            return statuses


@pytest.mark.parametrize(
    ("script", "statuses"),
    [
        ("", ["handed_over", "in_transit", "out_for_delivery", "delivered"]),
        ("lost", ["handed_over", "in_transit", "failed"]),
        (
            "attempt-failed",
            ["handed_over", "in_transit", *["out_for_delivery"] * 3, "delivered"],
        ),
        (
            "returned",
            ["handed_over", "in_transit", *["out_for_delivery"] * 2, "returning", "returned"],
        ),
        ("backwards", ["handed_over", "out_for_delivery", "delivered", "delivered"]),
        ("duplicate", ["handed_over", "in_transit", "out_for_delivery", "delivered"]),
        ("customs", ["handed_over", "in_transit", "in_transit", "out_for_delivery", "delivered"]),
    ],
)
async def test_pushed_script_is_what_the_shop_shows(shop, script, statuses):
    shipment = await shop.send(line2=f"Flat 3 {script.upper()}")
    assert shipment.tracking_number == f"SB{shipment.id.hex[16:].upper()}"
    assert await _to_the_end(shop, shipment) == statuses
    assert set(shop.answers) == {200}
    events = (await shop.fulfilment.shipment(shipment.id)).events
    assert sorted(e.code for e in events) == sorted(
        step.code for step in SCRIPTS[script or "delivered"]
    )


async def test_twice_told_news_are_twice_sent_and_once_kept(shop):
    shipment = await shop.send(postcode="duplicate")
    await shop.depot.advance(shipment.tracking_number)
    assert len(shop.requests) == 2
    assert len((await shop.fulfilment.shipment(shipment.id)).events) == 1


async def test_silent_parcel_is_heard_of_by_polling_only(shop):
    shipment = await shop.send(postcode="silent")
    for _ in range(4):
        view = await shop.depot.advance(shipment.tracking_number)
        assert view.pushed is None
    assert shop.requests == []
    assert await shop.status(shipment) == "handed_over"
    await shop.fulfilment.poll(shipment.id)
    assert await shop.status(shipment) == "delivered"


async def test_push_goes_on_by_job_until_the_shop_listens(shop, clock):
    shipment = await shop.send()
    shop.down = True
    view = await shop.depot.advance(shipment.tracking_number)
    assert (view.pushed, view.step) == (False, 1)
    clock.advance(minutes=1)
    await shop.jobs.run_due()
    assert (await shop.fulfilment.shipment(shipment.id)).events == []
    shop.down = False
    clock.advance(minutes=20)
    await shop.jobs.run_due()
    (event,) = (await shop.fulfilment.shipment(shipment.id)).events
    assert event.code is TrackCode.PICKED_UP


async def test_end_of_the_script_is_a_conflict_and_tells_nothing_more(shop):
    shipment = await shop.send(postcode="lost")
    await _to_the_end(shop, shipment)
    told = len(shop.requests)
    with pytest.raises(Conflict):
        await shop.depot.advance(shipment.tracking_number)
    assert len(shop.requests) == told
    with pytest.raises(NotFound):
        await shop.depot.advance("SB0000000000000000")


async def test_refused_address_is_not_booked(shop, database):
    shipment = await shop.send(line2="refused")
    assert (shipment.booking, shipment.failure_code) == (Booking.REFUSED, "address-refused")
    assert await database.fetchval("SELECT count(*) FROM carrier_sandbox_parcel") == 0


async def test_lost_answer_is_found_again_and_books_once(shop, database):
    shipment = await shop.send(line2="timeout")
    assert (shipment.booking, str(shipment.status)) == (Booking.BOOKED, "handed_over")
    assert await database.fetchval("SELECT count(*) FROM carrier_sandbox_parcel") == 1


async def test_parcel_is_called_back_until_it_is_picked_up(shop):
    first, second = await shop.send(), await shop.send()
    assert str((await shop.fulfilment.cancel(first.id)).status) == "cancelled"
    with pytest.raises(Conflict):
        await shop.depot.advance(first.tracking_number)
    await shop.depot.advance(second.tracking_number)
    with pytest.raises(ShipmentOnItsWay):
        await shop.fulfilment.cancel(second.id)
    assert await shop.status(second) == "handed_over"


async def test_forged_old_and_changed_notifications_are_refused(shop, clock):
    shipment = await shop.send()
    await shop.depot.advance(shipment.tracking_number)
    genuine = shop.requests[-1]
    key = shop.depot.keys("default")[0]
    old = sign(key, genuine.body, clock.now() - WINDOW - timedelta(seconds=1))
    other = sign(b"another key", genuine.body, clock.now())
    for headers, body in (
        ({}, genuine.body),
        ({HEADER: other}, genuine.body),
        ({HEADER: old}, genuine.body),
        (genuine.headers, genuine.body.replace(b"picked_up", b"delivered")),
        ({HEADER: sign(key, b"[]", clock.now())}, b"[]"),
    ):
        forged = msgspec.structs.replace(genuine, headers=headers, body=body)
        with pytest.raises(SignatureInvalid):
            await shop.fulfilment.receive_webhook("sandbox", "default", None, forged)
    assert await shop.status(shipment) == "handed_over"
    assert len((await shop.fulfilment.shipment(shipment.id)).events) == 1


def test_previous_secret_is_accepted_while_it_changes(clock):
    body = b"{}"
    verify([b"new", b"old"], body, sign(b"old", body, clock.now()), clock.now())
    with pytest.raises(SignatureInvalid):
        verify([b"new"], body, sign(b"old", body, clock.now()), clock.now())


async def test_subscription_is_noted_and_used(shop):
    shipment = await shop.send()
    context = shop.fulfilment._carriers.account("sandbox").context
    query = TrackQuery(number=shipment.tracking_number, carrier="sandbox")
    url = "http://shop.test/webhooks/carriers/sandbox/default"
    assert await shop.carrier.subscribe(context, query, url) is SubscribeResult.OK
    assert await shop.carrier.subscribe(context, query, url) is SubscribeResult.ALREADY
    unknown = TrackQuery(number="SB1", carrier="sandbox")
    assert await shop.carrier.subscribe(context, unknown, url) is SubscribeResult.REJECTED
    await shop.depot.advance(shipment.tracking_number)
    assert shop.requests[-1].url == url


async def test_two_services_are_quoted_in_the_shops_currency(shop):
    options = await shop.fulfilment.rates(
        _address(), [Parcel(weight_g=1)], Money(100, "EUR"), "EUR"
    )
    assert [(option.code, option.amount) for option in options] == [
        ("sandbox-standard", Money(800, "EUR")),
        ("sandbox-express", Money(1800, "EUR")),
    ]
    assert options[0].label["zh"] == "沙箱标准配送"


async def test_label_is_text_only(shop):
    shipment = await shop.send()
    context = shop.fulfilment._carriers.account("sandbox").context
    found = await shop.carrier.find(context, shipment.id.hex)
    label = await shop.carrier.label(context, found, "txt")
    assert label.content == f"SANDBOX {shipment.tracking_number}\n".encode()
    with pytest.raises(ProviderRejected):
        await shop.carrier.label(context, found, "pdf")


@pytest.mark.parametrize(
    ("address", "script"),
    [
        ({}, "delivered"),
        ({"line2": "Lost"}, "lost"),
        ({"postcode": "returned"}, "returned"),
        ({"line2": "floor 2, left", "postcode": "310000"}, "delivered"),
        ({"line2": "silent lost"}, "silent"),
    ],
)
def test_first_magic_word_chooses_the_script(address, script):
    assert script_of(_address(**address)) == script


async def test_sandbox_keeps_no_address(shop, database):
    await shop.send(line2="lost")
    row = await database.fetchrow("SELECT * FROM carrier_sandbox_parcel")
    assert "West Lake" not in str(dict(row))
    assert "李雷" not in str(dict(row))


async def test_tables_are_declared_as_they_are(database):
    async with database.dedicated_connection() as connection:
        assert await schema_drift(connection, APP_CONFIG.table_classes) == []


async def test_script_is_moved_over_http_and_pushed_before_the_answer(shop):
    app = build_litestar(
        controllers=[
            Router("/plugins/carrier-sandbox", route_handlers=plugin.register_routes(shop.ctx))
        ]
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as browser:
        shipment = await shop.send(postcode="lost")
        path = f"/plugins/carrier-sandbox/parcels/{shipment.tracking_number}"
        for step, status in enumerate(("handed_over", "in_transit", "failed"), 1):
            answer = await browser.post(f"{path}/advance")
            assert answer.status_code == 200
            body = answer.json()
            assert (body["step"], body["steps"], body["pushed"]) == (step, 3, True)
            assert await shop.status(shipment) == status
        assert (await browser.post(f"{path}/advance")).status_code == 409
        assert (await browser.get(path)).json()["ended"] is True
        assert (await browser.get(f"{path[:-1]}-")).status_code in {400, 404}
        assert (await browser.post(f"{path[:-18]}SB{'0' * 16}/advance")).status_code == 404
