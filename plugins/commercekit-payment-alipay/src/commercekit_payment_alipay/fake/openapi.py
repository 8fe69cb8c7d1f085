"""The fake's gateway: what it demands of a request, and how it signs what it says."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Callable, Mapping
from datetime import date, datetime, timedelta
from typing import Any, Final

from cryptography.hazmat.primitives import serialization

from commercekit_payment_alipay.fake.bills import has_trades
from commercekit_payment_alipay.fake.books import Books, Declined, Request, Trade, in_yuan
from commercekit_payment_alipay.fake.identity import Identity
from commercekit_payment_alipay.keys import serial_number
from commercekit_payment_alipay.signing import ERROR_NODE, is_signed, signature, signed_text
from commercekit_payment_alipay.times import day_of, instant, wall

__all__ = ["PAGES", "Gateway", "Refused"]

PAGES: Final = {"alipay.trade.page.pay": "page", "alipay.trade.wap.pay": "wap"}
"""Methods that answer with a page."""
_PRODUCTS: Final = {"page": "FAST_INSTANT_TRADE_PAY", "wap": "QUICK_WAP_WAY"}
_AMOUNT: Final = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?", re.ASCII)
_NUMBER: Final = re.compile(r"[0-9A-Za-z_-]{1,64}", re.ASCII)
_CLOCKS_DIFFER: Final = timedelta(minutes=15)
_MOST: Final = 100_000_000_00


class Refused(Exception):
    """The gateway says no before any service is asked."""

    def __init__(self, *, code: str, because: str, signed: bool = True) -> None:
        super().__init__(because)
        self.code = code
        self.sub_code = because
        self.signed = signed


class Gateway:
    """Verifies and answers; what happens is up to the books."""

    def __init__(
        self,
        identity: Identity,
        books: Callable[[], Books],
        now: Callable[[], datetime],
        *,
        certificates: bool,
    ) -> None:
        self._identity = identity
        self._books = books
        self._now = now
        self._certificates = certificates
        self.calls: Mapping[str, Callable[[dict[str, Any], Mapping[str, str], str], dict[str, Any]]]
        self.calls = {
            "alipay.trade.precreate": self._precreate,
            "alipay.trade.query": self._query,
            "alipay.trade.close": self._close,
            "alipay.trade.refund": self._refund,
            "alipay.trade.fastpay.refund.query": self._refund_query,
            "alipay.data.dataservice.bill.downloadurl.query": self._bill,
            "alipay.open.app.alipaycert.download": self._certificate,
        }

    # ------------------------------------------------------------------------------- the envelope

    def checked(self, params: Mapping[str, str], *, fresh: bool = True) -> dict[str, Any]:
        """``biz_content`` of a request that is the merchant's and complete; raises :class:`Refused`."""
        if params.get("app_id") != self._identity.app_id:
            raise Refused(code="40002", because="isv.invalid-app-id", signed=False)
        for name in ("sign_type", "sign", "timestamp", "version", "charset"):
            if not params.get(name):
                missing = "signature" if name == "sign" else name.replace("sign_", "signature-")
                raise Refused(code="40001", because=f"isv.missing-{missing}")
        if params["sign_type"] != "RSA2":
            raise Refused(code="40002", because="isv.invalid-signature-type")
        text = signed_text(params).encode(params["charset"])
        if not is_signed(text, params["sign"], self._identity.app_key.public_key()):
            raise Refused(code="40002", because="isv.invalid-signature")
        if self._certificates:
            self._check_certificates(params)
        try:
            at = instant(params["timestamp"])
        except ValueError:
            raise Refused(code="40002", because="isv.invalid-timestamp") from None
        if fresh and abs(self._now() - at) > _CLOCKS_DIFFER:
            # A server that writes its own wall's time in place of China's.
            raise Refused(code="40002", because="isv.invalid-timestamp")
        if params.get("format", "JSON").upper() != "JSON" or params["version"] != "1.0":
            raise Refused(code="40002", because="isv.invalid-format")
        try:
            content = json.loads(params.get("biz_content") or "{}")
        except ValueError:
            content = None
        if not isinstance(content, dict):
            raise Refused(code="40002", because="isv.invalid-parameter")
        return content

    def _check_certificates(self, params: Mapping[str, str]) -> None:
        app, root = self._identity.serials
        for name, wanted, wrong in (
            ("app_cert_sn", app, "isv.invalid-app-cert-sn"),
            ("alipay_root_cert_sn", root, "isv.invalid-alipay-root-cert-sn"),
        ):
            if not params.get(name):
                missing = "app" if name == "app_cert_sn" else "root"
                raise Refused(code="40001", because=f"isv.missing-{missing}-cert-sn")
            if params[name] != wanted:
                raise Refused(code="40002", because=wrong)

    def answer(self, params: Mapping[str, str], address: str) -> bytes:
        """The answer to a call that is none for a page, signed."""
        method = params.get("method", "")
        node = f"{method.replace('.', '_')}_response"
        try:
            if method not in self.calls:
                raise Refused(code="40002", because="isv.invalid-method", signed=False)
            said = self.calls[method](self.checked(params), params, address)
            body = {"code": "10000", "msg": "Success", **said}
        except Declined as declined:
            body = {"code": "40004", "msg": "Business Failed"}
            body |= {"sub_code": declined.sub_code, "sub_msg": declined.sub_msg}
        except Refused as refused:
            body = {"code": refused.code, "msg": "Invalid Arguments", "sub_code": refused.sub_code}
            if not refused.signed:
                return json.dumps({ERROR_NODE: body}, separators=(",", ":")).encode()
        return self.signed(node, body)

    def signed(self, node: str, body: Mapping[str, Any]) -> bytes:
        """``body`` in its envelope; slashes are escaped, as the vendor does."""
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":")).replace("/", "\\/")
        sign = signature(text.encode(), self._identity.vendor_key)
        serial = serial_number(self._identity.vendor_certificate) if self._certificates else ""
        certificate = f',"alipay_cert_sn":"{serial}"' if serial else ""
        return f'{{"{node}":{text}{certificate},"sign":"{sign}"}}'.encode()

    # ---------------------------------------------------------------------------------- the calls

    def request_of(
        self, content: Mapping[str, Any], params: Mapping[str, str], product: str
    ) -> Request:
        """What a merchant asks for, if it is complete; raises :class:`Declined`."""
        number, total = content.get("out_trade_no", ""), content.get("total_amount", "")
        subject = content.get("subject", "")
        fits = (
            isinstance(number, str)
            and _NUMBER.fullmatch(number)
            and isinstance(total, str)
            and isinstance(subject, str)
            and 0 < len(subject) <= 256
            and not set(subject) & set("/=&")
            and content.get("product_code") == _PRODUCTS.get(product)
            and (product != "wap" or content.get("quit_url"))
        )
        if not fits:
            raise Declined(because="ACQ.INVALID_PARAMETER")
        amount = _fen(total)
        if amount > _MOST:
            raise Declined(because="ACQ.TOTAL_FEE_EXCEED")
        until = content.get("time_expire")
        return Request(
            out_trade_no=number,
            total=amount,
            subject=subject,
            product=product,
            notify_url=params.get("notify_url", ""),
            return_url=params.get("return_url", ""),
            quit_url=content.get("quit_url", ""),
            expires_at=_instant(until) if until else None,
        )

    def _precreate(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        request = self.request_of(content, params, "precreate")
        if request.expires_at is not None and request.expires_at <= self._now():
            raise Declined(because="ACQ.INVALID_PARAMETER")
        code = self._books().precreate(request, self._now())
        return {"out_trade_no": request.out_trade_no, "qr_code": f"{address}/qr/{code}"}

    def _query(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        trade = self._trade(content)
        total = in_yuan(trade.request.total)
        paid = trade.paid_at is not None
        said = {
            "buyer_logon_id": "abc***@example.com",
            "buyer_pay_amount": total if paid else "0.00",
            "buyer_user_id": "2088000000000001",
            "invoice_amount": total if paid else "0.00",
            "out_trade_no": trade.request.out_trade_no,
            "point_amount": "0.00",
            "receipt_amount": total if paid else "0.00",
            "total_amount": total,
            "trade_no": trade.trade_no,
            "trade_status": trade.status,
        }
        return said | ({"send_pay_date": wall(trade.paid_at)} if trade.paid_at else {})

    def _close(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        trade = self._trade(content)
        self._books().close(trade, self._now())
        return {"out_trade_no": trade.request.out_trade_no, "trade_no": trade.trade_no}

    def _refund(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        trade = self._trade(content)
        amount = _fen(content.get("refund_amount"))
        number = content.get("out_request_no")
        if not number:
            if amount != trade.request.total:
                raise Declined(because="ACQ.REFUND_AMT_NOT_EQUAL_TOTAL")
            number = trade.request.out_trade_no
        moved = self._books().refund(trade, str(number), amount, self._now())
        return {
            "buyer_logon_id": "abc***@example.com",
            "buyer_user_id": "2088000000000001",
            "fund_change": "Y" if moved else "N",
            "out_trade_no": trade.request.out_trade_no,
            "refund_fee": in_yuan(trade.refunded),
            "send_back_fee": in_yuan(amount if moved else 0),
            "trade_no": trade.trade_no,
        }

    def _refund_query(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        trade = self._trade(content)
        number = content.get("out_request_no")
        if not number:
            raise Declined(because="ACQ.INVALID_PARAMETER")
        found = next((r for r in trade.refunds if r.out_request_no == number), None)
        if found is None:
            return {}
        said = {
            "out_request_no": found.out_request_no,
            "out_trade_no": trade.request.out_trade_no,
            "refund_amount": in_yuan(found.amount),
            "refund_status": "REFUND_SUCCESS",
            "total_amount": in_yuan(trade.request.total),
            "trade_no": trade.trade_no,
        }
        if "gmt_refund_pay" in content.get("query_options", []):
            said["gmt_refund_pay"] = wall(found.at)
        return said

    def _bill(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        try:
            day = date.fromisoformat(content.get("bill_date", ""))
        except (TypeError, ValueError):
            raise Declined(because="INVAILID_ARGUMENTS") from None
        if content.get("bill_type") not in ("trade", "signcustomer") or day >= day_of(self._now()):
            raise Declined(because="INVAILID_ARGUMENTS")
        if not has_trades(self._books(), day):
            raise Declined(because="BILL_NOT_EXIST")
        return {"bill_download_url": f"{address}/downloadBillFile.resource?{self._ticket(day)}"}

    def _ticket(self, day: date) -> str:
        until = int(self._now().timestamp()) + 30
        said = f"bizType=trade&bizDates={day:%Y%m%d}&until={until}"
        sign = signature(said.encode(), self._identity.vendor_key)
        return f"{said}&token={base64.urlsafe_b64encode(base64.b64decode(sign)).decode()}"

    def billed(self, query: Mapping[str, str]) -> date | None:
        """The day that an address of a bill is good for, for half a minute."""
        said = "&".join(
            f"{name}={query.get(name, '')}" for name in ("bizType", "bizDates", "until")
        )
        sign = query.get("token", "").replace("-", "+").replace("_", "/")
        genuine = is_signed(said.encode(), sign, self._identity.vendor_key.public_key())
        if not genuine or self._now().timestamp() > int(query["until"]):
            return None
        return datetime.strptime(query["bizDates"], "%Y%m%d").date()  # noqa: DTZ007 - a day has no time zone

    def _certificate(
        self, content: dict[str, Any], params: Mapping[str, str], address: str
    ) -> dict[str, Any]:
        cert = self._identity.vendor_certificate
        if content.get("alipay_cert_sn") != serial_number(cert):
            raise Declined(because="CERT_NOT_EXIST")
        pem = cert.public_bytes(serialization.Encoding.PEM)
        return {"alipay_cert_content": base64.b64encode(pem).decode()}

    def _trade(self, content: Mapping[str, Any]) -> Trade:
        number, trade_no = content.get("out_trade_no") or "", content.get("trade_no") or ""
        if not number and not trade_no:
            raise Declined(because="ACQ.INVALID_PARAMETER")
        return self._books().find(str(number), str(trade_no), self._now())


def _fen(said: object) -> int:
    if not isinstance(said, str | int | float) or not _AMOUNT.fullmatch(str(said)):
        raise Declined(because="ACQ.INVALID_PARAMETER")
    yuan, _, rest = str(said).partition(".")
    fen = int(yuan) * 100 + int(f"{rest}00"[:2])
    if not fen:
        raise Declined(because="ACQ.INVALID_PARAMETER")
    return fen


def _instant(said: object) -> datetime:
    try:
        return instant(str(said))
    except ValueError:
        raise Declined(because="ACQ.INVALID_PARAMETER") from None
