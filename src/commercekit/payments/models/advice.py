"""What to do about each kind of difference, in the languages of staff."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.payments.models.books import DifferenceKind

__all__ = ["ADVICE"]

_K = DifferenceKind
ADVICE: Final[Mapping[DifferenceKind, Mapping[str, str]]] = {
    _K.UNKNOWN_PAYMENT: {
        "en": "Look the money up at the provider. Send it back there and say so (explained), or take "
        "it into the books as nobody's (booked). If another system uses the account, name it in "
        "[payments] shared_accounts.",
        "zh": "在支付机构后台查明这笔款项：在那里退回并说明（explained），或作为无主款项入账（booked）。"
        "若该商户号还有其他系统使用，请在 [payments] shared_accounts 中登记。",
    },
    _K.NOT_PAID: {
        "en": "Query the payment; the gateway was asked and did not say that it is paid. If the money "
        "is there, have the provider explain it; a quarantined payment is resolved on its own.",
        "zh": "重新查询该支付：已询问网关，网关未确认付款。若款项确已到账，请支付机构说明；"
        "被隔离的支付另行处理。",
    },
    _K.CHARGE_DIFFERS: {
        "en": "Compare the payment with the provider's page. Send back what is too much, or write the "
        "rest off.",
        "zh": "与支付机构后台核对该支付。多收的退回，少收的核销。",
    },
    _K.CHARGE_MISSING: {
        "en": "Query the payment. If the provider does not know the money, write it off or charge "
        "anew; if it was settled with another account, say so (explained).",
        "zh": "查询该支付。若支付机构无此款项，核销或重新收款；若由其他商户号结算，请说明（explained）。",
    },
    _K.UNKNOWN_REFUND: {
        "en": "Somebody refunded at the provider. Find out who and why, then take it into the books "
        "(booked).",
        "zh": "有人在支付机构后台退款。查明经办人和原因后入账（booked）。",
    },
    _K.REFUND_DIFFERS: {
        "en": "Compare the refund with the provider's page: retry or confirm it here, or book what "
        "differs.",
        "zh": "与支付机构后台核对该退款：在此重试或确认，或将差额入账。",
    },
    _K.REFUND_MISSING: {
        "en": "The shopper may not have the money. Look the refund up at the provider; confirm it once "
        "it was paid out by hand, or explain.",
        "zh": "顾客可能未收到退款。在支付机构后台查明；线下付款后请确认，或予以说明。",
    },
    _K.UNKNOWN_DISPUTE: {
        "en": "Answer the dispute at the provider, and book what it has taken; check that its "
        "notifications of disputes reach this shop.",
        "zh": "在支付机构后台答复该争议，并将扣款入账；检查争议通知是否能送达本店。",
    },
    _K.WRONG_ACCOUNT: {
        "en": "The payment was made with another merchant account. Check the settings of both "
        "accounts; book it if the money is to stay here.",
        "zh": "该支付使用的是另一个商户号。检查两个商户号的设置；若款项留在此处则入账。",
    },
    _K.ADJUSTMENT: {
        "en": "Read the provider's text. Book it, or write it off.",
        "zh": "阅读支付机构的说明，入账或核销。",
    },
}
