"""What people do at the fake: the shopper pays or does not, a developer ends refunds."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import parse_qs

import httpx

from commercekit_payment_wechatpay.fake import orders, pages
from commercekit_payment_wechatpay.fake.books import Order
from commercekit_payment_wechatpay.signing import public_key, sheet_message, verifies

if TYPE_CHECKING:
    from commercekit_payment_wechatpay.fake.vendor import FakeWechatPay

__all__ = ["Counter"]


class Counter:
    """The pages of ``vendor``."""

    def __init__(self, vendor: FakeWechatPay) -> None:
        self._vendor = vendor

    def serve(self, request: httpx.Request) -> httpx.Response:
        """One page, or one button."""
        lang, params = pages.language_of(request), request.url.params
        match (request.method, *request.url.path.strip("/").split("/")):
            case ("GET" | "HEAD", ""):
                waiting = [
                    each for each in self._vendor.books.orders.values() if each.state == "NOTPAY"
                ]
                going = [each for each in self._vendor.books.refunds.values() if each.settles_at]
                return pages.start_page(waiting, going, lang)
            case ("GET", "pay", token):
                return self._pay_page(token, _web(params.get("redirect_url", "")), lang)
            case ("GET", "cgi-bin", "mmpayweb-bin", "checkmweb"):
                back, token = _web(params.get("redirect_url", "")), params.get("prepay_id", "")
                return self._pay_page(token, back, lang, lives=orders.H5_LIVES)
            case ("GET", "sheet"):
                return self._sheet(dict(params), lang)
            case ("POST", "pay", token):
                return self._pressed(token, _form(request), lang)
            case ("POST", "refunds", number):
                return self._ended(number, _form(request).get("status", ""), lang)
        return pages.said_page("unknown", lang, status=404)

    def _pay_page(
        self, token: str, back: str, lang: str, lives: timedelta = orders.CODE_LIVES
    ) -> httpx.Response:
        order = self._prepared_as(token)
        if order is None:
            return pages.said_page("unknown", lang, status=404)
        if self._vendor.clock() - order.prepared_at >= lives:
            return pages.said_page("stale", lang, back=back, status=410)
        if order.state != "NOTPAY":
            return pages.said_page("over", lang, back=back, status=409)
        return pages.pay_page(order, back, lang)

    def _sheet(self, params: dict[str, str], lang: str) -> httpx.Response:
        """What WeChat does with the parameters a page or an app opens its payment sheet with."""
        in_page = "paySign" in params
        package = params.get("package", "")
        token = package.removeprefix("prepay_id=") if in_page else params.get("prepayid", "")
        app_id = params.get("appId" if in_page else "appid", "")
        message = sheet_message(
            app_id,
            params.get("timeStamp" if in_page else "timestamp", ""),
            params.get("nonceStr" if in_page else "noncestr", ""),
            package if in_page else token,
        )
        signature = params.get("paySign" if in_page else "sign", "")
        fits = app_id in self._vendor.apps and (
            params.get("signType") == "RSA"
            if in_page
            else (params.get("partnerid"), package) == (self._vendor.merchant, "Sign=WXPay")
        )
        if not fits or not verifies(
            public_key(self._vendor.keys.merchant_public_key), message, signature
        ):
            return pages.said_page("unsigned", lang, status=403)
        return self._pay_page(token, "", lang)

    def _pressed(self, token: str, form: dict[str, str], lang: str) -> httpx.Response:
        back, order = _web(form.get("redirect_url", "")), self._prepared_as(token)
        if order is None:
            return pages.said_page("unknown", lang, status=404)
        if form.get("action") != "pay":
            # Nobody is told: for the merchant the order simply stays unpaid.
            return pages.said_page("declined", lang, back=back)
        if not self._vendor.pay(order.out_trade_no):
            return pages.said_page("over", lang, back=back, status=409)
        if back:
            return httpx.Response(303, headers={"location": back})
        return pages.said_page("paid", lang)

    def _ended(self, number: str, status: str, lang: str) -> httpx.Response:
        refund = self._vendor.books.refunds.get(number)
        if refund is None or status not in ("SUCCESS", "ABNORMAL", "CLOSED"):
            return pages.said_page("unknown", lang, status=404)
        if refund.status == "PROCESSING":
            self._vendor.settle(number, status)
        return pages.said_page("done", lang, back="/")

    def _prepared_as(self, token: str) -> Order | None:
        found = (each for each in self._vendor.books.orders.values() if each.prepay_id == token)
        return next(found, None)


def _form(request: httpx.Request) -> dict[str, str]:
    said = parse_qs(request.content.decode("utf-8", "replace"))
    return {name: values[-1] for name, values in said.items()}


def _web(url: str) -> str:
    return url if url.startswith(("https://", "http://")) else ""
