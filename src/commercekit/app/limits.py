"""The shop's rate limits: where they are counted, and the gate that keeps them."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any

from commercekit.platform.http import Throttled
from commercekit.platform.limits import (
    Addresses,
    CacheCounters,
    Counters,
    Limiter,
    LimitGate,
    PostgresCounters,
    RoutedRule,
    Verdict,
    rules_of,
)
from commercekit.platform.plugins.hookspecs import register_limits

if TYPE_CHECKING:
    from commercekit.app.shop import Shop

__all__ = ["ShopLimits"]


class ShopLimits:
    """One per process. Raises :class:`~commercekit.errors.ConfigurationError` for rules nobody knows."""

    def __init__(self, shop: Shop) -> None:
        settings = shop.settings
        self._metrics = shop.metrics
        self._routed = [
            RoutedRule(
                each.rule(offered.plugin), f"/plugins/{offered.plugin}{each.path}", each.methods
            )
            for offered in shop.plugins.collect(register_limits)
            for each in (offered.item,)
        ]
        self._rules = rules_of(settings.limits, [each.rule for each in self._routed])
        self.addresses = Addresses(settings.limits.exempt, ipv6_prefix=settings.limits.ipv6_prefix)
        self._counters: Counters = PostgresCounters(shop.db)
        if shop.cache.is_shared:
            self._counters = CacheCounters(shop.cache)
        self.limiter = Limiter(
            self._counters,
            secret=lambda: shop.sealer.derived_key("limits"),
            on_away=self._metrics.limits_away.set,
        )

    def gate(self, app: Any) -> Any:
        """``app`` behind the limits; ``app`` itself where there are none."""
        if not self._rules:
            return app
        return LimitGate(
            app,
            self.limiter,
            self._rules,
            self.addresses,
            routed=self._routed,
            refuse=lambda message, seconds: Throttled(message, retry_after=seconds),
            count=lambda rule: self._metrics.throttled.labels(rule).inc(),
        )

    @property
    def is_away(self) -> bool:
        """Whether each process counts by itself, because the store does not answer."""
        return self.limiter.is_away

    def counted_as(self, address: str) -> str | None:
        """Whom an address stands for; ``None`` for the exempt."""
        return self.addresses.subject({"client": (address, 0)})

    async def ask(self, rule: str, subject: str) -> Verdict | None:
        """Count against one of the shop's rules; ``None`` where it is switched off."""
        found = self._rules.get(rule)
        if found is None:
            return None
        verdict = self.limiter.quick(found, subject) or await self.limiter.ask(found, subject)
        if not verdict.allowed:
            self._metrics.throttled.labels(rule).inc()
        return verdict

    async def give_back(self, rule: str, subject: str) -> None:
        """Take one back that :meth:`ask` counted."""
        found = self._rules.get(rule)
        if found is not None:
            await self.limiter.give_back(found, subject)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell the others what was let pass here, while the block runs."""
        async with self.limiter.running():
            yield

    async def prune(self) -> None:
        """Forget those of whom nothing is counted any more."""
        await self._counters.prune()
