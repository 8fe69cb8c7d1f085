"""Run by an interpreter that has ``wechatpayv3`` and nothing of CommerceKit: the SDK asks the fake.

Reads what it needs as JSON from standard input, and writes what it saw as JSON.
"""

import json
import sys

import requests
from wechatpayv3 import WeChatPay, WeChatPayType

given = json.load(sys.stdin)
account = given["account"]


def client(kind):
    """The SDK, led to the fake."""
    import wechatpayv3.core

    begin = wechatpayv3.core.Core._init_certificates
    wechatpayv3.core.Core._init_certificates = lambda core: None
    made = WeChatPay(wechatpay_type=kind, timeout=(10, 30), **account)
    made._core._gate_way = given["address"]
    if not account.get("public_key"):
        begin(made._core)
    return made


def said(answer):
    status, text = answer
    return [status, json.loads(text) if text else None]


web = requests.Session()
web.trust_env = False
native = client(WeChatPayType.NATIVE)
amount = {"total": 4990, "currency": "CNY"}
seen = {}
common = {"description": "Cap 帽子", "amount": amount}
seen["native"] = said(native.pay(out_trade_no="SDKORDER1", **common))
seen["again"] = said(native.pay(out_trade_no="SDKORDER1", **common))
seen["other"] = said(native.pay(out_trade_no="SDKORDER1", description="x", amount=amount))
seen["jsapi"] = said(
    client(WeChatPayType.JSAPI).pay(out_trade_no="SDKORDER2", payer={"openid": "oU1"}, **common)
)
seen["h5"] = said(
    client(WeChatPayType.H5).pay(
        out_trade_no="SDKORDER3",
        scene_info={"payer_client_ip": "203.0.113.7", "h5_info": {"type": "Wap"}},
        **common,
    )
)
seen["app"] = said(client(WeChatPayType.APP).pay(out_trade_no="SDKORDER4", **common))
seen["unpaid"] = said(native.query(out_trade_no="SDKORDER1"))
seen["nobody"] = said(native.query(out_trade_no="SDKORDER9"))
web.post(seen["native"][1]["code_url"], data={"action": "pay"}).raise_for_status()
seen["paid"] = said(native.query(out_trade_no="SDKORDER1"))
seen["by_id"] = said(native.query(transaction_id=seen["paid"][1]["transaction_id"]))
seen["late_close"] = said(native.close(out_trade_no="SDKORDER1"))
seen["close"] = said(native.close(out_trade_no="SDKORDER2"))
seen["closed"] = said(native.query(out_trade_no="SDKORDER2"))
part = {"refund": 990, "total": 4990, "currency": "CNY"}
seen["refund"] = said(
    native.refund(out_refund_no="SDKREFUND1", amount=part, out_trade_no="SDKORDER1")
)
web.post(f"{given['address']}/refunds/SDKREFUND1", data={"status": "ABNORMAL"}).raise_for_status()
seen["abnormal"] = said(native.query_refund(out_refund_no="SDKREFUND1"))
seen["elsewhere"] = said(
    native.abnormal_refund(
        refund_id=seen["refund"][1]["refund_id"],
        out_refund_no="SDKREFUND1",
        type="USER_BANK_CARD",
        bank_type="CMB_DEBIT",
        bank_account="of the payer",
        real_name="张三",
    )
)
web.post(f"{given['address']}/refunds/SDKREFUND1", data={"status": "SUCCESS"}).raise_for_status()
seen["refunded"] = said(native.query_refund(out_refund_no="SDKREFUND1"))
seen["bill"] = said(native.trade_bill(bill_date=given["day"], tar_type="GZIP"))
status, text = native.download_bill(url=seen["bill"][1]["download_url"])
seen["file"] = [status, text.hex()]
seen["sheet"] = native.sign(given["sheet"])
for name, (headers, body) in given["news"].items():
    seen[name] = native.callback(headers, body)
json.dump(seen, sys.stdout)
