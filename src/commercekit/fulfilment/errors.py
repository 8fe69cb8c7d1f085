"""Why fulfilment says no."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unavailable, Unprocessable

__all__ = [
    "CarrierRequired",
    "CarrierUnknown",
    "EmptyShipment",
    "RatesUnavailable",
    "ShipmentNotFound",
    "ShipmentOnItsWay",
    "TrackingNumberTaken",
]


class ShipmentNotFound(NotFound):
    """No shipment has this id."""

    slug = "shipment-not-found"
    title = "No such shipment"
    title_zh = "没有该发货单"


class CarrierUnknown(NotFound):
    """The shop has no such carrier or account."""

    slug = "carrier-unknown"
    title = "No such carrier"
    title_zh = "没有该承运商"


class CarrierRequired(Unprocessable):
    """Neither a carrier that this shop works with nor a tracking number says how it is sent."""

    slug = "carrier-required"
    title = "Name an installed carrier or a tracking number"
    title_zh = "请指定承运商或填写运单号"


class EmptyShipment(Unprocessable):
    """A shipment needs at least one line."""

    slug = "empty-shipment"
    title = "A shipment needs at least one line"
    title_zh = "发货单没有商品行"


class ShipmentOnItsWay(Conflict):
    """The carrier has it and does not give it back."""

    slug = "shipment-on-its-way"
    title = "The shipment is on its way"
    title_zh = "包裹已在途中"


class TrackingNumberTaken(Conflict):
    """Another shipment of the same carrier has this number."""

    slug = "tracking-number-taken"
    title = "This tracking number belongs to another shipment"
    title_zh = "该运单号已用于其他包裹"


class RatesUnavailable(Unavailable):
    """A carrier does not answer, and the shop does not sell without its price."""

    slug = "rates-unavailable"
    title = "Shipping cannot be priced right now"
    title_zh = "暂时无法计算运费"
