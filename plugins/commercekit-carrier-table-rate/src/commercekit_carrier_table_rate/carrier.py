"""The table as a carrier."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from msgspec import Struct

from commercekit.fulfilment import (
    CancelOutcome,
    CancelResult,
    Carrier,
    CarrierCapabilities,
    CreateShipment,
    Label,
    RateQuote,
    RateRequest,
    Shipment,
    ShipmentRef,
    SubscribeResult,
    TrackEvent,
    TrackNotification,
    TrackQuery,
)
from commercekit.platform.providers import (
    ProviderContext,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit_carrier_table_rate.rules import quote
from commercekit_carrier_table_rate.settings import Account

if TYPE_CHECKING:
    from commercekit.kernel import Translations

__all__ = ["TableRateCarrier"]

_LABELS = {
    "standard": {"en": "Standard delivery", "zh": "标准配送"},
    "express": {"en": "Express delivery", "zh": "快速配送"},
}


class TableRateCarrier(Carrier):
    """Prices are ours, the parcel goes by hand: whoever takes it, staff type the number in."""

    code: ClassVar[str] = "table-rate"
    config_type: ClassVar[type[Struct]] = Account
    capabilities: ClassVar[CarrierCapabilities] = CarrierCapabilities(
        rates=True, create=True, cancel=True, multi_parcel=True, intl=True
    )

    def service_label(self, ctx: ProviderContext, service: str) -> Translations:
        """From the settings, else our own for the usual names."""
        account: Account = ctx.config
        return (
            account.labels.get(service)
            or _LABELS.get(service)
            or super().service_label(ctx, service)
        )

    async def rates(self, ctx: ProviderContext, r: RateRequest) -> list[RateQuote]:
        """For each service the first row that fits."""
        return quote(ctx.config, r)

    async def create(self, ctx: ProviderContext, r: CreateShipment) -> Shipment:
        """Nobody is told, so there is no number yet."""
        return Shipment(shipment_id=r.shipment_id, provider_ref=r.shipment_id, tracking=[])

    async def find(self, ctx: ProviderContext, shipment_id: str) -> Shipment | None:
        """Nobody was told, so nobody knows it; making it again changes nothing."""
        return None

    async def cancel(self, ctx: ProviderContext, s: ShipmentRef) -> CancelResult:
        """Nobody was told."""
        return CancelResult(outcome=CancelOutcome.CANCELLED)

    async def label(self, ctx: ProviderContext, s: ShipmentRef, fmt: str) -> Label:
        """There are none."""
        code = "no-labels"
        raise ProviderRejected(code)

    async def track(self, ctx: ProviderContext, t: TrackQuery) -> list[TrackEvent]:
        """Staff note what happens."""
        return []

    async def subscribe(
        self, ctx: ProviderContext, t: TrackQuery, callback_url: str
    ) -> SubscribeResult:
        """Nobody would push."""
        return SubscribeResult.REJECTED

    async def parse_notification(self, ctx: ProviderContext, req: RawRequest) -> TrackNotification:
        """Nobody pushes, so whatever arrives is not genuine."""
        message = "a table sends no notifications"
        raise SignatureInvalid(message)
