"""Why a cart or a checkout says no."""

from __future__ import annotations

from commercekit.errors import Conflict, NotFound, Unprocessable

__all__ = [
    "CartChanged",
    "CartEmpty",
    "CartLineNotFound",
    "CartNotFound",
    "CartOrdered",
    "CouponNotApplicable",
    "LineTwice",
    "PaymentMethodNeeded",
    "PriceChanged",
    "PurchaseLimitExists",
    "PurchaseLimitNotFound",
    "PurchaseLimitReached",
    "ShippingNotAvailable",
    "TooManyLines",
    "UnknownSku",
    "WrongCurrency",
]


class CartNotFound(NotFound):
    """No cart with this id, or X-Cart-Token does not belong to it."""

    title = "Cart not found"
    title_zh = "未找到购物车"


class CartLineNotFound(NotFound):
    """The cart has no such line."""

    title = "Cart line not found"
    title_zh = "购物车中没有此明细"


class CartOrdered(Conflict):
    """The cart has become an order and cannot change any more."""

    slug = "cart-ordered"
    title = "This cart has been ordered"
    title_zh = "购物车已下单"


class CartChanged(Conflict):
    """The cart was changed while it was being checked out."""

    slug = "cart-changed"
    title = "The cart has changed meanwhile"
    title_zh = "购物车已被更改"


class CartEmpty(Unprocessable):
    """There is nothing to order."""

    slug = "cart-empty"
    title = "The cart is empty"
    title_zh = "购物车为空"


class TooManyLines(Unprocessable):
    """More lines, or more pieces of one SKU, than a cart holds."""

    slug = "cart-full"
    title = "The cart is full"
    title_zh = "购物车已满"


class UnknownSku(Unprocessable):
    """No such SKU is for sale in this market."""

    slug = "unknown-sku"
    title = "Not for sale"
    title_zh = "商品不可售"


class ShippingNotAvailable(Unprocessable):
    """No carrier offers this way of shipping to this address."""

    slug = "shipping-not-available"
    title = "Not shipped there this way"
    title_zh = "该地址不支持此配送方式"


class PaymentMethodNeeded(Unprocessable):
    """The order costs something, and no way to pay was chosen."""

    slug = "payment-method-needed"
    title = "Choose how to pay"
    title_zh = "请选择支付方式"


class CouponNotApplicable(Unprocessable):
    """A coupon brings nothing, and no total was given that says the shopper knows."""

    slug = "coupon-not-applicable"
    title = "The coupon cannot be used"
    title_zh = "优惠券不可用"


class PriceChanged(Conflict):
    """The total is not the one the shopper agreed to; the new quote comes with the refusal."""

    slug = "price-changed"
    title = "The price has changed"
    title_zh = "价格已变动"


class LineTwice(Unprocessable):
    """One line was named twice in an edit, so that it is not clear how it shall stand."""

    slug = "line-twice"
    title = "A line is named twice"
    title_zh = "同一明细出现两次"


class WrongCurrency(Unprocessable):
    """An order has one currency, and every price in it is in that one."""

    slug = "wrong-currency"
    title = "Another currency than the order's"
    title_zh = "币种与订单不符"


class PurchaseLimitReached(Conflict):
    """One customer may not buy that many more; nothing was ordered, not even the rest."""

    slug = "purchase-limit-reached"
    title = "Limit per customer reached"
    title_zh = "已达每位顾客限购数量"


class PurchaseLimitNotFound(NotFound):
    """No limit has this id."""

    title = "Purchase limit not found"
    title_zh = "未找到限购规则"


class PurchaseLimitExists(Conflict):
    """The same variant or product is limited over the same period already."""

    slug = "purchase-limit-exists"
    title = "This is limited already"
    title_zh = "限购规则已存在"
