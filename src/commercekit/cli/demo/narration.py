"""What the demo says, in English and Chinese."""

from __future__ import annotations

from typing import Final

import rich_click as click

__all__ = ["Narrator", "money"]

_TEXTS: Final = {
    "shop": {"en": "The shop at {url} answers.", "zh": "商店 {url} 已响应。"},
    "list": {
        "en": "{count} products are on the first page; we look at “{name}”, {price}.",
        "zh": "第一页有 {count} 个商品；我们看看“{name}”，{price}。",
    },
    "detail": {
        "en": "It comes in {variants} variants; {sku} is there, {available} of it.",
        "zh": "共有 {variants} 个规格；{sku} 有货，可售 {available} 件。",
    },
    "cart": {
        "en": "A cart is made; its token is told this once.",
        "zh": "创建购物车，令牌只显示一次。",
    },
    "lines": {
        "en": "{quantity} × {sku} in the cart: {total}.",
        "zh": "加入购物车 {quantity} × {sku}：{total}。",
    },
    "address": {"en": "It goes to Hangzhou.", "zh": "收货地址：杭州。"},
    "shipping": {
        "en": "Of {count} ways to ship we take {code}: {amount}.",
        "zh": "{count} 种配送方式中选择 {code}：{amount}。",
    },
    "explanation": {
        "en": "How the price came about, {steps} steps: {told}.",
        "zh": "价格构成共 {steps} 步：{told}。",
    },
    "placed": {
        "en": "Order {number} is placed: {total} to pay. The stock is ours now.",
        "zh": "订单 {number} 已提交：应付 {total}。库存已为我们保留。",
    },
    "replayed": {
        "en": "The same request with the same key again: the same order, not a second one.",
        "zh": "以相同的幂等键重发请求：得到同一个订单，而不是第二个。",
    },
    "page": {
        "en": "The payment page of {method} opens; we press “pay”.",
        "zh": "{method} 的付款页面打开；我们点击“付款”。",
    },
    "paid": {
        "en": "The gateway's signed notification arrived: the order is paid.",
        "zh": "网关的签名通知已到达：订单已付款。",
    },
    "shipped": {
        "en": "Staff ship it with the sandbox carrier: parcel {number}.",
        "zh": "员工通过沙箱物流发货：运单号 {number}。",
    },
    "scan": {"en": "  parcel: {text}", "zh": "  物流：{text}"},
    "delivered": {"en": "The order is delivered.", "zh": "订单已送达。"},
    "requested": {
        "en": "The shopper asks for one unit back: {amount}.",
        "zh": "顾客申请退回一件：{amount}。",
    },
    "approved": {"en": "Staff approve the refund.", "zh": "员工批准退款。"},
    "refunded": {
        "en": "{amount} went back; the order is {status}.",
        "zh": "已退款 {amount}；订单状态为 {status}。",
    },
    "history": {
        "en": "The order's history tells it all: {events}.",
        "zh": "订单历史记录了全部过程：{events}。",
    },
    "done": {
        "en": "Every step held, {seconds:.1f} s in all.",
        "zh": "所有步骤均成功，用时 {seconds:.1f} 秒。",
    },
    "failed": {"en": "This did not hold: {problem}", "zh": "此步骤未成立：{problem}"},
}


class Narrator:
    """Numbers what happens and says it in one language."""

    def __init__(self, lang: str) -> None:
        self._lang = lang
        self._step = 0

    def tell(self, key: str, **values: object) -> None:
        """A step that held."""
        self._step += 1
        click.echo(f"{self._step:>2}. {self.text(key, **values)}")

    def add(self, key: str, **values: object) -> None:
        """More about the last step."""
        click.echo(f"    {self.text(key, **values)}")

    def text(self, key: str, **values: object) -> str:
        """The sentence alone."""
        return _TEXTS[key][self._lang].format(**values)


def money(value: dict[str, object]) -> str:
    """An amount as it stands on the wire, for people."""
    from commercekit.kernel import Money

    amount = Money(int(str(value["amount"])), str(value["currency"]))
    return f"{amount.to_decimal():,} {amount.currency}"
