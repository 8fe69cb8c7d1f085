"""The contract of :class:`commercekit.platform.security.KeyVault`, rule by rule."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, ClassVar, Final

import pytest

from commercekit.errors import CommerceKitError
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
)
from commercekit.platform.security import KeyVault
from commercekit.testing.conformance.called import Call, CalledContract
from commercekit.testing.conformance.gateways.senses import overheard, spellings, told_by
from commercekit.testing.conformance.vault_rules import KEY_VAULT_RULES

__all__ = ["KeyVaultContract"]

_CODE: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
_KEYS: Final = (bytes(range(32)), bytes(32), b"\xff" * 32, b"text that is a key by its size!!")
_PLACE: Final = b"platform_data_key|orders_order|01938a00-0000-7000-8000-000000000001"
_OTHERS: Final = (
    b"platform_data_key|orders_note|01938a00-0000-7000-8000-000000000001",
    b"platform_data_key|orders_order|01938a00-0000-7000-8000-000000000002",
    _PLACE[:-1],
    _PLACE + b"0",
    b"",
)
_MOST: Final = 16_384


class KeyVaultContract(CalledContract):
    """Inherit it and give the ``vault``; the hooks say what else can be tried."""

    rules = KEY_VAULT_RULES
    pytestmark = pytest.mark.asyncio

    master: ClassVar[str] = "shop"
    """A master key that is there."""
    other_master: ClassVar[str] = "other"
    """Another one."""
    missing_master: ClassVar[str] = "missing"
    """One that is not."""
    secrets: ClassVar[Sequence[str]] = ()
    """Texts that nobody may read in logs, errors or in what the vault is printed as."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def vault(self) -> KeyVault:
        """The vault under test, with the two master keys."""
        raise NotImplementedError

    async def reopened(self, vault: KeyVault) -> KeyVault | None:
        """Another object for the same vault, as another process has; ``None`` where there is none."""
        return None

    async def rotates(self, vault: KeyVault) -> bool:
        """Have the vault begin another version of :attr:`master`; ``False`` where it has none."""
        return False

    async def goes_down(self, vault: KeyVault) -> bool:
        """Make the vault unreachable from now on; ``False`` where that cannot be."""
        return False

    @pytest.fixture
    def calls(self, vault: KeyVault) -> Sequence[Call]:
        """Everything that can be asked of it, sense and nonsense."""

        def wrap(key: bytes, master: str) -> Callable[[], Awaitable[Any]]:
            return lambda: vault.wrap(key, master=master, place=_PLACE)

        def unwrap(wrapped: bytes, master: str) -> Callable[[], Awaitable[Any]]:
            return lambda: vault.unwrap(wrapped, master=master, place=_PLACE)

        masters = (self.master, self.missing_master, "", "主密钥", "a\nb", "x" * 500)
        return [
            *(Call(f"wrap with {master[:20]!r}", wrap(_KEYS[0], master)) for master in masters),
            *(
                Call(f"unwrap {about} with {master[:20]!r}", unwrap(wrapped, master))
                for master in masters
                for about, wrapped in (
                    ("nothing", b""),
                    ("noise", bytes(range(200))),
                    ("text", b'{"wrapped": true}'),
                    ("much", bytes(_MOST)),
                )
            ),
        ]

    # ------------------------------------------------------------------------------------- wrapping

    async def test_declares_itself(self, vault: KeyVault) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(vault, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")

    async def test_gives_back_what_it_wrapped(self, vault: KeyVault) -> None:
        """Rule ``gives-back-what-it-wrapped``: as ``bytes``, for any key."""
        for key in _KEYS:
            wrapped = await self._wrapped(vault, key)
            found: object = await self._unwrapped(vault, wrapped)
            same = type(wrapped) is bytes and type(found) is bytes and found == key
            self.hold(
                "gives-back-what-it-wrapped", same, f"{type(found).__name__} of another value"
            )

    async def test_hides_what_it_wraps(self, vault: KeyVault) -> None:
        """Rule ``hides-what-it-wraps``: neither as it is nor in any spelling."""
        for key in (_KEYS[0], _KEYS[3]):
            wrapped = await self._wrapped(vault, key)
            text = wrapped.decode("latin-1")
            shown = any(key[at : at + 8] in wrapped for at in range(len(key) - 7)) or any(
                each in text for each in (key.hex(), key.hex().upper())
            )
            self.hold("hides-what-it-wraps", not shown, "the key stands in what wraps it")

    async def test_stays_small(self, vault: KeyVault) -> None:
        """Rule ``stays-small``: 16 KiB at most."""
        size = len(await self._wrapped(vault, _KEYS[0]))
        self.hold("stays-small", size <= _MOST, f"{size:,} bytes for a key of 32")

    async def test_binds_to_the_place(self, vault: KeyVault) -> None:
        """Rule ``binds-to-the-place``: ``ProviderRejected`` for any other."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        for place in _OTHERS:
            refused = await self.refusal(vault.unwrap(wrapped, master=self.master, place=place))
            detail = f"{refused!r} at {place!r}, wrapped for {_PLACE!r}"
            self.hold("binds-to-the-place", isinstance(refused, ProviderRejected), detail)

    async def test_refuses_what_was_changed(self, vault: KeyVault) -> None:
        """Rule ``refuses-what-was-changed``: a bit anywhere, a byte less, a byte more, nothing."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        step = max(1, len(wrapped) // 64)
        changed = [
            wrapped[:at] + bytes([wrapped[at] ^ 1]) + wrapped[at + 1 :]
            for at in (*range(0, len(wrapped), step), len(wrapped) - 1)
        ]
        for each in (*changed, wrapped[:-1], wrapped[1:], wrapped + b"\x00", b"", bytes(60)):
            refused = await self.refusal(vault.unwrap(each, master=self.master, place=_PLACE))
            detail = f"{refused!r} for {len(each)} bytes of which one was changed"
            self.hold("refuses-what-was-changed", isinstance(refused, ProviderRejected), detail)

    async def test_keeps_masters_apart(self, vault: KeyVault) -> None:
        """Rule ``keeps-masters-apart``."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        refused = await self.refusal(vault.unwrap(wrapped, master=self.other_master, place=_PLACE))
        detail = f"{refused!r} from the other master key"
        self.hold("keeps-masters-apart", isinstance(refused, ProviderRejected), detail)

    async def test_knows_its_masters(self, vault: KeyVault) -> None:
        """Rule ``knows-its-masters``: ``ProviderConfigError`` for one that is not there, and none is made."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        for _ in range(2):
            for ask, given in ((vault.wrap, _KEYS[0]), (vault.unwrap, wrapped)):
                refused = await self.refusal(ask(given, master=self.missing_master, place=_PLACE))
                detail = f"{refused!r} for a master key that is not there"
                self.hold("knows-its-masters", isinstance(refused, ProviderConfigError), detail)

    async def test_keeps_many_apart(self, vault: KeyVault) -> None:
        """Rule ``keeps-many-apart``: wrapped and unwrapped at once."""
        keys = [bytes([number]) * 32 for number in range(20)]
        places = [_PLACE + str(number).encode() for number in range(20)]
        pairs = list(zip(keys, places, strict=True))
        rule = "keeps-many-apart"
        wraps = (
            self._answered(rule, vault.wrap(key, master=self.master, place=place))
            for key, place in pairs
        )
        wrapped = await asyncio.gather(*wraps)
        unwraps = (
            self._answered(rule, vault.unwrap(each, master=self.master, place=place))
            for each, place in zip(wrapped, places, strict=True)
        )
        found = await asyncio.gather(*unwraps)
        wrong = sum(1 for key, got in zip(keys, found, strict=True) if key != got)
        self.hold("keeps-many-apart", not wrong, f"{wrong} of 20 keys came back as others")

    # -------------------------------------------------------------------------------------- over time

    async def test_is_there_for_another(self, vault: KeyVault) -> None:
        """Rule ``is-there-for-another``."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        again = await self.reopened(vault)
        if again is None:
            self.pass_over("reopened() gives nothing")
            return
        asked = again.unwrap(wrapped, master=self.master, place=_PLACE)
        found = await self._answered("is-there-for-another", asked)
        self.hold("is-there-for-another", found == _KEYS[0], "another object gives another key")

    async def test_opens_what_older_versions_wrapped(self, vault: KeyVault) -> None:
        """Rule ``opens-what-older-versions-wrapped``, and what the newest one wraps as well."""
        wrapped = [await self._wrapped(vault, _KEYS[0])]
        for _ in range(2):
            if not await self.rotates(vault):
                self.pass_over("rotates() does nothing")
                return
            wrapped.append(await self._wrapped(vault, _KEYS[0]))
        for version, each in enumerate(wrapped):
            refused = await self.refusal(vault.unwrap(each, master=self.master, place=_PLACE))
            detail = f"{refused!r} for what version {version} of {len(wrapped)} wrapped"
            self.hold("opens-what-older-versions-wrapped", refused is None, detail)

    async def test_says_unavailable(self, vault: KeyVault) -> None:
        """Rule ``says-unavailable``: never that something does not open."""
        wrapped = await self._wrapped(vault, _KEYS[0])
        if not await self.goes_down(vault):
            self.pass_over("goes_down() does nothing")
            return
        for ask, given in ((vault.wrap, _KEYS[3]), (vault.unwrap, wrapped)):
            refused = await self.refusal(ask(given, master=self.master, place=_PLACE))
            detail = f"{ask.__name__}: {refused!r} while the vault cannot be reached"
            self.hold("says-unavailable", isinstance(refused, ProviderUnavailable), detail)

    async def test_keeps_secrets(self, vault: KeyVault) -> None:
        """Rule ``keeps-secrets``: neither the vault's own nor the keys, in logs, errors or its print."""
        key = _KEYS[3]
        with overheard() as heard:
            wrapped = await self._wrapped(vault, key)
            errors = [
                await self.refusal(vault.unwrap(wrapped, master=self.master, place=b"elsewhere")),
                await self.refusal(vault.wrap(key, master=self.missing_master, place=_PLACE)),
            ]
            await self.goes_down(vault)
            errors += [
                await self.refusal(ask(given, master=self.master, place=_PLACE))
                for ask, given in ((vault.wrap, key), (vault.unwrap, wrapped))
            ]
        told = {
            "a log line": heard,
            "an error": [told_by(error) for error in errors if error is not None],
            "what it is printed as": [repr(vault), str(vault)],
        }
        for secret in (*self.secrets, key.decode(), key.hex()):
            for where, texts in told.items():
                shown = any(each in text for text in texts for each in spellings(secret))
                # The text itself would be told once more by this very message.
                self.hold("keeps-secrets", not shown, f"{where} contains a secret")

    # ------------------------------------------------------------------------------------------ asking

    async def _wrapped(self, vault: KeyVault, key: bytes) -> bytes:
        asked = vault.wrap(key, master=self.master, place=_PLACE)
        return await self._answered("gives-back-what-it-wrapped", asked)

    async def _unwrapped(self, vault: KeyVault, wrapped: bytes) -> bytes:
        asked = vault.unwrap(wrapped, master=self.master, place=_PLACE)
        return await self._answered("gives-back-what-it-wrapped", asked)

    async def _answered(self, rule: str, asked: Awaitable[bytes]) -> bytes:
        """The answer; a refusal breaks ``rule``."""
        try:
            return await self.spoken(asked)
        except CommerceKitError as error:
            raise self.breach(of=rule, seen=f"{error!r}") from error
