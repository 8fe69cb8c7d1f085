"""Why fulfilment says no."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unavailable, Unprocessable

__all__ = [
    "CarrierRequired",
    "CarrierUnknown",
    "EmptyShipment",
    "EventRefused",
    "FoundTooMuch",
    "LabelUnavailable",
    "ParcelInspected",
    "ParcelNotBack",
    "ParcelNotFound",
    "ParcelsUnlikeLines",
    "RatesUnavailable",
    "ShipmentBooked",
    "ShipmentNotFound",
    "ShipmentOnItsWay",
    "TooManyParcels",
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


class ParcelNotFound(NotFound):
    """The shipment has no parcel at this position."""

    slug = "parcel-not-found"
    title = "No such parcel"
    title_zh = "没有该包裹"


class ParcelsUnlikeLines(Unprocessable):
    """The parcels hold other units than the shipment does: every unit lies in exactly one."""

    slug = "parcels-unlike-lines"
    title = "The parcels do not hold what is shipped"
    title_zh = "包裹内容与发货商品不一致"


class TooManyParcels(Unprocessable):
    """The carrier takes one parcel a shipment."""

    slug = "too-many-parcels"
    title = "This carrier takes one parcel a shipment"
    title_zh = "该承运商每单只接受一个包裹"


class EventRefused(Unprocessable):
    """Staff note what happened to a parcel; that it never left is a cancellation, not news."""

    slug = "event-refused"
    title = "This is not noted by hand"
    title_zh = "此事件不能手工记录"


class ShipmentBooked(Conflict):
    """The carrier was told what it looks like, or it has left: it is not packed anew."""

    slug = "shipment-booked"
    title = "The shipment is booked already"
    title_zh = "已向承运商下单"


class LabelUnavailable(Conflict):
    """There is no label to print: not booked yet, or the carrier prints none."""

    slug = "label-unavailable"
    title = "There is no label"
    title_zh = "没有面单"


class ParcelNotBack(Conflict):
    """The parcel is not here: it can be opened once it came back, and replaced once it is lost."""

    slug = "parcel-not-back"
    title = "The parcel has not come back"
    title_zh = "包裹尚未退回"


class ParcelInspected(Conflict):
    """The parcel was opened before, and something else was found."""

    slug = "parcel-inspected"
    title = "The parcel was inspected already"
    title_zh = "包裹已验收"


class FoundTooMuch(Unprocessable):
    """More came out of the parcel than was put into it."""

    slug = "found-too-much"
    title = "More was found than was sent"
    title_zh = "验收数量超过发货数量"


class ShipmentOnItsWay(Conflict):
    """The carrier has it and does not give it back; ``reason`` says who says so."""

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
