"""Asking for money: one body for the four flows, and what the shopper does with each answer."""

from __future__ import annotations

import ipaddress
from datetime import datetime, timedelta, timezone
from typing import Final
from urllib.parse import urlencode

from msgspec import UNSET, UnsetType

from commercekit.payments import (
    Action,
    AppParams,
    CreatePayment,
    Flow,
    JsApi,
    QrCode,
    Redirect,
)
from commercekit.platform.providers import ProviderContext, ProviderRejected, ProviderUnknown
from commercekit_payment_wechatpay import wire
from commercekit_payment_wechatpay.client import merchant_key, nonce
from commercekit_payment_wechatpay.money import CURRENCY, fen
from commercekit_payment_wechatpay.settings import Account
from commercekit_payment_wechatpay.signing import sheet_message, sign

__all__ = ["CHINA", "CODE_LIVES", "PATHS", "action_for", "order_for", "shortened"]

CHINA: Final = timezone(timedelta(hours=8))
CODE_LIVES: Final = timedelta(hours=2)
"""How long a code, or a prepay id, may be used; asking again renews it."""
PATHS: Final = {
    Flow.QR: "/v3/pay/transactions/native",
    Flow.JSAPI: "/v3/pay/transactions/jsapi",
    Flow.H5: "/v3/pay/transactions/h5",
    Flow.APP: "/v3/pay/transactions/app",
}
_MOST_DESCRIPTION: Final = 127


def order_for(ctx: ProviderContext, req: CreatePayment) -> wire.Order:
    """What the vendor is asked. The same for every repetition: it refuses what differs.

    Raises ``ProviderRejected`` for what a flow needs and the request has not.
    """
    account: Account = ctx.config
    if "?" in req.notify_url or "#" in req.notify_url:
        code = "notify-url-has-a-query"
        raise ProviderRejected(code, "WeChat Pay takes no query in the address of notifications")
    payer: wire.Payer | UnsetType = UNSET
    scene: wire.Scene | UnsetType = UNSET
    if req.flow is Flow.JSAPI:
        if not req.payer_ref:
            code = "payer-ref-missing"
            raise ProviderRejected(code, "jsapi needs the payer's openid as payer_ref")
        payer = wire.Payer(req.payer_ref)
    if req.flow is Flow.H5:
        if not req.customer_ip:
            code = "customer-ip-missing"
            raise ProviderRejected(code, "h5 needs the shopper's address: the vendor compares it")
        _warn_of_inner(ctx, req.customer_ip)
        scene = wire.Scene(req.customer_ip, wire.H5Info("Wap"))
    return wire.Order(
        appid=account.app_id_of(req.flow.value),
        mchid=account.merchant_id,
        description=shortened(req.subject, _MOST_DESCRIPTION) or req.order_ref[:32],
        out_trade_no=req.payment_id,
        notify_url=req.notify_url,
        amount=wire.Amount(fen(req.amount), CURRENCY),
        time_expire=UNSET if req.expires_at is None else _moment(req.expires_at),
        payer=payer,
        scene_info=scene,
    )


def action_for(ctx: ProviderContext, req: CreatePayment, said: wire.Prepared) -> Action:
    """What the shopper has to do, signed where the vendor's app wants to see who asks."""
    match req.flow:
        case Flow.QR if said.code_url:
            until = ctx.now() + CODE_LIVES
            return QrCode(said.code_url, min(until, req.expires_at or until))
        case Flow.H5 if said.h5_url.startswith(("https://", "http://")):
            back = "&" + urlencode({"redirect_url": req.return_url}) if req.return_url else ""
            return Redirect(said.h5_url + back)
        case Flow.JSAPI if said.prepay_id:
            return JsApi(_sheet(ctx, said.prepay_id))
        case Flow.APP if said.prepay_id:
            return AppParams(_app_sheet(ctx, said.prepay_id))
    code = "nonsense"
    raise ProviderUnknown(code, f"the answer has nothing for the flow {req.flow}")


def shortened(text: str, most: int) -> str:
    """At most ``most`` bytes of UTF-8, and no half letter: the vendor's limits are read both ways."""
    return text.encode()[:most].decode(errors="ignore").strip()


def _sheet(ctx: ProviderContext, prepay_id: str) -> dict[str, str]:
    account: Account = ctx.config
    app_id = account.app_id_of(Flow.JSAPI.value)
    stamp, once, package = str(int(ctx.now().timestamp())), nonce(), f"prepay_id={prepay_id}"
    return {
        "appId": app_id,
        "timeStamp": stamp,
        "nonceStr": once,
        "package": package,
        "signType": "RSA",
        "paySign": sign(merchant_key(ctx), sheet_message(app_id, stamp, once, package)),
    }


def _app_sheet(ctx: ProviderContext, prepay_id: str) -> dict[str, str]:
    account: Account = ctx.config
    app_id = account.app_id_of(Flow.APP.value)
    stamp, once = str(int(ctx.now().timestamp())), nonce()
    return {
        "appid": app_id,
        "partnerid": account.merchant_id,
        "prepayid": prepay_id,
        "package": "Sign=WXPay",
        "noncestr": once,
        "timestamp": stamp,
        "sign": sign(merchant_key(ctx), sheet_message(app_id, stamp, once, prepay_id)),
    }


def _moment(at: datetime) -> str:
    return at.astimezone(CHINA).isoformat(timespec="seconds")


def _warn_of_inner(ctx: ProviderContext, address: str) -> None:
    try:
        inner = not ipaddress.ip_address(address).is_global
    except ValueError:
        inner = True
    account: Account = ctx.config
    if inner and account.endpoint.startswith("https://"):
        # Behind a proxy whose word the shop does not take, every shopper seems to be the proxy.
        ctx.log.warning("h5: the shopper's address is an inner one; is the proxy trusted?")
