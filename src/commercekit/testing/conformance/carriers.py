"""The contract of :class:`commercekit.fulfilment.Carrier`, rule by rule."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable
from datetime import timedelta
from typing import Any

import msgspec
import pytest
from msgspec import Struct

from commercekit.fulfilment import (
    CancelOutcome,
    Carrier,
    CarrierCapabilities,
    Shipment,
    ShipmentRef,
    SubscribeResult,
    TrackQuery,
)
from commercekit.kernel import new_id
from commercekit.platform.providers import (
    ProviderContext,
    ProviderError,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit.testing.conformance.carrier_rules import CARRIER_RULES
from commercekit.testing.conformance.carrier_trial import CarrierTrial

__all__ = ["CarrierContract"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_UNKNOWN_NUMBER = "NOBODYS0000000001"


class CarrierContract(CarrierTrial):
    """Inherit it, give the two fixtures, and override the hooks that your vendor's sandbox allows.

    Rules about what a carrier says it cannot do (:attr:`Carrier.capabilities`) hold trivially.
    """

    rules = CARRIER_RULES
    pytestmark = pytest.mark.asyncio

    # ------------------------------------------------------------------------------------ identity

    async def test_it_declares_itself(self, carrier: Carrier) -> None:
        """Rule ``declares-itself``."""
        self.hold(
            "declares-itself", bool(_CODE.fullmatch(carrier.code)), f"code is {carrier.code!r}"
        )
        config: Any = carrier.config_type
        known = isinstance(config, type) and issubclass(config, Struct)
        self.hold("declares-itself", known, f"config_type is {config!r}")
        self.hold(
            "declares-itself",
            isinstance(carrier.capabilities, CarrierCapabilities),
            f"capabilities are {carrier.capabilities!r}",
        )

    async def test_its_services_have_names(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``names-its-services``."""
        label = carrier.service_label(context, self.service)
        self.hold("names-its-services", bool(label.get("en")), f"{self.service!r} reads {label!r}")

    # --------------------------------------------------------------------------------------- rates

    async def test_quotes_can_be_charged(self, carrier: Carrier, context: ProviderContext) -> None:
        """Rules ``quotes-in-the-currency-asked``, ``quotes-a-service-once``, ``quotes-the-same-twice``."""
        if not carrier.capabilities.rates:
            return
        quotes = await self.spoken(carrier.rates(context, self.inquiry()))
        for quote in quotes:
            fits = quote.amount.currency == self.currency and quote.amount.amount >= 0
            self.hold("quotes-in-the-currency-asked", fits, f"{quote.service}: {quote.amount}")
        services = [quote.service for quote in quotes]
        self.hold("quotes-a-service-once", len(set(services)) == len(services), f"{services}")
        again = await self.spoken(carrier.rates(context, self.inquiry()))
        priced = [(quote.service, quote.amount) for quote in quotes]
        self.hold(
            "quotes-the-same-twice",
            sorted(priced) == sorted((quote.service, quote.amount) for quote in again),
            f"{priced}, then {again}",
        )

    # ------------------------------------------------------------------------------------- booking

    async def test_a_shipment_is_booked_once(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``echoes-our-id``, ``books-once`` and ``finds-what-it-booked``."""
        if not carrier.capabilities.create:
            return
        request = self.consignment()
        first = await self.spoken(carrier.create(context, request))
        self.hold(
            "echoes-our-id", first.shipment_id == request.shipment_id, f"{first.shipment_id!r}"
        )
        again = await self.spoken(carrier.create(context, request))
        self.hold("books-once", _booking(first) == _booking(again), f"{first}, then {again}")
        found = await self.spoken(carrier.find(context, request.shipment_id))
        # Whoever gave no number told nobody: making it again costs nothing.
        same = _booking(found) == _booking(first) if found else not first.tracking
        self.hold("finds-what-it-booked", same, f"booked {first}, found {found}")

    async def test_two_bookings_at_once_are_one(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``books-once-at-once``."""
        if not carrier.capabilities.create:
            return
        request = self.consignment()
        answers = await asyncio.gather(
            *(self.spoken(carrier.create(context, request)) for _ in range(5))
        )
        bookings = {_booking(answer) for answer in answers}
        self.hold("books-once-at-once", len(bookings) == 1, f"{bookings}")

    async def test_two_shipments_are_two_bookings(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``finds-nothing-unbooked`` and ``numbers-are-unlike``."""
        if not carrier.capabilities.create:
            return
        nothing = await self.spoken(carrier.find(context, new_id().hex))
        self.hold("finds-nothing-unbooked", nothing is None, f"{nothing}")
        booked = [await self.spoken(carrier.create(context, self.consignment())) for _ in range(2)]
        numbers = [each.number for shipment in booked for each in shipment.tracking]
        self.hold("numbers-are-unlike", len(set(numbers)) == len(numbers), f"{numbers}")

    async def test_each_of_several_parcels_has_its_number(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``numbers-are-unlike``, ``numbers-name-their-parents``, ``numbers-no-parcel-twice``."""
        if not (carrier.capabilities.create and carrier.capabilities.multi_parcel):
            return
        request = self.consignment(parcels=3)
        booked = await self.spoken(carrier.create(context, request))
        numbers = [each.number for each in booked.tracking]
        self.hold("numbers-are-unlike", len(set(numbers)) == len(numbers), f"{numbers}")
        parents = {each.parent for each in booked.tracking} - {None}
        self.hold("numbers-name-their-parents", parents <= set(numbers), f"{parents} of {numbers}")
        named = [each.parcel for each in booked.tracking if each.parcel is not None]
        fits = len(set(named)) == len(named) and all(1 <= position <= 3 for position in named)
        self.hold("numbers-no-parcel-twice", fits and len(numbers) <= 4, f"{booked.tracking}")
        again = await self.spoken(carrier.create(context, request))
        self.hold("books-once", _booking(booked) == _booking(again), f"{booked}, then {again}")

    async def test_nonsense_fails_in_our_words(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``fails-in-our-words``: refused or booked, and never a stranger's exception."""
        if not carrier.capabilities.create:
            return
        for request in (
            self.consignment(service="no-such-service"),
            self.consignment(parcels=1, reference="订单 261122 <&>"),
            self.consignment(quote_ref="expired"),
        ):
            try:
                await self.spoken(carrier.create(context, request))
            except ProviderError:
                continue

    # --------------------------------------------------------------------------- cancelling, labels

    async def test_a_booking_is_cancelled_as_often_as_asked(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``cancels-twice`` and ``cancels-what-was-never-booked``."""
        if not carrier.capabilities.cancel:
            return
        booked = await self.spoken(carrier.create(context, self.consignment()))
        outcomes = [
            (await self.spoken(carrier.cancel(context, _ref(booked)))).outcome for _ in range(2)
        ]
        self.hold("cancels-twice", outcomes == [CancelOutcome.CANCELLED] * 2, f"{outcomes}")
        stranger = ShipmentRef(shipment_id=new_id().hex, provider_ref="")
        answer = await self.spoken(carrier.cancel(context, stranger))
        self.hold(
            "cancels-what-was-never-booked",
            answer.outcome is CancelOutcome.CANCELLED,
            f"{answer}",
        )

    async def test_what_travels_is_not_cancelled(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``refuses-to-cancel-what-travels``."""
        if not carrier.capabilities.cancel:
            return
        booked = await self.spoken(carrier.create(context, self.consignment()))
        if await self.travel(carrier, context, booked):
            answer = await self.spoken(carrier.cancel(context, _ref(booked)))
            self.hold(
                "refuses-to-cancel-what-travels",
                answer.outcome is CancelOutcome.TOO_LATE,
                f"{answer}",
            )

    async def test_labels_are_printed_and_not_bought(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``prints-without-buying`` and ``refuses-unknown-formats``."""
        booked = await self.spoken(carrier.create(context, self.consignment()))
        if carrier.capabilities.label:
            fmt = self.label_format
            before = await self.spoken(carrier.find(context, booked.shipment_id))
            first = await self.spoken(carrier.label(context, _ref(booked), fmt))
            again = await self.spoken(carrier.label(context, _ref(booked), fmt))
            after = await self.spoken(carrier.find(context, booked.shipment_id))
            self.hold("prints-without-buying", first == again, f"{first}, then {again}")
            self.hold("prints-without-buying", before == after, f"{before}, then {after}")
        refused = await self._refuses(carrier.label(context, _ref(booked), "papyrus"))
        self.hold("refuses-unknown-formats", refused, "printed papyrus")

    label_format = "pdf"
    """A format that the carrier prints."""

    # ------------------------------------------------------------------------------------- tracking

    async def test_the_history_is_whole_and_the_same_each_time(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``tracks-the-whole-history``, ``tells-events-apart`` and ``knows-no-strangers``."""
        if not carrier.capabilities.track_poll:
            return
        stranger = TrackQuery(number=_UNKNOWN_NUMBER, carrier=carrier.code, phone_last4="9000")
        heard = await self.spoken(carrier.track(context, stranger))
        self.hold("knows-no-strangers", heard == [], f"{heard}")
        booked = await self.spoken(carrier.create(context, self.consignment()))
        if not await self.travel(carrier, context, booked):
            return
        query = _query(booked, carrier)
        events = await self.spoken(carrier.track(context, query))
        whole = bool(events) and all(
            event.tracking_number == query.number and event.at.utcoffset() == timedelta()
            for event in events
        )
        self.hold("tracks-the-whole-history", whole, f"{events}")
        ids = [event.event_id for event in events if event.event_id]
        again = [event.event_id for event in await self.spoken(carrier.track(context, query))]
        apart = len(set(ids)) == len(ids) and set(ids) <= set(again)
        self.hold("tells-events-apart", apart, f"{ids}, then {again}")

    async def test_a_number_is_subscribed_as_often_as_asked(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``subscribes-twice``."""
        if not carrier.capabilities.track_push:
            return
        booked = await self.spoken(carrier.create(context, self.consignment()))
        url = f"https://shop.test/webhooks/carriers/{carrier.code}/{context.account_id}"
        query = _query(booked, carrier)
        answers = [await self.spoken(carrier.subscribe(context, query, url)) for _ in range(2)]
        self.hold("subscribes-twice", SubscribeResult.REJECTED not in answers, f"{answers}")

    async def test_links_lead_to_the_web(self, carrier: Carrier, context: ProviderContext) -> None:
        """Rule ``follows-on-the-web``."""
        booked = await self.spoken(carrier.create(context, self.consignment()))
        for number in booked.tracking:
            url = carrier.tracking_url(context, number)
            fits = url is None or url.startswith(("https://", "http://"))
            self.hold("follows-on-the-web", fits, f"{url!r}")

    # --------------------------------------------------------------------------------- notifications

    async def test_its_own_notifications_are_taken_in(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rules ``accepts-its-own``, ``answers-both-ways`` and ``reads-without-effects``."""
        genuine = await self._genuine(carrier, context)
        if genuine is None:
            return
        news = await self.spoken(carrier.parse_notification(context, genuine))
        self.hold("accepts-its-own", bool(news.events), "no events in it")
        both = 200 <= news.ack.status < 300 and (
            not 200 <= news.nack.status < 300 or news.nack.body != news.ack.body
        )
        self.hold("answers-both-ways", both, f"{news.ack} or {news.nack}")
        again = await self.spoken(carrier.parse_notification(context, genuine))
        self.hold("reads-without-effects", news == again, f"{news}, then {again}")

    async def test_forged_notifications_are_refused(
        self, carrier: Carrier, context: ProviderContext
    ) -> None:
        """Rule ``refuses-forgeries``: without proof, with another's, or about something else."""
        genuine = await self._genuine(carrier, context)
        if genuine is None:
            # Nobody pushes: whatever arrives is a forgery.
            genuine = _nobodys(context)
            forgeries = {"anything": genuine}
        else:
            forgeries = {
                "a changed body": _replaced(genuine, body=genuine.body + b" "),
                "an empty body": _replaced(genuine, body=b""),
                "no headers": _replaced(genuine, headers={}, query=[], path="/"),
            }
        for what, forged in forgeries.items():
            try:
                await self.spoken(carrier.parse_notification(context, forged))
            except SignatureInvalid:
                continue
            self.hold("refuses-forgeries", holds=False, detail=f"took {what}")

    async def _refuses(self, call: Awaitable[Any]) -> bool:
        try:
            await self.spoken(call)
        except ProviderRejected:
            return True
        return False

    async def _genuine(self, carrier: Carrier, context: ProviderContext) -> RawRequest | None:
        if not carrier.capabilities.track_push:
            return None
        booked = await self.spoken(carrier.create(context, self.consignment()))
        return await self.notification(carrier, context, booked)


def _booking(shipment: Shipment) -> tuple[str, str, tuple[str, ...]]:
    numbers = tuple(each.number for each in shipment.tracking)
    return shipment.shipment_id, shipment.provider_ref, numbers


def _ref(booked: Shipment) -> ShipmentRef:
    return ShipmentRef(
        shipment_id=booked.shipment_id,
        provider_ref=booked.provider_ref,
        tracking=booked.tracking,
    )


def _query(booked: Shipment, carrier: Carrier) -> TrackQuery:
    number = booked.tracking[0].number if booked.tracking else _UNKNOWN_NUMBER
    return TrackQuery(number=number, carrier=carrier.code, phone_last4="9000")


def _replaced(request: RawRequest, **changes: Any) -> RawRequest:
    return msgspec.structs.replace(request, **changes)


def _nobodys(context: ProviderContext) -> RawRequest:
    return RawRequest(
        method="POST",
        url="https://shop.test/",
        path="/",
        query=[],
        headers={"content-type": "application/json"},
        body=b"{}",
        received_at=context.now(),
    )
