"""Run by an interpreter that has ``python-alipay-sdk`` and nothing of CommerceKit: it asks the fake.

Reads what it needs as JSON from standard input, and writes what it saw as JSON.
"""

import json
import sys

from alipay import AliPay, DCAliPay
from sdk_shopper import press

given = json.load(sys.stdin)
common = {
    "appid": given["app_id"],
    "app_notify_url": None,
    "app_private_key_string": given["private_key"],
    "sign_type": "RSA2",
}
seen = {}
if "certificates" in given:
    alipay = DCAliPay(
        app_public_key_cert_string=given["certificates"]["app_cert"],
        alipay_public_key_cert_string=given["certificates"]["alipay_cert"],
        alipay_root_cert_string=given["certificates"]["alipay_root_cert"],
        **common,
    )
    seen["serials"] = [alipay.app_cert_sn, alipay.alipay_root_cert_sn]
else:
    alipay = AliPay(alipay_public_key_string=given["alipay_public_key"], **common)
alipay._gateway = f"{given['address']}/gateway.do"

order = {"out_trade_no": "SDK1", "total_amount": "49.90", "subject": "订单 1 + 100%"}
seen["precreate"] = alipay.api_alipay_trade_precreate(**order)
seen["unmet"] = alipay.api_alipay_trade_query(out_trade_no="SDK1")
seen["pressed"] = press(seen["precreate"]["qr_code"], "pay")[0]
seen["paid"] = alipay.api_alipay_trade_query(out_trade_no="SDK1")
part = {"out_trade_no": "SDK1", "out_request_no": "R1", "refund_amount": "10.00"}
seen["refund"] = alipay.api_alipay_trade_refund(**part)
seen["again"] = alipay.api_alipay_trade_refund(**part)
seen["refunded"] = alipay.api_alipay_trade_fastpay_refund_query("R1", out_trade_no="SDK1")
seen["late"] = alipay.api_alipay_trade_close(out_trade_no="SDK1")
desk = alipay.api_alipay_trade_page_pay(**{**order, "out_trade_no": "SDK2"})
seen["declined"] = press(f"{alipay._gateway}?{desk}", "decline")[0]
seen["close"] = alipay.api_alipay_trade_close(out_trade_no="SDK2")
seen["news"] = []
for fields in given["news"]:
    sign = fields.pop("sign")
    try:
        seen["news"].append(alipay.verify(fields, sign))
    except Exception:  # noqa: BLE001 - the SDK raises what it likes
        seen["news"].append(False)
json.dump(seen, sys.stdout)
