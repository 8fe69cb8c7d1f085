"""What the core hands a provider with every call."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from commercekit.platform.providers.errors import ProviderConfigError
from commercekit.platform.settings import Secret

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping
    from datetime import datetime, timedelta

    import httpx
    from msgspec import Struct

    from commercekit.kernel import Clock

__all__ = ["ProviderContext", "ProviderContexts", "SecretReader", "TokenCache"]

T = TypeVar("T")


_MANY = 1_000
"""More than an account has tokens: whoever keeps so much keeps something by order or shopper."""


class TokenCache:
    """Access tokens of one account, kept until shortly before they end; per process, in memory.

    What else a plugin may forget can be kept, too; of a great many those go first whose time is over.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._kept: dict[str, tuple[Any, float]] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    async def get(self, key: str) -> Any | None:
        """What was kept, or None once its time is over."""
        value, until = self._kept.get(key, (None, 0.0))
        return value if self._now() < until else None

    async def set(self, key: str, value: Any, ttl: timedelta) -> None:
        """Keep ``value`` for ``ttl``."""
        now = self._now()
        self._kept.pop(key, None)
        if len(self._kept) >= _MANY:
            self._forget(now)
        self._kept[key] = (value, now + ttl.total_seconds())

    def _forget(self, now: float) -> None:
        """Make room: what is over goes, and half of the rest, oldest first, where that is not enough."""
        alive = [(key, kept) for key, kept in self._kept.items() if kept[1] > now]
        self._kept = dict(alive if len(alive) < _MANY // 2 else alive[-_MANY // 2 :])
        self._locks = {key: lock for key, lock in self._locks.items() if lock.locked()}

    async def drop(self, key: str) -> None:
        """Forget it, for instance after the provider refused the token."""
        self._kept.pop(key, None)

    async def get_or_make(self, key: str, make: Callable[[], Awaitable[tuple[T, timedelta]]]) -> T:
        """What was kept, else what ``make`` brings; callers that arrive together make it once."""
        kept = await self.get(key)
        if kept is None:
            async with self._locks.setdefault(key, asyncio.Lock()):
                kept = await self.get(key)
                if kept is None:
                    kept, ttl = await make()
                    await self.set(key, kept, ttl)
        value: T = kept
        return value


class SecretReader:
    """The account's secrets by the names they have in its settings; the only way to their text."""

    __slots__ = ("_secrets", "_where")

    def __init__(self, secrets: Mapping[str, Secret], where: str) -> None:
        self._secrets = dict(secrets)
        self._where = where

    @classmethod
    def of(cls, config: Struct, where: str) -> SecretReader:
        """The secrets among ``config``'s own fields; ``where`` names the settings for messages."""
        found = {name: getattr(config, name) for name in config.__struct_fields__}
        return cls({n: value for n, value in found.items() if isinstance(value, Secret)}, where)

    def read(self, name: str) -> str:
        """The plain text; ``ProviderConfigError`` naming the setting when it is not there."""
        secret = self._secrets.get(name)
        if not secret:
            message = f"The secret {self._where}.{name} is not set"
            raise ProviderConfigError(message)
        return secret.reveal()

    def __contains__(self, name: str) -> bool:
        return bool(self._secrets.get(name))

    def __repr__(self) -> str:
        return f"SecretReader({self._where}: {', '.join(sorted(self._secrets)) or 'none'})"


@dataclass(frozen=True, slots=True, kw_only=True)
class ProviderContext:
    """One merchant account at one provider, and the means to work for it."""

    account_id: str
    config: Any
    """The account's settings, of the provider's ``config_type``."""
    secrets: SecretReader
    """``ctx.secrets.read("api_key")`` gives the text of that setting, or names it when it is not set."""
    http: httpx.AsyncClient
    """Shared, with the shop's time-outs and its protection against inner addresses."""
    now: Callable[[], datetime]
    """The shop's time, aware and in UTC. Take it from nowhere else."""
    cache: TokenCache
    """For access tokens that the provider hands out for a while."""
    log: Any
    """A structlog logger that already knows provider and account."""


class ProviderContexts:
    """Makes the context of (provider code, account, its settings), the same one every time."""

    def __init__(self, *, http: httpx.AsyncClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._caches: dict[tuple[str, str], TokenCache] = {}

    def __call__(self, code: str, account: str, config: Struct) -> ProviderContext:
        """The context for one call, or for many."""
        return ProviderContext(
            account_id=account,
            config=config,
            secrets=SecretReader.of(config, f"{code}.{account}"),
            http=self._http,
            now=self._clock.now,
            cache=self._caches.setdefault((code, account), TokenCache()),
            log=structlog.get_logger("commercekit.provider").bind(provider=code, account=account),
        )
