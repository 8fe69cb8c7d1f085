"""What a carrier's trial is made of, and the manners that have nothing to do with parcels."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

import msgspec
import pytest

from commercekit.fulfilment import (
    Carrier,
    CreateShipment,
    Parcel,
    ParcelItem,
    Party,
    RateRequest,
    Shipment,
    ShipmentRef,
    TrackQuery,
)
from commercekit.kernel import Address, Money, new_id
from commercekit.platform.providers import ProviderContext, RawRequest
from commercekit.testing.conformance.called import Call, CalledContract
from commercekit.testing.conformance.gateways.senses import overheard, spellings
from commercekit.testing.conformance.notifier_trial import push, secrets_of

__all__ = ["CarrierTrial"]

_ADDRESS = Address(
    name="Han Meimei",
    phone="+8613900139000",
    country="CN",
    region="Zhejiang",
    city="Hangzhou",
    line1="1 West Lake Road",
    postcode="310000",
)
_PERSONAL: Final = ("Han Meimei", "13900139000", "1 West Lake Road")


class CarrierTrial(CalledContract):
    """What a plugin's tests supply, and what is made of it."""

    service = "standard"
    """A service that the account under test offers."""
    currency = "CNY"

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def carrier(self) -> Carrier:
        """The carrier under test."""
        raise NotImplementedError

    @pytest.fixture
    def context(self) -> ProviderContext:
        """A context with settings of your ``config_type``."""
        raise NotImplementedError

    async def travel(self, carrier: Carrier, context: ProviderContext, booked: Shipment) -> bool:
        """Have the vendor's sandbox pick the first parcel up; ``False`` where it cannot."""
        return False

    async def notification(
        self, carrier: Carrier, context: ProviderContext, booked: Shipment
    ) -> RawRequest | None:
        """A genuine notification about ``booked``, signed as the vendor does; ``None`` without any."""
        return None

    # ------------------------------------------------------------------------------------ material

    def consignment(self, parcels: int = 1, **changes: Any) -> CreateShipment:
        """A booking that the account under test accepts; override it for vendors that want more."""
        request = CreateShipment(
            shipment_id=new_id().hex,
            service=self.service,
            sender=Party(address=_ADDRESS),
            receiver=Party(address=_ADDRESS),
            parcels=[
                Parcel(weight_g=500, items=[ParcelItem(sku="CAP", quantity=1)])
                for _ in range(parcels)
            ],
            declared=Money(9900, self.currency),
            reference="261122-TEST",
        )
        return msgspec.structs.replace(request, **changes)

    def inquiry(self) -> RateRequest:
        """What a price is asked for."""
        return RateRequest(
            origin=_ADDRESS,
            destination=_ADDRESS,
            parcels=[Parcel(weight_g=500)],
            value=Money(9900, self.currency),
            currency=self.currency,
        )

    @pytest.fixture
    def calls(self, carrier: Carrier, context: ProviderContext) -> Sequence[Call]:
        """Everything that the carrier says it can do, about things that are there and that are not."""
        able = carrier.capabilities
        stranger = ShipmentRef(shipment_id=new_id().hex, provider_ref="")
        number = TrackQuery(number="NOBODYS0000000001", carrier=carrier.code, phone_last4="9000")
        url = f"https://shop.test/webhooks/carriers/{carrier.code}/{context.account_id}"
        nobodys = push(context, b"{}")
        asked: dict[str, tuple[bool, Callable[[], Awaitable[Any]]]] = {
            "rates": (able.rates, lambda: carrier.rates(context, self.inquiry())),
            "a booking": (able.create, lambda: carrier.create(context, self.consignment())),
            "a booking of an unknown service": (
                able.create,
                lambda: carrier.create(context, self.consignment(service="no-such-service")),
            ),
            "a booking that is not there": (
                able.create,
                lambda: carrier.find(context, new_id().hex),
            ),
            "cancelling a stranger's": (able.cancel, lambda: carrier.cancel(context, stranger)),
            "a stranger's label": (able.label, lambda: carrier.label(context, stranger, "pdf")),
            "an unknown number": (able.track_poll, lambda: carrier.track(context, number)),
            "a subscription": (able.track_push, lambda: carrier.subscribe(context, number, url)),
            "a push that nobody sent": (
                True,
                lambda: carrier.parse_notification(context, nobodys),
            ),
        }
        return [Call(about, make) for about, (can, make) in asked.items() if can]

    # --------------------------------------------------------------------------------------- manners

    async def test_keeps_people_out_of_logs(self, calls: Sequence[Call]) -> None:
        """Rule ``keeps-people-out-of-logs``: names, streets and numbers of sender and receiver."""
        with overheard() as heard:
            for call in calls:
                await self.refusal(call.make())
        for text in heard:
            said = next((each for each in _PERSONAL if each in text), None)
            self.hold("keeps-people-out-of-logs", said is None, f"a log line contains {said!r}")

    async def test_keeps_secrets(
        self, carrier: Carrier, context: ProviderContext, calls: Sequence[Call]
    ) -> None:
        """Rule ``keeps-secrets``: not in logs, nor in what it is printed as."""
        secrets = dict(secrets_of(context))
        if not secrets:
            self.pass_over("the settings hold no secrets")
            return
        with overheard() as heard:
            for call in calls:
                await self.refusal(call.make())
        printed = [repr(carrier), str(carrier), repr(context.config)]
        for name, secret in secrets.items():
            for where, texts in (("a log line", heard), ("what it is printed as", printed)):
                shown = any(each in text for text in texts for each in spellings(secret))
                self.hold("keeps-secrets", not shown, f"{where} contains the secret {name}")
