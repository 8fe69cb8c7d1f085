"""What the vendor's error codes mean for the core: one table.

The codes are those of the vendor's documents for merchants (API v3):

* *order*: pay.weixin.qq.com/doc/v3/merchant, the error tables of Native, JSAPI, H5 and APP ordering;
* *query*, *close*: the tables of "query by merchant order number" and "close an order";
* *refund*: the tables of "apply for a refund", "query one refund", "handle an abnormal refund";
* *bill*: the tables of "apply for a trade bill" and "download a bill";
* *common*: the table of public error codes, which any interface may answer.

Older documents write some without underscores (``ORDERNOTEXIST``, ``NOAUTH``, ``BANKERROR``), and live
answers still do: both spellings are one row.
"""

from __future__ import annotations

from enum import Enum
from typing import Final

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)

__all__ = ["CODES", "Verdict", "failure", "is_code"]


class Verdict(Enum):
    """What the core is told."""

    REJECTED = "the request can never succeed as it is"
    LATER = "surely not carried out; may be repeated after a while"
    UNKNOWN = "perhaps carried out: ask, then repeat under the same number"
    OPERATOR = "the account or its settings are not in order"


CODES: Final[dict[str, Verdict]] = {
    # common
    "SIGN_ERROR": Verdict.OPERATOR,
    "PARAM_ERROR": Verdict.REJECTED,
    "SYSTEM_ERROR": Verdict.UNKNOWN,
    "FREQUENCY_LIMITED": Verdict.LATER,
    "FREQUENCY_LIMIT_EXCEED": Verdict.LATER,
    "RATELIMIT_EXCEEDED": Verdict.LATER,
    "INVALID_REQUEST": Verdict.REJECTED,
    "NO_AUTH": Verdict.OPERATOR,
    # order, query, close
    "APPID_MCHID_NOT_MATCH": Verdict.OPERATOR,
    "MCH_NOT_EXISTS": Verdict.OPERATOR,
    "ACCOUNT_ERROR": Verdict.REJECTED,
    "BANK_ERROR": Verdict.UNKNOWN,
    "INVALID_TRANSACTION_ID": Verdict.REJECTED,
    "OPENID_MISMATCH": Verdict.REJECTED,
    "ORDER_CLOSED": Verdict.REJECTED,
    "ORDER_NOT_EXIST": Verdict.REJECTED,
    "ORDER_PAID": Verdict.REJECTED,
    "OUT_TRADE_NO_USED": Verdict.REJECTED,
    "RULE_LIMIT": Verdict.REJECTED,
    "TRADE_ERROR": Verdict.REJECTED,
    "USER_PAYING": Verdict.UNKNOWN,
    # refund; NOT_ENOUGH is made a value before it gets here
    "NOT_ENOUGH": Verdict.LATER,
    "RESOURCE_NOT_EXISTS": Verdict.REJECTED,
    "USER_ACCOUNT_ABNORMAL": Verdict.REJECTED,
    # bill
    "NO_STATEMENT_EXIST": Verdict.REJECTED,
    "STATEMENT_CREATING": Verdict.LATER,
}
_BY_LETTERS: Final = {code.replace("_", ""): verdict for code, verdict in CODES.items()}
_BY_STATUS: Final = {
    401: Verdict.OPERATOR,
    403: Verdict.OPERATOR,
    408: Verdict.UNKNOWN,
    429: Verdict.LATER,
}
"""Where the code is new."""
_WAIT: Final = {"STATEMENTCREATING": 3600, "NOTENOUGH": 3600}
_A_WHILE: Final = 60


def is_code(code: str, *wanted: str) -> bool:
    """Whether ``code`` is one of ``wanted``, in either spelling."""
    letters = code.replace("_", "")
    return any(letters == each.replace("_", "") for each in wanted)


def failure(where: str, status: int, code: str, message: str = "") -> ProviderError:
    """The core's error for an answer with ``status`` and ``code``.

    ``where`` names the account, for operators; ``message`` is the vendor's and is told to them alone.
    """
    letters = code.replace("_", "")
    verdict = _BY_LETTERS.get(letters)
    if verdict is None:
        verdict = _BY_STATUS.get(status, Verdict.UNKNOWN if status >= 500 else Verdict.REJECTED)
    said = code or f"http-{status}"
    if verdict is Verdict.OPERATOR:
        hint = "check merchant_id, app_id, certificate_serial and private_key"
        return ProviderConfigError(f"{where}: WeChat Pay answers {said}; {hint}")
    if verdict is Verdict.LATER:
        return ProviderUnavailable(_WAIT.get(letters, _A_WHILE), detail=said)
    if verdict is Verdict.UNKNOWN:
        return ProviderUnknown(said, "WeChat Pay does not say what became of it")
    return ProviderRejected(said, message)
