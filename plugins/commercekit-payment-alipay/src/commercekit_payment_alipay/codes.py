"""What each of the vendor's codes means for the shop: one table, with the document each comes from.

Codes come in two storeys. ``code`` says which part of the vendor spoke: 10000 yes, 20000 nobody knows,
20001, 40001, 40002 and 40003 the gateway refused the request, 40004 the service did, 40005 too many
requests, 40006 no permission. ``sub_code`` says why. What means one thing to one verb and another to the
next, such as a trade that does not exist, is not here but in the verb.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final, NamedTuple

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

__all__ = ["CODES", "Meaning", "Row", "failure", "row_of"]


class Meaning(StrEnum):
    """What the core has to do."""

    UNKNOWN = "unknown"
    """Ask before repeating."""
    UNAVAILABLE = "unavailable"
    """Surely not done: come again."""
    REJECTED = "rejected"
    """Never, as it is."""
    CONFIG = "config"
    """An operator has to mend the account, here or at the vendor."""


class Row(NamedTuple):
    """One code."""

    code: str
    meaning: Meaning
    document: str
    """Where the vendor says so, by the title of its document."""
    setting: str = ""
    """What an operator looks at."""


_COMMON: Final = "公共错误码 (gateway return codes)"
_PAGE: Final = "alipay.trade.page.pay 统一收单下单并支付页面接口, 业务错误码"
_WAP: Final = "alipay.trade.wap.pay 手机网站支付接口, 业务错误码"
_PRECREATE: Final = "alipay.trade.precreate 统一收单线下交易预创建, 业务错误码"
_QUERY: Final = "alipay.trade.query 统一收单交易查询, 业务错误码"
_CLOSE: Final = "alipay.trade.close 统一收单交易关闭接口, 业务错误码"
_REFUND: Final = "alipay.trade.refund 统一收单交易退款接口, 业务错误码"
_REFUND_QUERY: Final = "alipay.trade.fastpay.refund.query 统一收单交易退款查询, 业务错误码"
_BILL: Final = "alipay.data.dataservice.bill.downloadurl.query 查询对账单下载地址, 业务错误码"

_M = Meaning
CODES: Final = (
    # ------------------------------------------------------------------------ the gateway's own
    Row("20000", _M.UNKNOWN, _COMMON),
    Row("20001", _M.CONFIG, _COMMON, "app_id"),
    Row("40001", _M.CONFIG, _COMMON),
    Row("40002", _M.REJECTED, _COMMON),
    Row("40003", _M.CONFIG, _COMMON, "app_id"),
    Row("40005", _M.UNAVAILABLE, _COMMON),
    Row("40006", _M.CONFIG, _COMMON, "app_id"),
    Row("isp.unknow-error", _M.UNKNOWN, _COMMON),
    Row("aop.unknow-error", _M.UNKNOWN, _COMMON),
    Row("isv.invalid-signature", _M.CONFIG, _COMMON, "private_key"),
    Row("isv.missing-signature-key", _M.CONFIG, _COMMON, "private_key"),
    Row("isv.missing-signature-config", _M.CONFIG, _COMMON, "private_key"),
    Row("isv.invalid-signature-type", _M.CONFIG, _COMMON, "private_key"),
    Row("isv.invalid-app-id", _M.CONFIG, _COMMON, "app_id"),
    Row("isv.app-not-exist", _M.CONFIG, _COMMON, "app_id"),
    Row("isv.invalid-app-state", _M.CONFIG, _COMMON, "app_id"),
    Row("isv.missing-app-cert-sn", _M.CONFIG, _COMMON, "app_cert"),
    Row("isv.invalid-app-cert-sn", _M.CONFIG, _COMMON, "app_cert"),
    Row("isv.missing-root-cert-sn", _M.CONFIG, _COMMON, "alipay_root_cert"),
    Row("isv.invalid-alipay-root-cert-sn", _M.CONFIG, _COMMON, "alipay_root_cert"),
    Row("isv.invalid-timestamp", _M.CONFIG, _COMMON, "the server's clock"),
    Row("isv.insufficient-isv-permissions", _M.CONFIG, _COMMON, "app_id"),
    Row("isv.insufficient-user-permissions", _M.CONFIG, _COMMON, "app_id"),
    Row("isv.app-call-limited", _M.UNAVAILABLE, _COMMON),
    # ------------------------------------------------------------------- asking for the money
    Row("ACQ.SYSTEM_ERROR", _M.UNKNOWN, _REFUND),
    Row("aop.ACQ.SYSTEM_ERROR", _M.UNKNOWN, _PRECREATE),
    Row("AQC.SYSTEM_ERROR", _M.UNKNOWN, _CLOSE),
    Row("ACQ.INVALID_PARAMETER", _M.REJECTED, _PRECREATE),
    Row("ACQ.CONTEXT_INCONSISTENT", _M.REJECTED, _PRECREATE),
    Row("ACQ.TOTAL_FEE_EXCEED", _M.REJECTED, _PRECREATE),
    Row("ACQ.EXIST_FORBIDDEN_WORD", _M.REJECTED, _PRECREATE),
    Row("ACQ.INVALID_STORE_ID", _M.REJECTED, _PRECREATE),
    Row("ACQ.SUBJECT_RISK_ERROR", _M.REJECTED, _PAGE),
    Row("ACQ.ACCESS_FORBIDDEN", _M.CONFIG, _PRECREATE, "app_id"),
    Row("ACQ.PARTNER_ERROR", _M.CONFIG, _PRECREATE, "app_id"),
    Row("ACQ.RISK_MERCHANT_IP_NOT_EXIST", _M.REJECTED, _WAP),
    # ------------------------------------------------------------------------------ afterwards
    Row("ACQ.TRADE_NOT_EXIST", _M.REJECTED, _QUERY),
    Row("TRADE_NOT_EXIST", _M.REJECTED, _REFUND_QUERY),
    Row("ACQ.TRADE_STATUS_ERROR", _M.REJECTED, _CLOSE),
    Row("ACQ.REASON_ILLEGAL_STATUS", _M.REJECTED, _CLOSE),
    Row("ACQ.REASON_TRADE_STATUS_INVALID", _M.REJECTED, _CLOSE),
    # ------------------------------------------------------------------------------- refunding
    Row("ACQ.REFUND_AMT_NOT_EQUAL_TOTAL", _M.REJECTED, _REFUND),
    Row("ACQ.REASON_TRADE_REFUND_FEE_ERR", _M.REJECTED, _REFUND),
    Row("ACQ.REFUND_FEE_ERROR", _M.REJECTED, _REFUND),
    Row("ACQ.TRADE_HAS_FINISHED", _M.REJECTED, _REFUND),
    Row("ACQ.TRADE_NOT_ALLOW_REFUND", _M.REJECTED, _REFUND),
    # What became of the refund first asked for under this number has to be asked.
    Row("ACQ.DISCORDANT_REPEAT_REQUEST", _M.UNKNOWN, _REFUND),
    Row("ACQ.NOT_ALLOW_PARTIAL_REFUND", _M.REJECTED, _REFUND),
    # ----------------------------------------------------------------------------------- bills
    Row("INVAILID_ARGUMENTS", _M.REJECTED, _BILL),  # the vendor's own spelling
    Row("BILL_NOT_EXIST", _M.REJECTED, _BILL),
    Row("UNKNOW_ERROR", _M.UNAVAILABLE, _BILL),
)

_BY_CODE: Final = {row.code: row for row in CODES}


def row_of(code: str, sub_code: str) -> Row:
    """The row of the finer code, else of the coarser; what is in neither is not known."""
    for each in (sub_code, code):
        if each in _BY_CODE:
            return _BY_CODE[each]
    if code.startswith("40") and sub_code.startswith("isv."):
        return Row(sub_code, Meaning.CONFIG if code == "40006" else Meaning.REJECTED, _COMMON)
    return Row(sub_code or code, Meaning.UNKNOWN, _COMMON)


def failure(code: str, sub_code: str, where: str) -> ProviderError:
    """The core's error for one of the vendor's codes; ``where`` names the account's settings."""
    row = row_of(code, sub_code)
    said = sub_code or code
    if row.meaning is Meaning.CONFIG:
        setting = f"{where}.{row.setting}" if row.setting.isidentifier() else row.setting
        return ProviderConfigError(f"Alipay refuses {setting or where}: {said}")
    if row.meaning is Meaning.REJECTED:
        return ProviderRejected(said)
    if row.meaning is Meaning.UNAVAILABLE:
        return ProviderUnavailable(retry_after=5, detail=said)
    return ProviderUnknown(said)
