"""What the vendor is told about a payment, and the addresses its pages have."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from commercekit.payments import Action, CreatePayment, Flow, FormPost, Redirect
from commercekit_payment_alipay.client import CHARSET, address, parameters
from commercekit_payment_alipay.money import yuan
from commercekit_payment_alipay.times import wall

if TYPE_CHECKING:
    from commercekit.platform.providers import ProviderContext

__all__ = ["content_of", "page_action"]

_LONGEST_SUBJECT: Final = 256
_FORBIDDEN: Final = str.maketrans(dict.fromkeys("/=&", " "))
"""The vendor refuses these in a subject."""


def content_of(req: CreatePayment) -> dict[str, str]:
    """``biz_content`` of a payment: the same at every repetition, or the vendor calls it another's."""
    subject = " ".join(req.subject.translate(_FORBIDDEN).split())[:_LONGEST_SUBJECT]
    content = {
        "out_trade_no": req.payment_id,
        "total_amount": yuan(req.amount),
        "subject": subject or req.payment_id,
    }
    if req.expires_at is not None:
        # Without it a page that nobody has opened could be paid for two weeks.
        content["time_expire"] = wall(req.expires_at)
    return content


def page_action(ctx: ProviderContext, req: CreatePayment) -> Action:
    """The vendor's page, by link or by form; on the mobile web it is another than on the desk's."""
    content = content_of(req)
    mobile = req.flow is Flow.H5
    if mobile:
        content["product_code"] = "QUICK_WAP_WAY"
        back = req.cancel_url or req.return_url
        if back:
            content["quit_url"] = back
    else:
        content["product_code"] = "FAST_INSTANT_TRADE_PAY"
    params = parameters(
        ctx,
        "alipay.trade.wap.pay" if mobile else "alipay.trade.page.pay",
        content,
        notify_url=req.notify_url,
        return_url=req.return_url,
    )
    if req.flow is Flow.FORM:
        return FormPost(f"{ctx.config.gateway_url}?charset={CHARSET}", params)
    return Redirect(address(ctx, params))
