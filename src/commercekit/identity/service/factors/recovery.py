"""Ten codes on paper, for the day the telephone is gone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from argon2.low_level import Type, hash_secret_raw

from commercekit.identity.rules.factors import new_recovery_codes, plain_recovery_code

if TYPE_CHECKING:
    from datetime import datetime
    from uuid import UUID

    from commercekit.identity.repository.factors import FactorRepository
    from commercekit.identity.service.passwords import Passwords
    from commercekit.identity.settings import PasswordSettings
    from commercekit.platform.db import UnitOfWork
    from commercekit.platform.security import Sealer

__all__ = ["RecoveryCodes"]

_BYTES: Final = 32


class RecoveryCodes:
    """Kept as argon2id hashes, with a salt of the account that is made with the shop's key."""

    def __init__(
        self,
        sealer: Sealer,
        passwords: Passwords,
        settings: PasswordSettings,
        repository: FactorRepository,
    ) -> None:
        self._sealer = sealer
        self._passwords = passwords
        self._settings = settings
        self._repository = repository

    async def make(self, account_id: UUID) -> tuple[list[str], list[bytes]]:
        """New codes, and what is kept of them."""
        codes = new_recovery_codes()
        hashes = [await self._hash(account_id, code.replace("-", "")) for code in codes]
        return codes, hashes

    async def digest(self, account_id: UUID, typed: str) -> bytes | None:
        """What is kept of the code that was typed; ``None`` for what cannot be one."""
        plain = plain_recovery_code(typed)
        return None if plain is None else await self._hash(account_id, plain)

    async def spend(self, uow: UnitOfWork, account_id: UUID, digest: bytes, now: datetime) -> bool:
        """Whether it was one that nobody used before; it is used from here on."""
        return await self._repository.spend_recovery_code(uow, account_id, digest, now)

    async def _hash(self, account_id: UUID, plain: str) -> bytes:
        salt = self._sealer.blind_index("identity_recovery_code", "salt", account_id.hex)
        settings = self._settings
        return await self._passwords.in_pool(
            lambda: hash_secret_raw(
                plain.encode(),
                salt,
                time_cost=settings.passes,
                memory_cost=settings.memory_kib,
                parallelism=1,
                hash_len=_BYTES,
                type=Type.ID,
            )
        )
