"""Why an order says no."""

from __future__ import annotations

from commercekit.errors import Conflict, InvalidTransition, NotFound, Unprocessable

__all__ = [
    "AddressElsewhere",
    "CountsDiffer",
    "MoreThanAsked",
    "MoreThanLeft",
    "MoreThanReturned",
    "NothingToChange",
    "NothingToRefund",
    "NothingToShip",
    "NothingWouldRemain",
    "OrderChanged",
    "OrderNotEditable",
    "OrderNotFound",
    "OrderNotPaid",
    "OrderTooLong",
    "QuantityOrAmount",
    "RefundRequestDecided",
    "RefundRequestNotFound",
    "ReturnDecided",
    "ReturnNotFound",
    "TooManyUnits",
    "UnitsAskedBack",
    "UnitsBeingPacked",
    "UnitsRefunded",
    "UnknownOrderLine",
]


class OrderNotFound(NotFound):
    """No order with this number, or the asker holds no key to it."""

    title = "Order not found"
    title_zh = "未找到订单"


class RefundRequestNotFound(NotFound):
    """No refund request with this id."""

    title = "Refund request not found"
    title_zh = "未找到退款申请"


class UnknownOrderLine(Unprocessable):
    """A line was named that this order does not have."""

    slug = "unknown-order-line"
    title = "This order has no such line"
    title_zh = "订单中没有此明细"


class TooManyUnits(Conflict):
    """More units of a line were named than are left for it."""

    slug = "too-many-units"
    title = "Not that many are left"
    title_zh = "剩余数量不足"


class NothingToShip(Conflict):
    """Every unit has been shipped or cancelled."""

    slug = "nothing-to-ship"
    title = "Nothing is left to ship"
    title_zh = "没有可发货的商品"


class NothingToRefund(Conflict):
    """All that was paid has gone back or is on its way."""

    slug = "nothing-to-refund"
    title = "Nothing is left to refund"
    title_zh = "没有可退款的金额"


class MoreThanAsked(Conflict):
    """Staff may grant what was asked, or less of it."""

    slug = "more-than-asked"
    title = "More than was asked for"
    title_zh = "超出申请金额"


class RefundRequestDecided(InvalidTransition):
    """Somebody, or this very person with another key, has decided this request."""

    title = "The refund request has been decided"
    title_zh = "退款申请已处理"


class UnitsBeingPacked(InvalidTransition):
    """The units lie in a parcel that is on its way to the carrier."""

    title = "Being handed over to the carrier"
    title_zh = "商品正在交付承运商"


class UnitsRefunded(Conflict):
    """Their money went back, so they are not sent once more."""

    slug = "units-refunded"
    title = "These units were refunded"
    title_zh = "这些商品已退款"


class UnitsAskedBack(Conflict):
    """A refund request that nobody has decided yet asks for these very units."""

    slug = "units-asked-back"
    title = "Asked back by a refund request"
    title_zh = "商品已申请退款"


class OrderNotEditable(InvalidTransition):
    """Completed or cancelled, or on its way where the change would matter."""

    title = "The order can no longer be edited"
    title_zh = "订单已无法修改"


class NothingToChange(Unprocessable):
    """An edit that would leave the order as it is."""

    slug = "nothing-to-change"
    title = "Nothing would change"
    title_zh = "没有任何更改"


class NothingWouldRemain(Conflict):
    """An edit that takes off every unit; that is a cancellation."""

    slug = "nothing-would-remain"
    title = "Nothing would remain of the order"
    title_zh = "修改后订单将为空"


class OrderTooLong(Unprocessable):
    """An order with so many lines is two orders."""

    slug = "order-too-long"
    title = "Too many lines for one order"
    title_zh = "订单明细过多"


class AddressElsewhere(Unprocessable):
    """Tax and freight were agreed for a country; another one needs another order."""

    slug = "address-elsewhere"
    title = "The address is in another country"
    title_zh = "收货地址位于其他国家或地区"


class OrderNotPaid(InvalidTransition):
    """Goods leave when they are paid for, or when the method collects on delivery."""

    title = "The order is not paid"
    title_zh = "订单尚未支付"


class OrderChanged(Conflict):
    """Somebody else was quicker; read again and repeat."""

    slug = "order-changed"
    title = "The order has changed meanwhile"
    title_zh = "订单已被更改"


class MoreThanLeft(Conflict):
    """More of a line's price was asked back than has not gone back yet."""

    slug = "more-than-left"
    title = "Not that much is left of this line"
    title_zh = "该明细剩余金额不足"


class QuantityOrAmount(Unprocessable):
    """A line was named with both a number of units and an amount, or with neither."""

    slug = "quantity-or-amount"
    title = "Either a quantity or an amount"
    title_zh = "数量与金额须择一填写"


class ReturnNotFound(NotFound):
    """No return with this id."""

    title = "Return not found"
    title_zh = "未找到退货申请"


class ReturnDecided(InvalidTransition):
    """Somebody, or this very person with another key, has decided this return."""

    title = "The return has been decided"
    title_zh = "退货申请已处理"


class MoreThanReturned(Conflict):
    """More units were counted in a parcel than its return announced."""

    slug = "more-than-returned"
    title = "More than was announced"
    title_zh = "超出退货申请数量"


class CountsDiffer(Unprocessable):
    """Sellable, damaged and missing units do not sum to what was announced."""

    slug = "counts-differ"
    title = "The numbers do not add up"
    title_zh = "数量合计不符"
