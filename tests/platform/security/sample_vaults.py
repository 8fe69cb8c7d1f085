"""A vault that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import asyncio
import secrets
import time
from typing import Any, ClassVar

import structlog
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
)
from commercekit.platform.security import KeyVault
from commercekit.testing.conformance import KeyVaultContract

PASSPHRASE = "passphrase-of-the-vault"


class Safe:
    """What stands at the vendor's, and outlives whoever asks it: versions of master keys, by name."""

    def __init__(self, *names: str) -> None:
        self.masters = {name: [secrets.token_bytes(32)] for name in names}
        self.is_down = False


class GoodVault(KeyVault):
    """Wraps with AES-256-GCM: version, nonce, ciphertext."""

    code: ClassVar[str] = "good-vault"

    def __init__(self, safe: Safe | None = None) -> None:
        self.safe = safe or Safe("shop", "other")
        self.passphrase = PASSPHRASE

    def __repr__(self) -> str:
        return "GoodVault()"

    async def wrap(self, key: bytes, *, master: str, place: bytes) -> Any:
        await self.walk()
        versions = self.versions(master)
        nonce = self.nonce()
        sealed = AESGCM(versions[-1]).encrypt(nonce, key, self.bound(place))
        return bytes([len(versions) - 1]) + nonce + sealed

    async def unwrap(self, wrapped: bytes, *, master: str, place: bytes) -> Any:
        await self.walk()
        versions = self.versions(master)
        try:
            cipher = AESGCM(versions[wrapped[0]])
            return cipher.decrypt(wrapped[1:13], wrapped[13:], self.bound(place))
        except (InvalidTag, IndexError, ValueError):
            return self.refuse()

    async def walk(self) -> None:
        await asyncio.sleep(0)
        if self.safe.is_down:
            raise ProviderUnavailable(detail="the vault cannot be reached")

    def versions(self, master: str) -> list[bytes]:
        if master not in self.safe.masters:
            message = "there is no such master key"
            raise ProviderConfigError(message)
        return self.safe.masters[master]

    def nonce(self) -> bytes:
        return secrets.token_bytes(12)

    def bound(self, place: bytes) -> bytes:
        return place

    def refuse(self) -> bytes:
        message = "this does not open"
        raise ProviderRejected(message)


class GoodContract(KeyVaultContract):
    secrets = (PASSPHRASE,)

    async def reopened(self, vault: Any) -> KeyVault:
        return type(vault)(vault.safe)

    async def rotates(self, vault: Any) -> bool:
        vault.safe.masters[self.master].append(secrets.token_bytes(32))
        return True

    async def goes_down(self, vault: Any) -> bool:
        vault.safe.is_down = True
        return True


class HasAColon(GoodVault):
    code = "good:vault"


class GivesText(GoodVault):
    async def unwrap(self, wrapped, *, master, place):
        return (await super().unwrap(wrapped, master=master, place=place)).hex()


class KeepsInClear(GoodVault):
    async def wrap(self, key, *, master, place):
        return await super().wrap(key, master=master, place=place) + key

    async def unwrap(self, wrapped, *, master, place):
        return await super().unwrap(wrapped[:-32], master=master, place=place)


class Swells(GoodVault):
    async def wrap(self, key, *, master, place):
        return bytes(20_000) + await super().wrap(key, master=master, place=place)

    async def unwrap(self, wrapped, *, master, place):
        return await super().unwrap(wrapped[20_000:], master=master, place=place)


class ForgetsThePlace(GoodVault):
    def bound(self, place):
        return b""


class LooksAtNothing(GoodVault):
    """Adds without a tag: whatever comes is a key."""

    async def wrap(self, key, *, master, place):
        await self.walk()
        pad = (self.versions(master)[-1] * 2)[: len(key)]
        return bytes(a ^ b for a, b in zip(key, pad, strict=True))

    async def unwrap(self, wrapped, *, master, place):
        return await self.wrap(wrapped[:32], master=master, place=place)


class HasOneMaster(GoodVault):
    def versions(self, master):
        super().versions(master)
        return self.safe.masters["shop"]


class MakesMasters(GoodVault):
    def versions(self, master):
        return self.safe.masters.setdefault(master, [secrets.token_bytes(32)])


class RefusesTheUnknown(GoodVault):
    def versions(self, master):
        if master not in self.safe.masters:
            self.refuse()
        return self.safe.masters[master]


class HasOneHand(GoodVault):
    async def wrap(self, key, *, master, place):
        self.hand = key
        await self.walk()
        return await super().wrap(self.hand, master=master, place=place)


class KeepsItsOwnKeys(GoodVault):
    def __init__(self, safe=None):
        super().__init__(safe)
        self.salt = secrets.token_bytes(8)

    def bound(self, place):
        return place + self.salt


class OpensTheNewestOnly(GoodVault):
    async def unwrap(self, wrapped, *, master, place):
        if wrapped and wrapped[0] != len(self.versions(master)) - 1:
            self.refuse()
        return await super().unwrap(wrapped, master=master, place=place)


class RefusesWhenDown(GoodVault):
    async def unwrap(self, wrapped, *, master, place):
        try:
            return await super().unwrap(wrapped, master=master, place=place)
        except ProviderUnavailable:
            return self.refuse()


class Talks(GoodVault):
    async def walk(self):
        structlog.get_logger("vault").info("asked", passphrase_given=self.passphrase)
        await super().walk()


class ShowsItself(GoodVault):
    def __repr__(self):
        return f"Vault({self.passphrase})"


class SpeaksItsOwn(GoodVault):
    def refuse(self):
        raise KeyError("tag")


class Sleeps(GoodVault):
    async def walk(self):
        time.sleep(0.01)
        await super().walk()


class HoldsOn(GoodVault):
    async def walk(self):
        try:
            await super().walk()
        except asyncio.CancelledError:
            await asyncio.sleep(1.5)


class StartsATask(GoodVault):
    async def walk(self):
        self.task = asyncio.ensure_future(asyncio.sleep(30))
        await super().walk()


BROKEN: dict[type[GoodVault], set[str]] = {
    HasAColon: {"declares-itself"},
    GivesText: {"gives-back-what-it-wrapped", "keeps-many-apart", "is-there-for-another"},
    KeepsInClear: {"hides-what-it-wraps", "refuses-what-was-changed"},
    Swells: {"stays-small", "refuses-what-was-changed"},
    ForgetsThePlace: {"binds-to-the-place"},
    LooksAtNothing: {
        "binds-to-the-place",
        "refuses-what-was-changed",
        "keeps-masters-apart",
    },
    HasOneMaster: {"keeps-masters-apart"},
    MakesMasters: {"knows-its-masters"},
    RefusesTheUnknown: {"knows-its-masters"},
    HasOneHand: {"keeps-many-apart"},
    KeepsItsOwnKeys: {"is-there-for-another"},
    OpensTheNewestOnly: {"opens-what-older-versions-wrapped"},
    RefusesWhenDown: {"says-unavailable"},
    Talks: {"keeps-secrets"},
    ShowsItself: {"keeps-secrets"},
    SpeaksItsOwn: {"fails-in-our-words"},
    Sleeps: {"holds-up-nobody"},
    HoldsOn: {"lets-itself-be-cut-short"},
    StartsATask: {"leaves-no-task-behind"},
}
