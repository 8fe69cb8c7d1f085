"""Run by an interpreter that has ``alipay-sdk-python`` and nothing of CommerceKit: it asks the fake.

Reads what it needs as JSON from standard input, and writes what it saw as JSON.
"""

import http.client
import json
import sys
from urllib.parse import urlsplit

from alipay.aop.api.AlipayClientConfig import AlipayClientConfig
from alipay.aop.api.DefaultAlipayClient import DefaultAlipayClient
from alipay.aop.api.request.AlipayDataDataserviceBillDownloadurlQueryRequest import (
    AlipayDataDataserviceBillDownloadurlQueryRequest as Bill,
)
from alipay.aop.api.request.AlipayTradeCloseRequest import AlipayTradeCloseRequest as Close
from alipay.aop.api.request.AlipayTradeFastpayRefundQueryRequest import (
    AlipayTradeFastpayRefundQueryRequest as RefundQuery,
)
from alipay.aop.api.request.AlipayTradePagePayRequest import AlipayTradePagePayRequest as Page
from alipay.aop.api.request.AlipayTradePrecreateRequest import (
    AlipayTradePrecreateRequest as Precreate,
)
from alipay.aop.api.request.AlipayTradeQueryRequest import AlipayTradeQueryRequest as Query
from alipay.aop.api.request.AlipayTradeRefundRequest import AlipayTradeRefundRequest as Refund
from alipay.aop.api.request.AlipayTradeWapPayRequest import AlipayTradeWapPayRequest as Wap
from alipay.aop.api.util import WebUtils
from alipay.aop.api.util.SignatureUtils import get_sign_content, verify_with_rsa
from sdk_shopper import press

given = json.load(sys.stdin)


def connection(url, query, timeout):
    """The SDK's own cannot be led to a port: it adds the number to a text."""
    parts = urlsplit(url)
    made = http.client.HTTPConnection(parts.hostname, parts.port, timeout=timeout)
    return f"{parts.path}?{query}", made


WebUtils.get_http_connection = connection


def client(private_key):
    config = AlipayClientConfig()
    config.server_url = f"{given['address']}/gateway.do"
    config.app_id = given["app_id"]
    config.app_private_key = private_key
    config.alipay_public_key = given["alipay_public_key"]
    return DefaultAlipayClient(config)


alipay = client(given["private_key"])


def ask(kind, content, by=alipay):
    """The answer, which the SDK has verified."""
    request = kind()
    request.biz_content = content
    return json.loads(by.execute(request))


def page(kind, content):
    request = kind()
    request.biz_content = content
    request.return_url = given["address"] + "/nowhere"
    return alipay.page_execute(request, http_method="GET")


def genuine(fields):
    said = {name: value for name, value in fields.items() if name not in ("sign", "sign_type")}
    try:
        text = get_sign_content(said).encode("utf-8")
        return bool(verify_with_rsa(given["alipay_public_key"], text, fields["sign"]))
    except Exception:  # noqa: BLE001 - the SDK raises what it likes
        return False


order = {"out_trade_no": "SDK1", "total_amount": "49.90", "subject": "订单 1 + 100%"}
part = {"out_trade_no": "SDK1", "out_request_no": "R1", "refund_amount": "10.00"}
desk = {**order, "out_trade_no": "SDK2", "product_code": "FAST_INSTANT_TRADE_PAY"}
mobile = {**order, "out_trade_no": "SDK3", "product_code": "QUICK_WAP_WAY"}
mobile["quit_url"] = "https://shop.test/cart"
seen = {}
seen["precreate"] = ask(Precreate, order)
seen["other"] = ask(Precreate, {**order, "total_amount": "1.00"})
seen["unmet"] = ask(Query, {"out_trade_no": "SDK1"})
seen["pressed"] = press(seen["precreate"]["qr_code"], "pay")[0]
seen["paid"] = ask(Query, {"out_trade_no": "SDK1"})
seen["by_number"] = ask(Query, {"trade_no": seen["paid"]["trade_no"]})
seen["refund"] = ask(Refund, part)
seen["again"] = ask(Refund, part)
seen["otherwise"] = ask(Refund, {**part, "refund_amount": "11.00"})
seen["more"] = ask(Refund, {**part, "out_request_no": "R2", "refund_amount": "39.91"})
seen["refunded"] = ask(RefundQuery, {"out_trade_no": "SDK1", "out_request_no": "R1"})
seen["nothing"] = ask(RefundQuery, {"out_trade_no": "SDK1", "out_request_no": "R9"})
seen["late"] = ask(Close, {"out_trade_no": "SDK1"})
seen["declined"] = press(page(Page, desk), "decline")[0]
seen["waiting"] = ask(Query, {"out_trade_no": "SDK2"})
seen["close"] = ask(Close, {"out_trade_no": "SDK2"})
seen["closed"] = ask(Query, {"out_trade_no": "SDK2"})
seen["mobile"] = press(page(Wap, mobile), "pay")[0]
seen["mobile_paid"] = ask(Query, {"out_trade_no": "SDK3"})
seen["bill"] = ask(Bill, {"bill_type": "trade", "bill_date": "2020-01-01"})
seen["wrong"] = ask(Query, {"out_trade_no": "SDK1"}, client(given["other_key"]))
seen["news"] = [genuine(fields) for fields in given["news"]]
json.dump(seen, sys.stdout)
