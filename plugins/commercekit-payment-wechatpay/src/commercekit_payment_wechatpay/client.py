"""The vendor's HTTP API: signed requests out, verified bytes in, the core's errors for what goes wrong."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final, TypeVar

import httpx
import msgspec
from msgspec import Struct

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderError,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit_payment_wechatpay import wire
from commercekit_payment_wechatpay.codes import failure
from commercekit_payment_wechatpay.keys import KeyRing, Proof, check, opened, ring_of
from commercekit_payment_wechatpay.settings import Account
from commercekit_payment_wechatpay.signing import (
    PlatformKey,
    authorization,
    private_key,
    public_key,
    request_message,
    sign,
    verifies,
)

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey

__all__ = [
    "Answer",
    "Refused",
    "call",
    "certificates",
    "download",
    "merchant_key",
    "nonce",
    "sealing_key",
]

T = TypeVar("T", bound=Struct)

_NOT_SENT: Final = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
"""No byte of the request left: it was surely not carried out."""
_AGENT: Final = "commercekit-payment-wechatpay/0.1 (httpx)"
_LARGEST_FILE: Final = 32 * 1024 * 1024
"""Bytes of a packed bill: about a million movements."""
_NO_CERTIFICATES: Final = "the vendor's certificates are not to be had"
_ALPHABET: Final = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


class Refused(Exception):
    """The vendor carried nothing out, and says why: an answer, of which each verb makes its own."""

    def __init__(self, where: str, status: int, said: wire.Failure) -> None:
        super().__init__(said.code)
        self.status = status
        self.code = said.code
        self._where = where
        self._message = said.message

    def error(self) -> ProviderError:
        """As the core says it."""
        return failure(self._where, self.status, self.code, self._message)


class Answer(Struct, frozen=True):
    """Verified bytes."""

    body: bytes

    def read(self, kind: type[T]) -> T:
        """What they say; ``ProviderUnknown`` when it cannot be read."""
        try:
            return msgspec.json.decode(self.body, type=kind)
        except (msgspec.MsgspecError, RecursionError):
            code = "nonsense"
            raise ProviderUnknown(code, f"no {kind.__name__} in the answer") from None


def nonce() -> str:
    """32 letters and digits that nobody guesses."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(32))


def merchant_key(ctx: ProviderContext) -> RSAPrivateKey:
    """The account's private key."""
    text = ctx.secrets.read("private_key")
    try:
        return private_key(text)
    except ValueError:
        message = f"wechatpay.{ctx.account_id}.private_key is no RSA private key in PEM"
    raise ProviderConfigError(message)


async def call(
    ctx: ProviderContext,
    method: str,
    target: str,
    body: Struct | None = None,
    *,
    sealed_for: str | None = None,
) -> Answer:
    """Ask the vendor; ``target`` is the path with its query, ``sealed_for`` the key of sealed fields.

    Raises :class:`Refused` for an answer that says no; of everything else, one of the core's errors.
    """
    account: Account = ctx.config
    if account.platform_certificates:
        # Before anything is sent: what cannot be verified afterwards is not asked for.
        ring = await ring_of(ctx)
        try:
            await ring.filled(ctx.now(), lambda: certificates(ctx))
        except (ProviderUnknown, ProviderUnavailable):
            if account.public_key is None:
                raise ProviderUnavailable(
                    5, "the vendor's certificates are not to be had"
                ) from None
    content = b"" if body is None else msgspec.json.encode(body)
    response = await _send(
        ctx, method, account.endpoint + target, target, content, serial=sealed_for
    )
    if not response.is_success:
        raise await _refusal(ctx, response)
    try:
        await check(ctx, _proof(response), response.content, lambda: certificates(ctx))
    except SignatureInvalid as invalid:
        code = "answer-not-verified"
        raise ProviderUnknown(
            code, f"the answer to {method} is not proven: {invalid.reason}"
        ) from None
    return Answer(response.content)


async def sealing_key(ctx: ProviderContext) -> tuple[str, RSAPublicKey]:
    """Number and key of the vendor's that personal fields are sealed for."""
    account: Account = ctx.config
    if account.public_key is not None and account.public_key_id is not None:
        return account.public_key_id, public_key(account.public_key)
    newest = (await _filled(ctx)).newest(ctx.now())
    if newest is None:
        raise ProviderUnavailable(5, _NO_CERTIFICATES)
    return newest.serial, newest.key


