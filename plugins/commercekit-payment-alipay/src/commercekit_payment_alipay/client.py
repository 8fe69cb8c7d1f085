"""The vendor's gateway: signs what is asked, verifies what is answered before it is read."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final, NamedTuple, TypeVar
from urllib.parse import urlencode

import httpx
import msgspec

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderError,
    ProviderUnavailable,
    ProviderUnknown,
)
from commercekit_payment_alipay import keys
from commercekit_payment_alipay.certificates import signing_key
from commercekit_payment_alipay.codes import failure
from commercekit_payment_alipay.signing import (
    Envelope,
    is_signed,
    open_envelope,
    signature,
    signed_text,
)
from commercekit_payment_alipay.times import wall
from commercekit_payment_alipay.wire import Answer, Certificate

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

    from commercekit_payment_alipay.settings import Account

__all__ = ["CHARSET", "Refusal", "address", "ask", "download", "parameters", "where"]

T = TypeVar("T", bound=Answer)

CHARSET: Final = "utf-8"
_DONE: Final = "10000"
_BUSINESS: Final = "40004"
"""The service itself refused: only believed when it is signed."""
_LARGEST_BILL: Final = 32 * 1024 * 1024
"""Bytes, packed: more than half a million trades a day."""
_NOT_SENT: Final = (
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.UnsupportedProtocol,
)
"""No byte of the request left: it was surely not carried out."""


class Refusal(NamedTuple):
    """The vendor said no. What that means is for the verb to say, else :meth:`error` does."""

    code: str
    sub_code: str
    where: str

    def error(self) -> ProviderError:
        """What the table makes of it."""
        return failure(self.code, self.sub_code, self.where)


def where(ctx: ProviderContext) -> str:
    """What operators call the account's settings."""
    return f"payments.accounts.alipay.{ctx.account_id}"


def parameters(
    ctx: ProviderContext,
    method: str,
    content: Mapping[str, Any],
    *,
    notify_url: str | None = None,
    return_url: str | None = None,
) -> dict[str, str]:
    """Everything a request says, its signature last."""
    account: Account = ctx.config
    params = {
        "app_id": account.app_id,
        "method": method,
        "format": "JSON",
        "charset": CHARSET,
        "sign_type": "RSA2",
        "timestamp": wall(ctx.now()),
        "version": "1.0",
        "notify_url": notify_url or "",
        "return_url": return_url or "",
        "biz_content": msgspec.json.encode(content).decode(),
    }
    if account.app_cert is not None and account.alipay_root_cert is not None:
        params["app_cert_sn"] = keys.serial_of(account.app_cert)
        params["alipay_root_cert_sn"] = keys.root_serial_of(account.alipay_root_cert)
    params = {name: value for name, value in params.items() if value}
    params["sign"] = signature(signed_text(params).encode(), _private_key(ctx))
    return params


def address(ctx: ProviderContext, params: Mapping[str, str]) -> str:
    """Where a browser goes with ``params``."""
    return f"{ctx.config.gateway_url}?{urlencode(params)}"


async def ask(
    ctx: ProviderContext,
    method: str,
    content: Mapping[str, Any],
    answer: type[T],
    *,
    notify_url: str | None = None,
) -> T | Refusal:
    """Call ``method``; gives what the vendor signed, or why it says no.

    :raises ProviderUnavailable: no connection.
    :raises ProviderUnknown: no answer, or one that is not the vendor's.
    :raises ProviderConfigError: the account's own key does not work.
    """
    params = parameters(ctx, method, content, notify_url=notify_url)
    url = f"{ctx.config.gateway_url}?charset={CHARSET}"
    response = await _send(ctx, "POST", url, method, data=params)
    envelope, said = _opened(response, method, Answer)
    if not await _is_genuine(ctx, envelope, said):
        ctx.log.error("answer is not signed with the vendor's key", method=method)
        message = f"the answer to {method} is not signed with the key in {where(ctx)}"
        raise ProviderUnknown(code="signature-invalid", detail=message)
    if said.code != _DONE:
        return Refusal(said.code, said.sub_code, where(ctx))
    return _opened(response, method, answer)[1]


async def download(ctx: ProviderContext, url: str) -> bytes:
    """Fetch a file that the vendor named in an answer."""
    return await _send(ctx, "GET", url, "a bill", most=_LARGEST_BILL)


def _opened(response: bytes, method: str, kind: type[T]) -> tuple[Envelope, T]:
    """The envelope, and what is written in the very part of it that is signed."""
    try:
        envelope = open_envelope(response, method)
        return envelope, msgspec.json.decode(envelope.node or b"", type=kind)
    except (ValueError, RecursionError):
        # Something in between answered: what the vendor did nobody can read in it.
        message = f"the answer to {method} cannot be read"
        raise ProviderUnknown(code="nonsense", detail=message) from None


async def _send(
    ctx: ProviderContext,
    verb: str,
    url: str,
    what: str,
    *,
    data: Mapping[str, str] | None = None,
    most: int | None = None,
) -> bytes:
    trouble: ProviderError
    try:
        limits = {} if most is None else {"max_bytes": most}
        response = await ctx.http.request(verb, url, data=data, extensions=limits)
    except _NOT_SENT as error:
        trouble = ProviderUnavailable(retry_after=5, detail=f"{type(error).__name__}: {what}")
    except httpx.HTTPError as error:
        # A time-out, a connection that broke: it may have been carried out.
        trouble = ProviderUnknown(type(error).__name__, f"no answer to {what}")
    else:
        if response.status_code == httpx.codes.OK:
            return response.content
        trouble = ProviderUnknown(f"http-{response.status_code}", f"no answer to {what}")
    # Raised out here: the request is no part of what is told.
    raise trouble


async def _is_genuine(ctx: ProviderContext, envelope: Envelope, said: Answer) -> bool:
    if envelope.signature is None:
        # The gateway does not sign what it refuses for an application it does not know. Nobody is
        # believed without a signature who says what became of money.
        return said.code not in (_DONE, _BUSINESS)
    key = await signing_key(ctx, envelope.certificate, _fetch_certificate)
    return key is not None and is_signed(envelope.node or b"", envelope.signature, key)


async def _fetch_certificate(ctx: ProviderContext, serial: str) -> bytes:
    """The PEM of a certificate that the vendor now signs with: unsigned, and judged by its issuers."""
    method = "alipay.open.app.alipaycert.download"
    params = parameters(ctx, method, {"alipay_cert_sn": serial})
    url = f"{ctx.config.gateway_url}?charset={CHARSET}"
    response = await _send(ctx, "POST", url, method, data=params)
    return _opened(response, method, Certificate)[1].alipay_cert_content.encode()


def _private_key(ctx: ProviderContext) -> RSAPrivateKey:
    text = ctx.secrets.read("private_key")
    try:
        key = keys.private_key(text)
    except ValueError as error:
        message = f"{where(ctx)}.private_key {error}"
        raise ProviderConfigError(message) from None
    account: Account = ctx.config
    theirs = account.alipay_public_key
    if theirs is not None and keys.same_pair(text, theirs):
        message = (
            f"{where(ctx)}.alipay_public_key is the application's own key; "
            "the console shows Alipay's (支付宝公钥) beside it"
        )
        raise ProviderConfigError(message)
    return key
