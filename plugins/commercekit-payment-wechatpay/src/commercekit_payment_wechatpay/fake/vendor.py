"""WeChat Pay with one merchant: what its servers answer, and what they tell by themselves."""

from __future__ import annotations

import gzip
import hashlib
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any, Final
from urllib.parse import urlencode

import httpx
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from commercekit.testing.vendors import Delivery, FakeVendor
from commercekit_payment_wechatpay.fake import bills, news, orders, refunds
from commercekit_payment_wechatpay.fake.books import Books, News, Order, Refusal
from commercekit_payment_wechatpay.fake.counter import Counter
from commercekit_payment_wechatpay.fake.keys import Keys, make_pair
from commercekit_payment_wechatpay.signing import (
    SCHEME,
    answer_message,
    private_key,
    public_key,
    request_message,
    sign,
    verifies,
)

__all__ = ["APP_ID", "MERCHANT", "FakeWechatPay"]

MERCHANT: Final = "1900000109"
APP_ID: Final = "wxd678efh567hg6787"
_KINDS: Final = {"native": "NATIVE", "jsapi": "JSAPI", "h5": "MWEB", "app": "APP"}
_SAID: Final = re.compile(r'(\w+)="([^"]*)"')
_WINDOW: Final = 300
_ABNORMAL, _CLOSED = 41, 42


