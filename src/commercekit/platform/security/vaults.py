"""Master keys that lie in a vault, such as a key management service, which wraps and never gives them away."""

from __future__ import annotations

from abc import ABC, abstractmethod
from datetime import timedelta
from typing import TYPE_CHECKING, ClassVar, Final

from commercekit.errors import ConfigurationError
from commercekit.platform.providers import ProviderKind, ProviderRejected, Verb
from commercekit.platform.security.keys import LocalKeys, MasterKey, UnwrapRefused

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from commercekit.platform.providers import ProviderCaller

__all__ = ["KEY_VAULTS", "KeyVault", "VaultKey", "VaultKeys"]

_KIND: Final = "key-vault"
_WITHIN: Final = timedelta(seconds=10)
_SEPARATOR: Final = ":"

WRAP: Final[Verb[bytes]] = Verb(
    _KIND, "wrap", bytes, deadline=_WITHIN, retries=2, most_bytes=16_384
)
UNWRAP: Final[Verb[bytes]] = Verb(
    _KIND, "unwrap", bytes, deadline=_WITHIN, retries=2, most_bytes=16_384
)

KEY_VAULTS: Final = ProviderKind(_KIND, "key vault", (WRAP, UNWRAP))
"""What a vault is asked: when a process starts, and when keys are replaced. Never while somebody waits."""


class KeyVault(ABC):
    """A place that keeps master keys and works with them, without ever showing one.

    The shop hands it data keys of 32 bytes to wrap and gets them back when a process starts, some dozens of
    calls each time. Values are sealed by the shop itself. Anything else than an answer is one of the
    core's errors of providers: ``ProviderUnavailable`` while the vault cannot be reached,
    ``ProviderConfigError`` where it does not let the shop in or has no such master key, and
    ``ProviderRejected`` for what does not open. The difference matters: what is refused is taken for
    tampered with, what is unavailable is tried again.
    """

    code: ClassVar[str]
    """What ``[security] vault`` names, such as ``acme-kms``."""

    @abstractmethod
    async def wrap(self, key: bytes, *, master: str, place: bytes) -> bytes:
        """``key`` wrapped by the newest version of a master key, for this place and no other.

        :param key: what nobody but the vault may read again.
        :param master: the name of the master key at the vault, as the settings have it.
        :param place: what it is bound to (*additional authenticated data*, *encryption context*); it need
            not be kept, it is said again.
        :returns: at most 16 KiB. Two calls may give different bytes.
        """

    @abstractmethod
    async def unwrap(self, wrapped: bytes, *, master: str, place: bytes) -> bytes:
        """What was wrapped, by whichever version of the master key.

        :param wrapped: what :meth:`wrap` gave, perhaps years ago.
        :param master: the name of the master key.
        :param place: what it was bound to.
        :returns: the key. Anything that was changed, or wrapped for another place or by another master key,
            is refused with ``ProviderRejected``.
        """


class VaultKey:
    """Which master key of which vault wraps from now on."""

    __slots__ = ("id", "name", "vault")

    def __init__(self, vault: str, name: str) -> None:
        self.vault = vault
        self.name = name
        self.id = f"{vault}{_SEPARATOR}{name}"
        """As it stands beside what it wrapped, so that it is found again."""


class VaultKeys:
    """The ring of a shop that has vaults, or had one: master keys there and here, one of them in use.

    What was wrapped by another vault's key, or by a local one before, goes on unwrapping, so that a shop
    moves into a vault, to another and out again by ``commercekit keys rotate``.
    """

    def __init__(self, current: VaultKey | MasterKey, former: Iterable[MasterKey] = ()) -> None:
        self._current = current
        self._local = {key.id: key for key in former}
        if isinstance(current, MasterKey):
            self._local[current.id] = current
        self._vaults: Mapping[str, KeyVault] = {}
        self._caller: ProviderCaller | None = None

    def bring(self, vaults: Mapping[str, KeyVault], caller: ProviderCaller) -> None:
        """The vaults that plugins offer, by code; called once, before anything is unwrapped.

        Raises :class:`~commercekit.errors.ConfigurationError` when the one in use is not among them.
        """
        self._vaults, self._caller = vaults, caller
        if isinstance(self._current, VaultKey) and self._current.vault not in vaults:
            there = ", ".join(sorted(vaults)) or "none"
            message = (
                f"security.vault names {self._current.vault!r}, which no enabled plugin offers (there:"
                f" {there}); without it nothing that is sealed opens, in safe mode name its plugin in"
                " plugins.safe"
            )
            raise ConfigurationError(message)

    async def current(self) -> str:
        """The id of the master key that wraps from now on."""
        return self._current.id

    async def wrap(self, key: bytes, place: bytes) -> tuple[str, bytes]:
        """``key``, wrapped by the master key in use."""
        current = self._current
        if isinstance(current, MasterKey):
            return current.id, current.wrap(key, place)
        vault, caller = self._vault(current.vault)
        wrapped = await caller.call(
            WRAP, vault.code, lambda: vault.wrap(key, master=current.name, place=place)
        )
        return current.id, wrapped

    async def unwrap(self, master_id: str, wrapped: bytes, place: bytes) -> bytes:
        """The key again, from the vault that wrapped it, or by a local master key."""
        code, separator, name = master_id.partition(_SEPARATOR)
        if not separator:
            return await self._locally().unwrap(master_id, wrapped, place)
        vault, caller = self._vault(code)
        try:
            return await caller.call(
                UNWRAP, vault.code, lambda: vault.unwrap(wrapped, master=name, place=place)
            )
        except ProviderRejected as error:
            message = f"{code} does not unwrap it with {name}: it was changed or moved"
            raise UnwrapRefused(message) from error

    def derivation_root(self, master_id: str) -> bytes | None:
        """The material of a local master key; a vault shows none."""
        master = self._local.get(master_id)
        return master.material if master else None

    def _locally(self) -> LocalKeys:
        if not self._local:
            message = (
                "it was wrapped by a master key of the settings: name that one in"
                " security.former_master_keys until `commercekit keys rotate` has run"
            )
            raise UnwrapRefused(message)
        first, *others = self._local.values()
        return LocalKeys(first, others)

    def _vault(self, code: str) -> tuple[KeyVault, ProviderCaller]:
        vault = self._vaults.get(code)
        if vault is None or self._caller is None:
            message = (
                f"it was wrapped by the vault {code!r}, which no enabled plugin offers; enable its"
                " plugin until `commercekit keys rotate` has run"
            )
            raise UnwrapRefused(message)
        return vault, self._caller
