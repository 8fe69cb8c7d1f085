"""Which key verifies what the vendor says: the one in the settings, or one it has changed to since.

In certificate mode every answer names the certificate it is signed with. The vendor changes it without
notice; the new one is fetched once, and believed when the root certificate in the settings vouches for it.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Final

from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from commercekit.platform.providers import ProviderContext, ProviderError
from commercekit_payment_alipay import keys

if TYPE_CHECKING:
    from commercekit_payment_alipay.settings import Account

__all__ = ["notifying_keys", "signing_key"]

Fetch = Callable[[ProviderContext, str], Awaitable[bytes]]

_KEPT: Final = timedelta(hours=12)
_REFUSED: Final = timedelta(minutes=5)
"""For so long a certificate that could not be had is not asked for again."""
_CURRENT: Final = "alipay-certificate"


async def signing_key(
    ctx: ProviderContext, serial: str | None, fetch: Fetch
) -> RSAPublicKey | None:
    """The key that verifies an answer; ``None`` when nobody vouches for the certificate it names."""
    account: Account = ctx.config
    if account.alipay_public_key is not None:
        return keys.public_key(account.alipay_public_key)
    if account.alipay_cert is None:
        return None
    if serial is None or serial == keys.serial_of(account.alipay_cert):
        return _key_in(account)

    async def made() -> tuple[RSAPublicKey | bool, timedelta]:
        key = await _renewed(ctx, serial, fetch)
        # Not None: that is what the cache says where it has nothing.
        return (key, _KEPT) if key else (False, _REFUSED)

    kept = await ctx.cache.get_or_make(f"{_CURRENT}:{serial}", made)
    if not isinstance(kept, RSAPublicKey):
        return None
    # Notifications name no certificate: they are tried with this one too.
    await ctx.cache.set(_CURRENT, kept, _KEPT)
    return kept


async def notifying_keys(ctx: ProviderContext) -> list[RSAPublicKey]:
    """The keys a notification may be signed with; nobody is called for them."""
    account: Account = ctx.config
    if account.alipay_public_key is not None:
        return [keys.public_key(account.alipay_public_key)]
    renewed = await ctx.cache.get(_CURRENT)
    known = _key_in(account)
    return [key for key in (known, renewed) if key is not None]


def _key_in(account: Account) -> RSAPublicKey | None:
    if account.alipay_cert is None:
        return None
    key = keys.certificate(account.alipay_cert).public_key()
    return key if isinstance(key, RSAPublicKey) else None


async def _renewed(ctx: ProviderContext, serial: str, fetch: Fetch) -> RSAPublicKey | None:
    account: Account = ctx.config
    if account.alipay_cert is None or account.alipay_root_cert is None:
        return None
    try:
        pem = base64.b64decode(await fetch(ctx, serial), validate=True)
        chain = keys.read_certificates(pem)
    except (ProviderError, binascii.Error, ValueError) as error:
        ctx.log.warning("the vendor's new certificate cannot be had", reason=type(error).__name__)
        return None
    known, trusted = keys.certificate(account.alipay_cert), keys.roots(account.alipay_root_cert)
    key = chain[0].public_key()
    genuine = keys.serial_number(chain[0]) == serial and keys.is_renewal(
        chain, known, trusted, ctx.now()
    )
    if not genuine or not isinstance(key, RSAPublicKey):
        ctx.log.error("a certificate that no root in the settings vouches for", serial=serial)
        return None
    ctx.log.info("the vendor signs with a new certificate", serial=serial)
    return key
