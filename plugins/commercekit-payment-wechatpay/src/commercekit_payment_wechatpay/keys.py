"""Whose signature it is: the vendor's public key, and its platform certificates, which rotate.

The vendor names the key of each signature by a serial number. A number that is not known yet is a
certificate that the vendor has begun to use: the list is fetched again, but not more often than
:data:`PAUSE` allows, since anybody can post a notification with a number of his own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderContext,
    ProviderError,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
)
from commercekit_payment_wechatpay.settings import Account
from commercekit_payment_wechatpay.signing import (
    SCHEME,
    PlatformKey,
    answer_message,
    certificate_key,
    open_sealed,
    public_key,
    verifies,
)
from commercekit_payment_wechatpay.wire import Certificates

__all__ = ["PAUSE", "WINDOW", "KeyRing", "Proof", "api_v3_key", "check", "opened", "ring_of"]

WINDOW: Final = timedelta(minutes=5)
"""How far a signature's time may be from ours."""
PAUSE: Final = timedelta(minutes=1)
"""Between two fetches that strangers may have caused."""
_STALE: Final = timedelta(hours=12)
"""The vendor asks to look for new certificates at least this often."""
_PROBE: Final = "WECHATPAY/SIGNTEST/"
_FOR_EVER: Final = timedelta(days=36_500)

Fetch = Callable[[], Awaitable[Mapping[str, PlatformKey]]]


class Proof:
    """The headers that say who speaks, of an answer or a notification."""

    __slots__ = ("nonce", "scheme", "serial", "signature", "timestamp")

    def __init__(self, header: Callable[[str], str]) -> None:
        self.timestamp = header("wechatpay-timestamp")
        self.nonce = header("wechatpay-nonce")
        self.serial = header("wechatpay-serial")
        self.signature = header("wechatpay-signature")
        self.scheme = header("wechatpay-signature-type") or SCHEME

    def message(self, body: bytes) -> bytes:
        """What is signed."""
        return answer_message(self.timestamp, self.nonce, body)


class KeyRing:
    """The platform certificates of one account, kept in its cache."""

    def __init__(self) -> None:
        self._keys: dict[str, PlatformKey] = {}
        self._asked_at: datetime | None = None
        self._lock = asyncio.Lock()

    def __repr__(self) -> str:
        return f"KeyRing({', '.join(sorted(self._keys))})"

    def find(self, serial: str, now: datetime) -> RSAPublicKey | None:
        """The key of that number, if it was fetched and has not expired."""
        found = self._keys.get(serial.upper())
        return None if found is None or found.expires_at <= now else found.key

    def newest(self, now: datetime) -> PlatformKey | None:
        """The one that is good for longest."""
        good = [each for each in self._keys.values() if each.expires_at > now]
        return max(good, key=lambda each: each.expires_at, default=None)

    async def filled(self, now: datetime, fetch: Fetch) -> None:
        """Have certificates, and none that are older than :data:`_STALE`.

        Where there are some, those that cannot be renewed go on serving.
        """
        if self._keys and not self._is_due(now, _STALE):
            return
        async with self._lock:
            if not self._keys:
                await self._renew(now, fetch)
            elif self._is_due(now, _STALE):
                try:
                    await self._renew(now, fetch)
                except ProviderError:
                    return  # Tried again with the first number that is not known.

    async def looked_up(self, serial: str, now: datetime, fetch: Fetch) -> RSAPublicKey | None:
        """The key of that number, fetching the list again unless it was a moment ago."""
        found = self.find(serial, now)
        if found is not None:
            return found
        async with self._lock:
            if self.find(serial, now) is None and self._is_due(now, PAUSE):
                await self._renew(now, fetch)
        return self.find(serial, now)

    def _is_due(self, now: datetime, pause: timedelta) -> bool:
        return self._asked_at is None or not timedelta(0) <= now - self._asked_at < pause

    async def _renew(self, now: datetime, fetch: Fetch) -> None:
        self._asked_at = now
        found = await fetch()
        # Old ones stay: what was signed yesterday is told again today.
        self._keys = {**self._keys, **found}


async def ring_of(ctx: ProviderContext) -> KeyRing:
    """The account's ring, one for all its calls in this process."""

    async def make() -> tuple[KeyRing, timedelta]:
        return KeyRing(), _FOR_EVER

    return await ctx.cache.get_or_make("wechatpay.platform-certificates", make)


async def check(ctx: ProviderContext, proof: Proof, body: bytes, fetch: Fetch) -> None:
    """Raise :class:`SignatureInvalid` unless the vendor signed ``body``, within :data:`WINDOW`."""
    account: Account = ctx.config
    if proof.scheme != SCHEME:
        message = "a signature of another type"
        raise SignatureInvalid(message)
    stamp = proof.timestamp
    if not (stamp.isascii() and stamp.isdigit() and len(stamp) <= 12):
        message = "no time, or none that could be signed"
        raise SignatureInvalid(message)
    if proof.signature.startswith(_PROBE):
        # The vendor tries out whether we verify at all; being refused is what it wants to see.
        message = "the vendor's own probe"
        raise SignatureInvalid(message)
    if account.public_key is not None and proof.serial == account.public_key_id:
        key: RSAPublicKey | None = public_key(account.public_key)
    elif account.platform_certificates and _is_serial(proof.serial):
        key = await (await ring_of(ctx)).looked_up(proof.serial, ctx.now(), fetch)
    else:
        key = None
    if key is None:
        message = "signed with a key that this account does not know"
        raise SignatureInvalid(message)
    if not verifies(key, proof.message(body), proof.signature):
        message = "the signature is not over these bytes"
        raise SignatureInvalid(message)
    if abs(ctx.now().timestamp() - int(stamp)) >= WINDOW.total_seconds():
        message = "signed more than five minutes from now; is this machine's clock right?"
        raise SignatureInvalid(message, stale=True)


def api_v3_key(ctx: ProviderContext) -> bytes:
    """The key that opens sealed resources."""
    key = ctx.secrets.read("api_v3_key").encode()
    if len(key) != 32:
        message = f"wechatpay.{ctx.account_id}.api_v3_key has {len(key)} characters instead of 32"
        raise ProviderConfigError(message)
    return key


def opened(ctx: ProviderContext, said: Certificates) -> dict[str, PlatformKey]:
    """The keys in the vendor's list, by serial number."""
    secret = api_v3_key(ctx)
    found: dict[str, PlatformKey] = {}
    for each in said.certificates:
        sealed = each.encrypt_certificate
        pem = open_sealed(
            secret,
            nonce=sealed.nonce,
            ciphertext=sealed.ciphertext,
            associated_data=sealed.associated_data,
        )
        if pem is None:
            message = (
                f"wechatpay.{ctx.account_id}.api_v3_key does not open the vendor's certificates"
            )
            raise ProviderConfigError(message)
        try:
            key = certificate_key(pem)
        except ValueError:
            code = "certificates"
            raise ProviderUnknown(code, "a certificate cannot be read") from None
        found[key.serial] = key
    if not found:
        raise ProviderUnavailable(60, "the vendor has no platform certificate for this account")
    return found


def _is_serial(text: str) -> bool:
    return 8 <= len(text) <= 64 and all(letter in "0123456789abcdefABCDEF" for letter in text)
