"""Whether this request may pass: known here as a rule, asked of the store when it matters."""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import time
from collections.abc import AsyncIterator, Callable
from typing import NamedTuple

import structlog

from commercekit.platform.limits.counters import (
    Counters,
    CountersAway,
    HereCounters,
    Take,
    Taken,
)
from commercekit.platform.limits.rules import Rule

__all__ = ["Limiter", "Verdict"]

_TELL_EVERY = 0.05
_KNOWN = 20_000
_TAKE_TOGETHER = 500
_log = structlog.get_logger("commercekit.limits")


class Verdict(NamedTuple):
    """What was decided about one request."""

    rule: Rule
    allowed: bool
    left: int
    """How many more may follow at once."""
    reset: float
    """Seconds until all of them may."""

    @property
    def retry_after(self) -> int:
        """Whole seconds until one more fits."""
        return max(
            1, -(-(round(self.reset * 1e6) - self.rule.window + self.rule.interval) // 1_000_000)
        )


class _Known:
    """What this process knows of one key."""

    __slots__ = ("ahead", "at", "debt", "refused_until", "rule")

    def __init__(self, rule: Rule) -> None:
        self.rule = rule
        self.debt = 0
        """Let pass, and not told to the store yet."""
        self.ahead = 0
        self.at = 0
        self.refused_until = 0


class Limiter:
    """Counts against rules; one per process.

    :meth:`quick` decides without waiting where it can, :meth:`ask` asks the store. A store that is away
    is no reason to turn shoppers away, nor to let a flood in: each process counts by itself until it is
    back, and ``on_away`` hears of it, 1 and 0 again.
    """

    def __init__(
        self,
        counters: Counters,
        *,
        secret: bytes | Callable[[], bytes] = b"",
        on_away: Callable[[int], None] = lambda _away: None,
    ) -> None:
        """``secret`` keeps addresses out of the store: keys are keyed hashes."""
        self._counters = counters
        self._here = HereCounters()
        self._secret: Callable[[], bytes] = secret if callable(secret) else lambda: secret[:64]
        self._known: dict[tuple[str, str], _Known] = {}
        self._dirty: set[tuple[str, str]] = set()
        self._on_away = on_away
        self.is_away = False

    def quick(self, rule: Rule, subject: str) -> Verdict | None:
        """The verdict, or ``None`` when the store has to be asked."""
        key = (rule.name, subject)
        known = self._known.get(key)
        if known is None:
            return None if rule.slack == 0 else self._pass(key, self._remember(key, rule))
        now = time.monotonic_ns() // 1000
        if known.refused_until > now:
            return Verdict(
                rule, allowed=False, left=0, reset=(known.ahead - (now - known.at)) / 1e6
            )
        # More than half is left by what was last heard, and little is untold.
        if known.debt < rule.slack and known.ahead - (now - known.at) < rule.window // 2:
            return self._pass(key, known)
        return None

    async def ask(self, rule: Rule, subject: str) -> Verdict:
        """Count this request with the store, and what was not told yet."""
        key = (rule.name, subject)
        known = self._known.get(key) or self._remember(key, rule)
        debt, known.debt = known.debt, 0
        self._dirty.discard(key)
        [taken] = await self._take([Take(self._key(key), rule, debt, 1)])
        return self._learn(known, taken)

    async def give_back(self, rule: Rule, subject: str) -> None:
        """Take one back that was counted: it was none of those that the rule is about."""
        key = (rule.name, subject)
        known = self._known.get(key) or self._remember(key, rule)
        [taken] = await self._take([Take(self._key(key), rule, -1, 0)])
        known.refused_until = 0
        self._learn(known, taken)

    def peek(self, rule: Rule, subject: str) -> Verdict | None:
        """The refusal that is known of, without counting; ``None`` when there is none."""
        known = self._known.get((rule.name, subject))
        if known is None:
            return None
        now = time.monotonic_ns() // 1000
        if known.refused_until <= now:
            return None
        return Verdict(rule, allowed=False, left=0, reset=(known.ahead - (now - known.at)) / 1e6)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Tell the store what was let pass, twenty times a second, while the block runs."""
        task = asyncio.create_task(self._telling(), name="limits")
        try:
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
            await self.tell()

    async def tell(self) -> None:
        """Tell the store what was let pass and is not known there."""
        while self._dirty:
            keys = [self._dirty.pop() for _ in range(min(len(self._dirty), _TAKE_TOGETHER))]
            told: list[tuple[_Known, Take]] = []
            for key in keys:
                known = self._known.get(key)
                if known is not None and known.debt:
                    told.append((known, Take(self._key(key), known.rule, known.debt, 0)))
                    known.debt = 0
            if told:
                taken = await self._take([take for _, take in told])
                for (known, _), one in zip(told, taken, strict=True):
                    self._learn(known, one)

    async def _telling(self) -> None:
        while True:
            await asyncio.sleep(_TELL_EVERY)
            try:
                await self.tell()
            except Exception:  # noqa: BLE001 - whatever it is, the next round tries again
                _log.exception("limits-not-told")

    def _pass(self, key: tuple[str, str], known: _Known) -> Verdict:
        known.debt += 1
        self._dirty.add(key)
        rule = known.rule
        now = time.monotonic_ns() // 1000
        ahead = max(0, known.ahead - (now - known.at)) + known.debt * rule.interval
        left = max(0, (rule.window - ahead) // rule.interval)
        return Verdict(rule, allowed=True, left=left, reset=ahead / 1e6)

    def _remember(self, key: tuple[str, str], rule: Rule) -> _Known:
        if len(self._known) >= _KNOWN:
            now = time.monotonic_ns() // 1000
            self._known = {
                each: known
                for each, known in self._known.items()
                if known.debt or known.ahead > now - known.at
            }
            if len(self._known) >= _KNOWN:
                # A flood from everywhere: the store knows what this process forgets, but for the debts.
                self._known = {each: known for each, known in self._known.items() if known.debt}
        known = self._known[key] = _Known(rule)
        return known

    def _learn(self, known: _Known, taken: Taken) -> Verdict:
        now = time.monotonic_ns() // 1000
        rule = known.rule
        known.ahead, known.at = taken.ahead, now
        left = max(0, (rule.window - taken.ahead) // rule.interval)
        if left == 0:
            # Until one more fits, everybody is told so from here.
            known.refused_until = now + taken.ahead + rule.interval - rule.window
        return Verdict(rule, taken.fits, left, max(0, taken.ahead) / 1e6)

    async def _take(self, wanted: list[Take]) -> list[Taken]:
        try:
            taken = await self._counters.take(wanted)
        except CountersAway:
            if not self.is_away:
                self.is_away = True
                self._on_away(1)
                _log.error("limits-counted-here", told="the store of rate limits does not answer")
            return await self._here.take(wanted)
        if self.is_away:
            self.is_away = False
            self._on_away(0)
            _log.warning("limits-counted-together", told="the store of rate limits is back")
        return taken

    def _key(self, key: tuple[str, str]) -> str:
        digest = hashlib.blake2b(key[1].encode(), digest_size=16, key=self._secret()).hexdigest()
        return f"{key[0]}:{digest}"
