"""Whoever fails at any failpoint, once each: the retry with the same key does everything exactly once."""

from __future__ import annotations

import re
from contextlib import suppress

import pytest

from commercekit.platform.failpoints import FailpointReached, watching
from tests.faults.failpoints import in_the_code, staged
from tests.faults.journeys import JOURNEYS, Journey, Walker
from tests.shop import TestShop, given, refused

pytestmark = pytest.mark.timeout(600)


def walker_in(shop: TestShop) -> Walker:
    """Somebody whose patience is the shop's own clock."""

    async def settle() -> None:
        shop.clock.advance(seconds=31)
        # What is done by itself may fail there, too: the next round does it.
        with suppress(FailpointReached):
            await shop.settle()

    return Walker(shop.client, shop.staff_token, settle)


@pytest.mark.promise("R1")
async def test_every_failpoint_is_reached_and_survived(shop: TestShop) -> None:
    failed: list[str] = []

    def fail_once(name: str) -> None:
        if name not in failed:
            failed.append(name)
            raise FailpointReached(name)

    with watching(fail_once):
        for journey in JOURNEYS:
            await journey(walker_in(shop))
    known = in_the_code()
    assert known, "there is something to fail"
    reached = {*failed, *staged()}
    forgotten = {
        where: name
        for name, where in known.items()
        if not any(re.fullmatch(name, one) for one in reached)
    }
    assert forgotten == {}, "a failpoint that no test reaches proves nothing"
    through = (
        "checkout.placed",
        "payments.asked",
        "orders.shipment-created",
        "orders.refund-approved",
    )
    assert set(through) <= set(failed)


@pytest.mark.promise("R1")
async def test_a_shipment_is_packed_anew_once_although_the_answer_never_came(
    shop: TestShop,
) -> None:
    walker = walker_in(shop)
    order = await walker.bought(2)
    at = ["orders.shipment-created", "fulfilment.repacked"]

    def fail_at(name: str) -> None:
        if name in at:
            at.remove(name)
            raise FailpointReached(name)

    with watching(fail_at):
        # It dies before the carrier is asked, so what it packed may still be packed anew.
        assert (await shop.ship(order)).status_code == 500
        (shipment,) = given(await shop.admin("GET", "/admin/shipments"))["items"]
        path = f"/admin/shipments/{shipment['id']}"
        etag = (await shop.admin("GET", path)).headers["etag"]
        line = {"line_id": order["lines"][0]["id"], "quantity": 1}
        body = {"parcels": [{"lines": [line]}, {"lines": [line]}]}
        headers = {"If-Match": etag}
        answer = await shop.admin("PUT", f"{path}/parcels", json=body, headers=headers)
        assert answer.status_code == 500
    assert at == []
    refused(
        await shop.admin("PUT", f"{path}/parcels", json=body, headers=headers),
        412,
        "precondition-failed",
    )
    seen = given(await shop.admin("GET", path))
    assert [parcel["lines"][0]["quantity"] for parcel in seen["parcels"]] == [1, 1]
    await walker.settle()
    assert given(await shop.admin("GET", path))["status"] == "handed_over"
    assert await shop.stock("MUG") == (98, 0)


@pytest.mark.faults
@pytest.mark.promise("R1")
@pytest.mark.parametrize("journey", JOURNEYS)
async def test_a_journey_ends_well_when_each_of_its_failpoints_fails_twice(
    shop: TestShop, journey: Journey
) -> None:
    failed: dict[str, int] = {}

    def fail_twice(name: str) -> None:
        failed[name] = failed.get(name, 0) + 1
        if failed[name] <= 2:
            raise FailpointReached(name)

    with watching(fail_twice):
        await journey(walker_in(shop))
    assert failed


async def test_the_journeys_end_well_when_nothing_fails(shop: TestShop) -> None:
    before = await shop.stock("MUG")
    for journey in JOURNEYS:
        await journey(walker_in(shop))
    after = await shop.stock("MUG")
    assert before[0] - after[0] == 5
    assert await shop.orders() == len(JOURNEYS)