async def _filled(ctx: ProviderContext) -> KeyRing:
    """The ring with certificates in it, unless there is another way to verify."""
    account: Account = ctx.config
    ring = await ring_of(ctx)
    try:
        await ring.filled(ctx.now(), lambda: certificates(ctx))
    except (ProviderUnknown, ProviderUnavailable):
        if account.public_key is None:
            raise ProviderUnavailable(5, _NO_CERTIFICATES) from None
    return ring


async def download(ctx: ProviderContext, url: str) -> bytes:
    """A file from the vendor's own site. It comes unsigned: the answer that named it has its digest."""
    account: Account = ctx.config
    address = httpx.URL(url)
    target = address.raw_path.decode()
    # Signed requests go to the vendor alone, whatever the address says.
    url = account.endpoint + target
    response = await _send(ctx, "GET", url, target, b"", most=_LARGEST_FILE)
    if not response.is_success:
        raise await _refusal(ctx, response)
    return response.content


async def certificates(ctx: ProviderContext) -> Mapping[str, PlatformKey]:
    """The vendor's platform certificates of now.

    The answer is signed with one of those it brings, which only the APIv3 key opens.
    """
    account: Account = ctx.config
    target = "/v3/certificates"
    response = await _send(ctx, "GET", account.endpoint + target, target, b"")
    if not response.is_success:
        raise (await _refusal(ctx, response)).error()
    answer = Answer(response.content)
    found = opened(ctx, answer.read(wire.Certificates))
    proof = _proof(response)
    key = found.get(proof.serial.upper())
    if key is None and proof.serial == account.public_key_id:
        try:
            await check(ctx, proof, answer.body, lambda: certificates(ctx))
        except SignatureInvalid as invalid:
            code = "answer-not-verified"
            raise ProviderUnknown(code, invalid.reason) from None
    elif key is None or not verifies(key.key, proof.message(answer.body), proof.signature):
        code = "answer-not-verified"
        raise ProviderUnknown(code, "the list of certificates is not proven")
    return found


async def _send(
    ctx: ProviderContext,
    method: str,
    url: str,
    target: str,
    content: bytes,
    *,
    serial: str | None = None,
    most: int | None = None,
) -> httpx.Response:
    headers = _headers(ctx, method, target, content)
    if serial is not None:
        headers["wechatpay-serial"] = serial
    limits = {} if most is None else {"max_bytes": most}
    trouble: ProviderError
    try:
        return await ctx.http.request(
            method, url, content=content or None, headers=headers, extensions=limits
        )
    except _NOT_SENT as error:
        trouble = ProviderUnavailable(5, detail=f"{type(error).__name__}: no way to WeChat Pay")
    except httpx.HTTPError as error:
        # A time-out, a connection that broke: it may have been carried out.
        trouble = ProviderUnknown(type(error).__name__, "no answer from WeChat Pay")
    # Raised out here: the request with its signature is no part of what is told.
    raise trouble


def _headers(ctx: ProviderContext, method: str, target: str, content: bytes) -> dict[str, str]:
    account: Account = ctx.config
    stamp, once = str(int(ctx.now().timestamp())), nonce()
    message = request_message(method, target, stamp, once, content)
    headers = {
        "accept": "application/json",
        "authorization": authorization(
            merchant_id=account.merchant_id,
            serial=account.certificate_serial,
            timestamp=stamp,
            nonce=once,
            signature=sign(merchant_key(ctx), message),
        ),
        "user-agent": _AGENT,
    }
    if content:
        headers["content-type"] = "application/json"
    if account.public_key_id is not None:
        # Which key the vendor is to answer with.
        headers["wechatpay-serial"] = account.public_key_id
    return headers


async def _refusal(ctx: ProviderContext, response: httpx.Response) -> Refused:
    """The vendor's no; one of the core's errors where something in between answered."""
    where, status = f"wechatpay.{ctx.account_id}", response.status_code
    try:
        said = msgspec.json.decode(response.content, type=wire.Failure)
    except (msgspec.MsgspecError, RecursionError):
        said = wire.Failure()
    if not said.code:
        # Nobody can read in it what the vendor did; a wall that lets nobody in is an operator's matter.
        code = f"http-{status}"
        if status in (401, 403, 429):
            raise failure(where, status, code)
        raise ProviderUnknown(code, "something in between answered")
    proof = _proof(response)
    if proof.signature:  # Requests that it did not accept as ours it refuses unsigned.
        try:
            await check(ctx, proof, response.content, lambda: certificates(ctx))
        except SignatureInvalid as invalid:
            code = "answer-not-verified"
            raise ProviderUnknown(code, f"a refusal is not proven: {invalid.reason}") from None
    return Refused(where, status, said)


def _proof(response: httpx.Response) -> Proof:
    return Proof(lambda name: response.headers.get(name, ""))