class FakeWechatPay(FakeVendor):
    """Enforces what the vendor documents: signatures, required fields, numbers, states, codes.

    :param keys: see :func:`commercekit_payment_wechatpay.fake.make_keys`.
    :param clock: the time here.
    :param address: where its pages are reached; without it they are at the vendor's own names.
    :param certificates: sign with the platform certificate and not with the public key.
    :param settles_after: how long a refund is on its way.
    """

    def __init__(
        self,
        keys: Keys,
        clock: Callable[[], datetime],
        *,
        address: str = "",
        certificates: bool = False,
        settles_after: timedelta = timedelta(seconds=5),
    ) -> None:
        self.keys = keys
        self.books = Books()
        self.merchant = MERCHANT
        self.apps = frozenset({APP_ID})
        self.certificates = certificates
        self.clock = clock
        self._address = address
        self.settles_after = settles_after
        self._pairs = list(keys.pairs)
        self._counter = Counter(self)

    # ------------------------------------------------------------------------------ FakeVendor

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The interface below ``/v3/``, pages elsewhere."""
        self._settle_due()
        if not request.url.path.startswith("/v3/"):
            return self._counter.serve(request)
        try:
            self._check_signature(request)
        except Refusal as refusal:
            # Who is not known gets no signature.
            return httpx.Response(refusal.status, json=_no(refusal))
        try:
            status, said = self._served(request)
        except Refusal as refusal:
            status, said = refusal.status, _no(refusal)
        if isinstance(said, bytes):
            return httpx.Response(status, content=said, headers={"content-type": "text/plain"})
        body = b"" if said is None else msgspec.json.encode(said)
        headers = self._signed(body, request.headers.get("wechatpay-serial", ""))
        return httpx.Response(status, content=body, headers=headers)

    def settings(self) -> str:
        """An account with this fake's keys, and WeChat Pay as a way to pay."""
        keys = self.keys
        trust = (
            "platform_certificates = true\n"
            if self.certificates
            else f"public_key_id = \"{keys.public_key_id}\"\npublic_key = '''\n{keys.public_key}'''\n"
        )
        return (
            "[payments.methods.wechatpay]\n"
            'gateway = "wechatpay"\n'
            'label = { en = "WeChat Pay", zh = "微信支付" }\n\n'
            "[payments.accounts.wechatpay.default]\n"
            f'merchant_id = "{self.merchant}"\n'
            f'app_id = "{APP_ID}"\n'
            f'certificate_serial = "{keys.merchant_serial}"\n'
            f"private_key = '''\n{keys.merchant_private_key}'''\n"
            f'api_v3_key = "{keys.api_v3_key}"\n'
            f'{trust}endpoint = "{self._address or "https://api.mch.weixin.qq.com"}"\n'
        )

    def due(self) -> Sequence[Delivery]:
        """Refunds arrive by themselves; then what is to be told now, signed now."""
        self._settle_due()
        now = self.clock()
        return [
            Delivery(each.id, self.delivery(each))
            for each in self.books.news
            if each.due_at is not None and each.due_at <= now
        ]

    def delivered(self, key: str, answer: httpx.Response | None) -> None:
        """200 and 204 are a yes; anything else, and no answer, is tried again."""
        for each in self.books.news:
            if each.id == key and each.due_at is not None:
                taken = answer is not None and answer.status_code in (200, 204)
                news.tried(each, taken=taken, now=self.clock())

    def remember(self) -> bytes:
        """All orders, refunds and notifications."""
        return self.books.encode()

    def recall(self, books: bytes) -> None:
        """Go on with them."""
        self.books = Books.decode(books)

    # ---------------------------------------------------------------------- what people do there

    def pay(self, out_trade_no: str) -> bool:
        """The shopper pays; ``False`` for an order that cannot be paid any more."""
        order, now = self.books.orders[out_trade_no], self.clock()
        if order.state != "NOTPAY" or (order.expires_at is not None and order.expires_at <= now):
            return False
        order.state, order.success_time = "SUCCESS", now
        order.transaction_id = f"42000{now:%Y%m%d}{self.books.number():015}"
        news.paid(self.books, order, self.merchant, self._secret, now)
        return True

    def settle(self, out_refund_no: str, status: str) -> None:
        """A refund ends as SUCCESS, CLOSED or ABNORMAL."""
        refund, now = self.books.refunds[out_refund_no], self.clock()
        refunds.settle(self.books, refund, status, now)
        news.refunded(self.books, refund, self.merchant, self._secret, now)

    def rotate(self) -> str:
        """Begin to sign with a new platform certificate; gives its number."""
        self._pairs.append(make_pair(self.clock()))
        return self._pairs[-1].serial

    def delivery(self, told: News) -> httpx.Request:
        """A notification, signed now."""
        return self.signed(told.body.encode(), told.url)

    def signed(self, body: bytes, url: str) -> httpx.Request:
        """Any body, as a notification."""
        headers = self._signed(body, "") | {"user-agent": "Mozilla/4.0"}
        return httpx.Request("POST", url, content=body, headers=headers)

    # --------------------------------------------------------------------------------- the interface

    def _served(self, request: httpx.Request) -> tuple[int, Any]:
        match (request.method, *request.url.path.strip("/").split("/")[1:]):
            case (method, "pay", "transactions", *rest):
                found = self._orders(request, method, rest)
            case (method, "refund", "domestic", "refunds", *rest):
                found = self._refunds(request, method, rest)
            case ("GET", "bill", "tradebill"):
                found = 200, self._bill(request)
            case ("GET", "billdownload", "file"):
                found = 200, self._file(request)
            case ("GET", "certificates"):
                found = 200, self._certificates()
            case _:
                found = None
        if found is None:
            raise Refusal(404, "RESOURCE_NOT_EXISTS", "无此接口")
        return found

    def _orders(
        self, request: httpx.Request, method: str, rest: list[str]
    ) -> tuple[int, Any] | None:
        books, body = self.books, request.content
        match (method, *rest):
            case ("POST", kind) if kind in _KINDS:
                order = orders.prepare(
                    books,
                    body,
                    kind=_KINDS[kind],
                    merchant=self.merchant,
                    apps=self.apps,
                    now=self.clock(),
                )
                return 200, self._prepared(order)
            case ("GET", "out-trade-no", number):
                self._own(request)
                return 200, orders.said_of(orders.order_of(books, number), self.merchant)
            case ("GET", "id", number):
                self._own(request)
                return 200, orders.said_of(self._by_transaction(number), self.merchant)
            case ("POST", "out-trade-no", number, "close"):
                orders.close(books, number, body, self.merchant)
                return 204, None
        return None

    def _refunds(
        self, request: httpx.Request, method: str, rest: list[str]
    ) -> tuple[int, Any] | None:
        books, body, now = self.books, request.content, self.clock()
        match (method, *rest):
            case ("POST",):
                refund = refunds.ask(books, body, now=now, settles_after=self.settles_after)
            case ("GET", number):
                refund = refunds.refund_of(books, number)
            case ("POST", number, "apply-abnormal-refund"):
                key = self._key_named(request.headers.get("wechatpay-serial", ""))
                refund = refunds.apply_abnormal(books, number, body, key, now + self.settles_after)
            case _:
                return None
        return 200, refunds.said_of(refund, books.orders[refund.out_trade_no])

    def _prepared(self, order: Order) -> dict[str, str]:
        token = order.prepay_id
        match order.trade_type:
            case "NATIVE" if self._address:
                # Where WeChat's own app would open: a link that any browser opens.
                return {"code_url": f"{self._address}/pay/{token}"}
            case "NATIVE":
                return {"code_url": f"weixin://wxpay/bizpayurl?pr={token}"}
            case "MWEB":
                home = self._address or "https://wx.tenpay.com"
                query = urlencode({"prepay_id": token, "package": order.openid or "1"})
                return {"h5_url": f"{home}/cgi-bin/mmpayweb-bin/checkmweb?{query}"}
        return {"prepay_id": token}

    def _own(self, request: httpx.Request) -> None:
        if request.url.params.get("mchid") != self.merchant:
            raise Refusal(400, "PARAM_ERROR", "商户号mchid与签名的商户号不一致")

    def _by_transaction(self, number: str) -> Order:
        for order in self.books.orders.values():
            if order.transaction_id == number:
                return order
        raise Refusal(404, "ORDER_NOT_EXIST", "订单不存在")

    def _bill(self, request: httpx.Request) -> dict[str, str]:
        asked = request.url.params.get("bill_date", "")
        try:
            day = date.fromisoformat(asked)
        except ValueError:
            raise Refusal(400, "PARAM_ERROR", "参数错误: 账单日期bill_date") from None
        text = bills.bill_of(self.books, day, self.merchant, self.clock())
        token = secrets.token_urlsafe(24)
        packed = request.url.params.get("tar_type") == "GZIP"
        self.books.bills[token] = f"{asked} GZIP" if packed else asked
        home = self._address or "https://api.mch.weixin.qq.com"
        return {
            "hash_type": "SHA1",
            "hash_value": hashlib.sha1(text, usedforsecurity=False).hexdigest(),
            "download_url": f"{home}/v3/billdownload/file?token={token}",
        }

    def _file(self, request: httpx.Request) -> bytes:
        day = self.books.bills.get(request.url.params.get("token", ""))
        if day is None:
            raise Refusal(400, "INVALID_REQUEST", "请重新获取账单地址")
        day, _, packed = day.partition(" ")
        text = bills.bill_of(self.books, date.fromisoformat(day), self.merchant, self.clock())
        return gzip.compress(text) if packed else text

    def _certificates(self) -> dict[str, Any]:
        if not self.certificates:
            raise Refusal(
                404,
                "RESOURCE_NOT_EXISTS",
                "无可用的平台证书，请在商户平台-API安全申请使用微信支付公钥",
            )
        now = self.clock()
        return {
            "data": [
                {
                    "serial_no": pair.serial,
                    "effective_time": (now - timedelta(days=1)).isoformat(timespec="seconds"),
                    "expire_time": (now + timedelta(days=1800)).isoformat(timespec="seconds"),
                    "encrypt_certificate": news.seal(
                        self._secret, pair.certificate.encode(), "certificate"
                    ),
                }
                for pair in self._pairs
            ]
        }

    # ------------------------------------------------------------------------------------ signatures

    @property
    def _secret(self) -> bytes:
        return self.keys.api_v3_key.encode()

    def _check_signature(self, request: httpx.Request) -> None:
        scheme, _, rest = request.headers.get("authorization", "").partition(" ")
        said = dict(_SAID.findall(rest))
        stamp = said.get("timestamp", "")
        fits = (
            scheme == SCHEME
            and said.get("mchid") == self.merchant
            and said.get("serial_no", "").upper() == self.keys.merchant_serial
            and stamp.isdigit()
            and abs(int(stamp) - self.clock().timestamp()) <= _WINDOW
            and 0 < len(said.get("nonce_str", "")) <= 32
        )
        message = request_message(
            request.method,
            request.url.raw_path.decode(),
            stamp,
            said.get("nonce_str", ""),
            request.content,
        )
        key = public_key(self.keys.merchant_public_key)
        if not fits or not verifies(key, message, said.get("signature", "")):
            raise Refusal(401, "SIGN_ERROR", "签名错误，请检查后再试")
        wanted = request.headers.get("wechatpay-serial")
        if wanted and wanted != self.keys.public_key_id and not self._pair(wanted):
            raise Refusal(400, "PARAM_ERROR", "平台证书序列号Wechatpay-Serial错误")
        if "application/json" not in request.headers.get("accept", "application/json"):
            accept = request.headers["accept"]
            if "*/*" not in accept:
                raise Refusal(406, "PARAM_ERROR", "Accept须为application/json")

    def _pair(self, serial: str) -> bool:
        return any(pair.serial == serial.upper() for pair in self._pairs)

    def _key_named(self, serial: str) -> RSAPrivateKey | None:
        """With which a request's personal fields are opened."""
        if serial == self.keys.public_key_id:
            return private_key(self.keys.public_key_private)
        found = (each for each in self._pairs if each.serial == serial.upper())
        pair = next(found, None)
        return None if pair is None else private_key(pair.private_key)

    def _signed(self, body: bytes, wanted: str) -> dict[str, str]:
        by_key = wanted == self.keys.public_key_id or not self.certificates
        pair = self._pairs[-1]
        pem = self.keys.public_key_private if by_key else pair.private_key
        stamp, once = str(int(self.clock().timestamp())), secrets.token_hex(16)
        return {
            "content-type": "application/json; charset=utf-8",
            "request-id": f"08{secrets.token_hex(16).upper()}",
            "wechatpay-nonce": once,
            "wechatpay-timestamp": stamp,
            "wechatpay-serial": self.keys.public_key_id if by_key else pair.serial,
            "wechatpay-signature": sign(private_key(pem), answer_message(stamp, once, body)),
            "wechatpay-signature-type": SCHEME,
        }

    def _settle_due(self) -> None:
        now = self.clock()
        for refund in list(self.books.refunds.values()):
            if refund.settles_at is not None and refund.settles_at <= now:
                ends = {_ABNORMAL: "ABNORMAL", _CLOSED: "CLOSED"}
                # A second way, chosen by a person, is taken by every bank.
                first = refund.received_by == ""
                self.settle(
                    refund.out_refund_no,
                    ends.get(refund.amount % 100, "SUCCESS") if first else "SUCCESS",
                )


def _no(refusal: Refusal) -> dict[str, str]:
    return {"code": refusal.code, "message": refusal.message}
