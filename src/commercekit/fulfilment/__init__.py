"""Fulfilment: what sending costs, who takes it, where it is.

::

    options = await fulfilment.rates(address, parcels, value, "CNY")      # outside transactions
    async with db.unit_of_work() as uow:
        shipment = await fulfilment.create_shipment(
            uow, reference=str(order_id), lines=[ShipmentLine(...)], address=address,
            carrier="sandbox", service="standard",                        # or tracking_number="SF1…"
        )
    shipment = await fulfilment.hand_over(shipment.id)                    # calls the carrier
    await fulfilment.shipments(None, str(order_id))                       # for order pages

Every change takes ``uow.lock(reference)`` first and tells a fact of the aggregate ``shipment``.
"""

from commercekit.fulfilment.errors import (
    CarrierRequired,
    CarrierUnknown,
    EmptyShipment,
    RatesUnavailable,
    ShipmentNotFound,
    ShipmentOnItsWay,
    TrackingNumberTaken,
)
from commercekit.fulfilment.events import (
    ShipmentCancelled,
    ShipmentCreated,
    ShipmentDelivered,
    ShipmentFact,
    ShipmentFailed,
    ShipmentHandedOver,
    ShipmentReturned,
    ShipmentTracked,
)
from commercekit.fulfilment.hookspecs import register_carriers
from commercekit.fulfilment.models import (
    SHIPMENT_STATES,
    Booking,
    FulfilmentSettings,
    MethodSettings,
    ShipmentLine,
    ShipmentStatus,
    ShipmentSummary,
    ShipmentView,
    ShippingOption,
    TrackEventView,
)
from commercekit.fulfilment.providers import (
    CancelOutcome,
    CancelResult,
    Carrier,
    CarrierCapabilities,
    CreateShipment,
    Customs,
    CustomsItem,
    FreightPayer,
    Label,
    Parcel,
    ParcelItem,
    Party,
    RateQuote,
    RateRequest,
    Shipment,
    ShipmentRef,
    SubscribeResult,
    TrackCode,
    TrackEvent,
    TrackingNo,
    TrackNotification,
    TrackQuery,
)
from commercekit.fulfilment.repository import SEALED_TABLES
from commercekit.fulfilment.service import Carriers, FulfilmentService

__all__ = [
    "SEALED_TABLES",
    "SHIPMENT_STATES",
    "Booking",
    "CancelOutcome",
    "CancelResult",
    "Carrier",
    "CarrierCapabilities",
    "CarrierRequired",
    "CarrierUnknown",
    "Carriers",
    "CreateShipment",
    "Customs",
    "CustomsItem",
    "EmptyShipment",
    "FreightPayer",
    "FulfilmentService",
    "FulfilmentSettings",
    "Label",
    "MethodSettings",
    "Parcel",
    "ParcelItem",
    "Party",
    "RateQuote",
    "RateRequest",
    "RatesUnavailable",
    "Shipment",
    "ShipmentCancelled",
    "ShipmentCreated",
    "ShipmentDelivered",
    "ShipmentFact",
    "ShipmentFailed",
    "ShipmentHandedOver",
    "ShipmentLine",
    "ShipmentNotFound",
    "ShipmentOnItsWay",
    "ShipmentRef",
    "ShipmentReturned",
    "ShipmentStatus",
    "ShipmentSummary",
    "ShipmentTracked",
    "ShipmentView",
    "ShippingOption",
    "SubscribeResult",
    "TrackCode",
    "TrackEvent",
    "TrackEventView",
    "TrackNotification",
    "TrackQuery",
    "TrackingNo",
    "TrackingNumberTaken",
    "register_carriers",
]
