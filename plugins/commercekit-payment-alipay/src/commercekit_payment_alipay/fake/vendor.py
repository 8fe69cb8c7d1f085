"""Alipay as one object: the gateway, the page, the postman's bag and the bills."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import parse_qsl, urlencode

import httpx
import msgspec

from commercekit.testing.vendors import Delivery, FakeVendor
from commercekit_payment_alipay.fake.bills import bill_of
from commercekit_payment_alipay.fake.books import Books, Declined, Notice, Request, Trade, in_yuan
from commercekit_payment_alipay.fake.identity import Identity
from commercekit_payment_alipay.fake.openapi import PAGES, Gateway, Refused
from commercekit_payment_alipay.fake.pages import (
    POLICY,
    language_of,
    payment_page,
    sentence_page,
)
from commercekit_payment_alipay.signing import signature, signed_text
from commercekit_payment_alipay.times import wall

__all__ = ["FakeAlipay"]

_AGAIN: Final = tuple(timedelta(minutes=minutes) for minutes in (4, 10, 10, 60, 120, 360, 900))
"""How long after each attempt the next one follows: eight attempts in 25 hours."""
_CODE: Final = "qr:"


class FakeAlipay(FakeVendor):
    """Plays Alipay for one application. ``certificates`` has it demand certificate mode."""

    def __init__(
        self,
        identity: Identity,
        now: Callable[[], datetime],
        *,
        address: str = "https://openapi.alipay.test",
        certificates: bool = False,
    ) -> None:
        self.identity = identity
        self.address = address
        self.books = Books()
        self._now = now
        self._gateway = Gateway(identity, lambda: self.books, now, certificates=certificates)

    # --------------------------------------------------------------------------------- answering

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The gateway, the pages behind it, and the bills."""
        path, query = request.url.path, dict(request.url.params)
        posted = request.method == "POST"
        form = dict(parse_qsl(request.content.decode(), keep_blank_values=True)) if posted else {}
        language = form.get("language") or query.pop("lang", "")
        language = language or language_of(request.headers.get("accept-language", ""))
        if path == "/gateway.do":
            params = {**query, **form}
            if params.get("method") in PAGES:
                return self._shown(urlencode(params), language)
            body = self._gateway.answer(params, self.address)
            return httpx.Response(200, content=body, headers={"content-type": "text/html"})
        if path == "/cashier.htm" and posted:
            return self._pressed(form, language)
        if path.startswith("/qr/"):
            return self._shown(f"{_CODE}{path.removeprefix('/qr/')}", language)
        if path == "/downloadBillFile.resource":
            return self._billed(query)
        return httpx.Response(404, text="Alipay (fake): there is nothing here.")

    def _asked(self, proof: str) -> Request:
        """What the merchant asks for; checked whenever the shopper does something."""
        if proof.startswith(_CODE):
            request = self.books.scanned(proof.removeprefix(_CODE), self._now())
            if request is None:
                raise Declined(because="ACQ.TRADE_NOT_EXIST")
            return request
        params = dict(parse_qsl(proof, keep_blank_values=True))
        content = self._gateway.checked(params, fresh=False)
        return self._gateway.request_of(content, params, PAGES.get(params.get("method", ""), ""))

    def _shown(self, proof: str, language: str, *, failed: bool = False) -> httpx.Response:
        try:
            asked = self._asked(proof)
            self.books.check(asked, self._now())
        except (Declined, Refused) as refusal:
            return _refused(refusal, language)
        page = payment_page(
            asked,
            proof,
            where=f"{self.address}/cashier.htm",
            seller=self.identity.seller_id,
            language=language,
            failed=failed,
        )
        return _html(page)

    def _pressed(self, form: Mapping[str, str], language: str) -> httpx.Response:
        proof = form.get("proof", "")
        try:
            asked = self._asked(proof)
            if form.get("action") != "pay":
                # The shopper signed in, and the bank said no: the vendor tells nobody of it.
                self.books.meet(asked, self._now())
                return self._shown(proof, language, failed=True)
            trade = self.books.pay(asked, self._now())
        except (Declined, Refused) as refusal:
            return _refused(refusal, language)
        if not asked.return_url:
            return _html(sentence_page("paid", language))
        return httpx.Response(303, headers={"location": self._return_url(trade)})

    def _return_url(self, trade: Trade) -> str:
        """Where the shopper goes back to, with signed words that prove nothing."""
        asked = trade.request
        params = {
            "charset": "utf-8",
            "out_trade_no": asked.out_trade_no,
            "method": f"alipay.trade.{asked.product}.pay.return",
            "total_amount": in_yuan(asked.total),
            "trade_no": trade.trade_no,
            "auth_app_id": self.identity.app_id,
            "version": "1.0",
            "app_id": self.identity.app_id,
            "sign_type": "RSA2",
            "seller_id": self.identity.seller_id,
            "timestamp": wall(self._now()),
        }
        text = signed_text(params, without=("sign", "sign_type"))
        params["sign"] = signature(text.encode(), self.identity.vendor_key)
        return str(httpx.URL(asked.return_url).copy_merge_params(params))

    def _billed(self, query: Mapping[str, str]) -> httpx.Response:
        try:
            day = self._gateway.billed(query)
        except (KeyError, ValueError):
            day = None
        if day is None:
            return httpx.Response(404, text="Alipay (fake): this address is no longer good.")
        packed = bill_of(self.books, day, self.identity.seller_id)
        return httpx.Response(200, content=packed, headers={"content-type": "application/zip"})

    # ---------------------------------------------------------------------------------- telling

    def due(self) -> Sequence[Delivery]:
        """The notices whose moment has come."""
        now = self._now()
        self.books.expire(now)
        return [
            Delivery(notice.notify_id, self.posted(notice))
            for notice in self.books.notices
            if notice.due_at is not None and notice.due_at <= now
        ]

    def delivered(self, key: str, answer: httpx.Response | None) -> None:
        """Anything but the seven bytes ``success`` has the vendor come again."""
        notice = next(each for each in self.books.notices if each.notify_id == key)
        notice.sent += 1
        heard = answer is not None and answer.status_code == httpx.codes.OK
        if (heard and answer is not None and answer.content == b"success") or notice.sent > len(
            _AGAIN
        ):
            notice.due_at = None
        else:
            notice.due_at = self._now() + _AGAIN[notice.sent - 1]

    def posted(self, notice: Notice) -> httpx.Request:
        """The notice as it goes out now."""
        said = notice.fields | {
            "app_id": self.identity.app_id,
            "auth_app_id": self.identity.app_id,
            "seller_id": self.identity.seller_id,
            "charset": "utf-8",
            "version": "1.0",
            "notify_id": notice.notify_id,
            "notify_type": "trade_status_sync",
            "notify_time": wall(self._now()),
        }
        return httpx.Request(
            "POST",
            notice.url,
            content=self.signed_form(said),
            headers={"content-type": "application/x-www-form-urlencoded; text/html; charset=utf-8"},
        )

    def signed_form(self, said: Mapping[str, str]) -> bytes:
        """``said`` as a notification, whatever it says."""
        fields = {**said, "sign_type": "RSA2"}
        text = signed_text(fields, without=("sign", "sign_type"))
        fields["sign"] = signature(text.encode(), self.identity.vendor_key)
        return urlencode(fields).encode()

    # -------------------------------------------------------------------------------- remembering

    def settings(self) -> str:
        """An account in public-key mode, and the ways to pay by it."""
        return f"""\
[payments.methods.alipay]
gateway = "alipay"
label = {{ en = "Alipay", zh = "支付宝" }}

[payments.accounts.alipay.default]
app_id = "{self.identity.app_id}"
seller_id = "{self.identity.seller_id}"
private_key = "{self.identity.private_key}"
alipay_public_key = "{self.identity.alipay_public_key}"
gateway_url = "{self.address}/gateway.do"
"""

    def remember(self) -> bytes:
        """All trades, codes and notices."""
        return msgspec.json.encode(self.books)

    def recall(self, books: bytes) -> None:
        """Go on with them."""
        self.books = msgspec.json.decode(books, type=Books)


def _html(page: str, status: int = 200) -> httpx.Response:
    headers = {"content-security-policy": POLICY, "cache-control": "no-store"}
    return httpx.Response(status, html=page, headers=headers)


def _refused(refusal: Declined | Refused, language: str) -> httpx.Response:
    """The vendor's own pages say the code too: it is what people search for."""
    return _html(sentence_page("refused", language, detail=refusal.sub_code), status=400)
