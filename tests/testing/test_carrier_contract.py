"""The contract of carriers, proven: a good one keeps it, and every way to break it is named."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import httpx
import msgspec
import pytest

from commercekit.fulfilment import (
    CancelOutcome,
    CancelResult,
    Label,
    RateQuote,
    SubscribeResult,
    TrackingNo,
)
from commercekit.kernel import Money
from commercekit.platform.providers import (
    Ack,
    ProviderContext,
    ProviderContexts,
    SignatureInvalid,
)
from commercekit.testing import ManualClock
from commercekit.testing.conformance import CARRIER_RULES
from tests.testing.proving import faults, rules_without_a_test
from tests.testing.sample_carrier import Account, GoodCarrier, GoodContract


def changed(shipment: Any, **changes: Any) -> Any:
    return msgspec.structs.replace(shipment, **changes)


class Nameless(GoodCarrier):
    code = "Not A Code"


class Wordless(GoodCarrier):
    def service_label(self, ctx: Any, service: str) -> Any:
        return {"zh": "标准"}


class InDollars(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        return [RateQuote(service="standard", amount=Money(800, "USD"))]


class TwoPrices(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        return [RateQuote(service="standard", amount=Money(n, r.currency)) for n in (8, 9)]


class Flickering(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        self.bookings += 1
        return [RateQuote(service="standard", amount=Money(self.bookings, r.currency))]


class OwnIds(GoodCarrier):
    async def create(self, ctx: Any, r: Any) -> Any:
        return changed(await super().create(ctx, r), shipment_id="mine")


class BooksAgain(GoodCarrier):
    async def create(self, ctx: Any, r: Any) -> Any:
        return self.book(r)


class LooksThenBooks(GoodCarrier):
    async def create(self, ctx: Any, r: Any) -> Any:
        known = self.booked.get(r.shipment_id)
        await asyncio.sleep(0)
        if known is None:
            self.booked[r.shipment_id] = self.book(r)
            return self.booked[r.shipment_id]
        return known


class Forgetful(GoodCarrier):
    async def find(self, ctx: Any, shipment_id: str) -> Any:
        return None


class Inventive(GoodCarrier):
    async def find(self, ctx: Any, shipment_id: str) -> Any:
        found = await super().find(ctx, shipment_id)
        return found or next(iter(self.booked.values()), None) or self.ghost()

    def ghost(self) -> Any:
        from commercekit.fulfilment import Shipment

        return Shipment(shipment_id="0", provider_ref="0", tracking=[])


class OneNumber(GoodCarrier):
    def book(self, r: Any) -> Any:
        number = TrackingNo(number="SAME", carrier=self.code)
        return changed(super().book(r), tracking=[number])


class Orphans(GoodCarrier):
    def book(self, r: Any) -> Any:
        booked = super().book(r)
        last = changed(booked.tracking[-1], parent="NOBODY")
        return changed(booked, tracking=[*booked.tracking[:-1], last])


class SameParcel(GoodCarrier):
    def book(self, r: Any) -> Any:
        booked = super().book(r)
        return changed(booked, tracking=[changed(t, parcel=1) for t in booked.tracking])


class CancelsOnce(GoodCarrier):
    async def cancel(self, ctx: Any, s: Any) -> Any:
        if any(self.scans.get(each.number) for each in s.tracking):
            return await super().cancel(ctx, s)
        gone = self.booked.pop(s.shipment_id, None)
        outcome = CancelOutcome.CANCELLED if gone else CancelOutcome.TOO_LATE
        return CancelResult(outcome=outcome)


class KnowsWhatItCancels(GoodCarrier):
    async def cancel(self, ctx: Any, s: Any) -> Any:
        if s.shipment_id not in self.booked:
            return CancelResult(outcome=CancelOutcome.UNKNOWN)
        return await super().cancel(ctx, s)


class CallsTrucksBack(GoodCarrier):
    async def cancel(self, ctx: Any, s: Any) -> Any:
        return CancelResult(outcome=CancelOutcome.CANCELLED)


class SellsLabels(GoodCarrier):
    async def label(self, ctx: Any, s: Any, fmt: str) -> Any:
        self.bookings += 1
        return changed(await super().label(ctx, s, fmt), content=str(self.bookings).encode())


class PrintsAnything(GoodCarrier):
    async def label(self, ctx: Any, s: Any, fmt: str) -> Any:
        return Label(format=fmt, content=b"?")


class NoHistory(GoodCarrier):
    async def track(self, ctx: Any, t: Any) -> Any:
        return []


class LocalTime(GoodCarrier):
    async def track(self, ctx: Any, t: Any) -> Any:
        return [
            changed(e, at=datetime.now(UTC).replace(tzinfo=None))
            for e in await super().track(ctx, t)
        ]


class NewIdsEachTime(GoodCarrier):
    async def track(self, ctx: Any, t: Any) -> Any:
        self.bookings += 1
        return [changed(e, event_id=f"e{self.bookings}") for e in await super().track(ctx, t)]


class FollowsAnybody(GoodCarrier):
    async def track(self, ctx: Any, t: Any) -> Any:
        return await super().track(ctx, t) or [self.scan(t.number, ctx.now())]


class SubscribesOnce(GoodCarrier):
    async def subscribe(self, ctx: Any, t: Any, callback_url: str) -> Any:
        self.bookings += 1
        return SubscribeResult.OK if self.bookings % 2 == 0 else SubscribeResult.REJECTED


class Deaf(GoodCarrier):
    def read(self, req: Any) -> Any:
        return changed(super().read(req), events=[])


class AlwaysContent(GoodCarrier):
    def read(self, req: Any) -> Any:
        return changed(super().read(req), nack=Ack(body=b"ok"))


class Gullible(GoodCarrier):
    async def parse_notification(self, ctx: Any, req: Any) -> Any:
        if req.body and b"number" not in req.body:
            raise SignatureInvalid("unreadable")
        return self.read(req)


class ReadsOnce(GoodCarrier):
    def read(self, req: Any) -> Any:
        self.bookings += 1
        news = super().read(req)
        return changed(news, events=news.events * (1 + self.bookings % 2))


class Scripted(GoodCarrier):
    def tracking_url(self, ctx: Any, t: Any) -> Any:
        return "javascript:alert(1)"


class Stranger(GoodCarrier):
    async def create(self, ctx: Any, r: Any) -> Any:
        if r.quote_ref:
            raise KeyError(r.quote_ref)
        return await super().create(ctx, r)


class LogsAddresses(GoodCarrier):
    async def create(self, ctx: Any, r: Any) -> Any:
        ctx.log.info("booking", to=r.receiver.address.line1)
        return await super().create(ctx, r)


class PrintsItsKey(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        ctx.log.debug("asking", authorization=ctx.secrets.read("key"))
        return await super().rates(ctx, r)


class Waits(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        time.sleep(0.001)
        return await super().rates(ctx, r)


class NeverGivesUp(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        try:
            await asyncio.sleep(0.001)
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)
        return await super().rates(ctx, r)


class AsksLater(GoodCarrier):
    async def rates(self, ctx: Any, r: Any) -> Any:
        self.later = asyncio.ensure_future(asyncio.sleep(30))
        return await super().rates(ctx, r)


BROKEN: dict[type[GoodCarrier], set[str]] = {
    Nameless: {"declares-itself"},
    Wordless: {"names-its-services"},
    InDollars: {"quotes-in-the-currency-asked"},
    TwoPrices: {"quotes-a-service-once"},
    Flickering: {"quotes-the-same-twice"},
    OwnIds: {"echoes-our-id"},
    BooksAgain: {"books-once", "books-once-at-once"},
    LooksThenBooks: {"books-once-at-once"},
    Forgetful: {"finds-what-it-booked"},
    Inventive: {"finds-nothing-unbooked"},
    OneNumber: {"numbers-are-unlike"},
    Orphans: {"numbers-name-their-parents"},
    SameParcel: {"numbers-no-parcel-twice"},
    CancelsOnce: {"cancels-twice"},
    KnowsWhatItCancels: {"cancels-what-was-never-booked"},
    CallsTrucksBack: {"refuses-to-cancel-what-travels"},
    SellsLabels: {"prints-without-buying"},
    PrintsAnything: {"refuses-unknown-formats"},
    NoHistory: {"tracks-the-whole-history"},
    LocalTime: {"tracks-the-whole-history"},
    NewIdsEachTime: {"tells-events-apart"},
    FollowsAnybody: {"knows-no-strangers"},
    SubscribesOnce: {"subscribes-twice"},
    Deaf: {"accepts-its-own"},
    AlwaysContent: {"answers-both-ways"},
    Gullible: {"refuses-forgeries"},
    ReadsOnce: {"reads-without-effects"},
    Scripted: {"follows-on-the-web"},
    Stranger: {"fails-in-our-words"},
    LogsAddresses: {"keeps-people-out-of-logs"},
    PrintsItsKey: {"keeps-secrets"},
    Waits: {"holds-up-nobody"},
    NeverGivesUp: {"lets-itself-be-cut-short"},
    AsksLater: {"leaves-no-task-behind"},
}


@pytest.fixture
async def context(clock: ManualClock) -> AsyncIterator[ProviderContext]:
    async with httpx.AsyncClient() as http:
        yield ProviderContexts(http=http, clock=clock)("good", "default", Account())


async def test_a_good_carrier_breaks_no_rule(context: ProviderContext) -> None:
    assert await faults(GoodContract(), carrier=GoodCarrier, context=context) == {}


@pytest.mark.parametrize("kind", BROKEN, ids=lambda kind: kind.__name__)
async def test_a_broken_carrier_is_caught_by_the_rule_it_breaks(
    context: ProviderContext, kind: type[GoodCarrier]
) -> None:
    found = await faults(GoodContract(), carrier=kind, context=context)
    assert set(found) == BROKEN[kind], found


def test_every_rule_was_broken_once() -> None:
    assert set().union(*BROKEN.values()) == set(CARRIER_RULES)


def test_every_rule_has_a_reason_and_a_test_that_says_its_name() -> None:
    assert rules_without_a_test(GoodContract(), CARRIER_RULES) == []
    assert all(len(reason) > 20 for reason in CARRIER_RULES.values())
