"""The vendor's HTTP API: what goes wrong on the way becomes one of the core's errors."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import Final, TypeVar

import httpx
import msgspec
from msgspec import Struct

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit_notify_sms_aliyun.settings import Account
from commercekit_notify_sms_aliyun.signing import sign
from commercekit_notify_sms_aliyun.wire import Answer

__all__ = ["call", "failure"]

T = TypeVar("T", bound=Struct)

_VERSION: Final = "2017-05-25"
_NOT_SENT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.UnsupportedProtocol)
"""No byte of the request left: it was surely not carried out."""
_REJECTED: Final = frozenset(
    {
        "isv.BLACK_KEY_CONTROL_LIMIT",
        "isv.INVALID_PARAMETERS",
        "isv.MOBILE_COUNT_OVER_LIMIT",
        "isv.MOBILE_NUMBER_ILLEGAL",
        "isv.PARAM_LENGTH_LIMIT",
        "isv.PARAM_NOT_SUPPORT_URL",
    }
)
"""This number, or this text: never."""
_LATER: Final = {
    "isv.AMOUNT_NOT_ENOUGH": 300,
    "isv.BUSINESS_LIMIT_CONTROL": 60,
    "isv.DAY_LIMIT_CONTROL": 3600,
    "isv.OUT_OF_SERVICE": 300,
}
"""Surely not sent, and it may go through after so many seconds: one message a minute for a number, say."""
_OURS: Final = ("isv.", "InvalidAccessKeyId", "SignatureDoesNotMatch", "Forbidden", "NoPermission")
"""Whatever else begins so is for the operator: a signature or template that is not approved, a wrong key."""


async def call(
    ctx: ProviderContext, action: str, params: Mapping[str, str], answer: type[T]
) -> tuple[str, T]:
    """Ask for ``action``; gives the vendor's code, ``OK`` or another, and the answer."""
    account: Account = ctx.config
    signed = sign(
        key_id=account.access_key_id,
        secret=ctx.secrets.read("access_key_secret"),
        host=account.endpoint,
        action=action,
        version=_VERSION,
        params=params,
        at=ctx.now(),
        nonce=secrets.token_hex(16),
    )
    url = f"https://{account.endpoint}/?{signed.query}"
    trouble: ProviderError
    try:
        response = await ctx.http.post(url, headers=signed.headers)
    except _NOT_SENT as error:
        trouble = ProviderUnavailable(detail=f"{type(error).__name__}: {action}")
    except httpx.HTTPError as error:
        # A time-out, a connection that broke: it may have been carried out.
        trouble = ProviderUnknown(type(error).__name__, f"no answer to {action}")
    else:
        return _read(response, action, answer)
    # Raised out here: the request, whose address holds the number, is no part of what is told.
    raise trouble


def failure(code: str) -> ProviderError:
    """The core's error for one of the vendor's codes."""
    if code in _REJECTED:
        return ProviderRejected(code)
    if code in _LATER or code.startswith("Throttling"):
        return ProviderUnavailable(_LATER.get(code, 1), detail=code)
    if code.startswith(_OURS):
        return ProviderConfigError(f"the vendor refuses the account's settings: {code}")
    # isp.SYSTEM_ERROR and whatever is new: perhaps it was sent.
    return ProviderUnknown(code)


def _read(response: httpx.Response, action: str, answer: type[T]) -> tuple[str, T]:
    if response.status_code >= 500:
        code = f"http-{response.status_code}"
        raise ProviderUnknown(code, f"no answer to {action}")
    try:
        code = msgspec.json.decode(response.content, type=Answer).code
        if code == "OK":
            return code, msgspec.json.decode(response.content, type=answer)
    except msgspec.MsgspecError:
        # Something in between answered: what the vendor did nobody can read in it.
        detail = f"no {answer.__name__} in the answer to {action}"
        raise ProviderUnknown(detail=detail) from None
    raise failure(code)
