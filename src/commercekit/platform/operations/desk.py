"""What operators see of plugins and of the providers they bring, and closing a circuit again."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from msgspec import Struct

from commercekit.errors import NotFound
from commercekit.platform.bus import Broadcast
from commercekit.platform.plugins import PluginRegistry, PluginView
from commercekit.platform.providers import (
    BreakerState,
    FailurePolicy,
    Known,
    LastError,
    ProviderCaller,
)
from commercekit.platform.security import AuditEntry, AuditPort, Principal
from commercekit.platform.telemetry import ProviderTotals, VerbTotals

if TYPE_CHECKING:
    from commercekit.platform.db import Database

__all__ = [
    "CHANNEL",
    "PluginDesk",
    "PluginNotFound",
    "PluginStatus",
    "ProviderStatus",
    "VerbStatus",
]

CHANNEL = "providers"
"""Where processes hear that a circuit is closed by hand."""


class PluginNotFound(NotFound):
    """No such plugin is installed, or it brings no such provider."""

    slug = "plugin-not-found"
    title = "There is no such plugin"
    title_zh = "没有该插件"


class VerbStatus(Struct, frozen=True, kw_only=True):
    """One verb: what holds for it, and what was counted."""

    name: str
    deadline_ms: int
    retries: int
    policy: FailurePolicy
    calls: int
    outcomes: dict[str, int]
    p50_ms: float
    p95_ms: float
    p99_ms: float


class ProviderStatus(Struct, frozen=True, kw_only=True):
    """One provider, summed over the processes of this machine since the shop was started.

    Percentiles are the next bound of the histogram above. What other processes counted in the last five
    seconds may be missing.
    """

    kind: str
    code: str
    breaker: BreakerState
    """In the process that answers; each keeps its own."""
    open_in: int
    """How many processes leave it alone at the moment."""
    calls: int
    errors: dict[str, int]
    """By the class of what was raised; never its text."""
    last_error: LastError | None
    lingering: int
    """Calls that were given up and have not ended."""
    verbs: list[VerbStatus]


class PluginStatus(Struct, frozen=True, kw_only=True):
    """One installed plugin."""

    code: str
    distribution: str
    version: str
    summary: str
    enabled: bool
    hooks: list[str]
    providers: list[ProviderStatus]


class PluginDesk:
    """Puts together what the registry, the guard and the metrics know."""

    def __init__(
        self,
        db: "Database",
        registry: PluginRegistry,
        caller: ProviderCaller,
        totals: Callable[[], Mapping[tuple[str, str], ProviderTotals]],
        audit: AuditPort,
    ) -> None:
        self._db = db
        self._registry = registry
        self._caller = caller
        self._totals = totals
        self._audit = audit

    def plugins(self) -> list[PluginStatus]:
        """Every installed plugin, by code."""
        totals = self._totals()
        return [
            self._status(view, totals)
            for view in sorted(self._registry.views(), key=lambda view: view.code)
        ]

    def plugin(self, code: str) -> PluginStatus:
        """The plugin of that code. Raises :class:`PluginNotFound`."""
        for view in self._registry.views():
            if view.code == code:
                return self._status(view, self._totals())
        message = f"No plugin {code!r} is installed."
        raise PluginNotFound(message)

    async def reset(
        self, plugin: str, kind: str, provider: str, *, by: Principal, reason: str, request_id: str
    ) -> PluginStatus:
        """Close the circuit of a provider in every process, because somebody knows that it works again.

        This process has done it when this returns, the others within a moment. Raises
        :class:`PluginNotFound`.
        """
        known = [(each.family, each.code) for each in self._providers_of(plugin)]
        if (kind, provider) not in known:
            message = f"The plugin {plugin!r} brings no provider {kind}/{provider}."
            raise PluginNotFound(message)
        entry = AuditEntry(
            actor=by.id,
            action="plugins:reset-breaker",
            subject=f"provider/{kind}/{provider}",
            reason=reason,
            request_id=request_id,
            details={"plugin": plugin},
        )
        async with self._db.unit_of_work() as uow:
            await self._audit.record(uow, entry)
            await Broadcast.tell(uow, CHANNEL, f"{kind}/{provider}")
        self._caller.reset(kind, provider)
        return self.plugin(plugin)

    def heard(self, word: str) -> None:
        """Another process tells of a reset."""
        kind, _, provider = word.partition("/")
        self._caller.reset(kind, provider)

    def _providers_of(self, plugin: str) -> list[Known]:
        return [each for each in self._caller.providers() if each.plugin == plugin]

    def _status(
        self, view: PluginView, totals: Mapping[tuple[str, str], ProviderTotals]
    ) -> PluginStatus:
        return PluginStatus(
            code=view.code,
            distribution=view.distribution,
            version=view.version,
            summary=view.summary,
            enabled=view.enabled,
            hooks=list(view.hooks),
            providers=[
                self._provider(each, totals.get((each.family, each.code), ProviderTotals()))
                for each in self._providers_of(view.code)
            ],
        )

    def _provider(self, known: Known, totals: ProviderTotals) -> ProviderStatus:
        last: LastError | None = None
        if totals.last is not None:
            at, verb, error = totals.last
            last = LastError(error=error, verb=verb, at=at)
        policies = self._caller.policies
        kind = policies.kinds.get(known.family)
        verbs = []
        for verb_of_kind in kind.verbs if kind else ():
            line = policies.line(verb_of_kind, known.code)
            seen = totals.verbs.get(verb_of_kind.name, VerbTotals())
            verbs.append(
                VerbStatus(
                    name=verb_of_kind.name,
                    deadline_ms=round(line.deadline.total_seconds() * 1000),
                    retries=line.retries,
                    policy=line.policy,
                    calls=seen.calls,
                    outcomes={name: n for name, n in sorted(seen.outcomes.items()) if n},
                    p50_ms=seen.percentile_ms(0.50),
                    p95_ms=seen.percentile_ms(0.95),
                    p99_ms=seen.percentile_ms(0.99),
                )
            )
        return ProviderStatus(
            kind=known.family,
            code=known.code,
            breaker=known.breaker.state,
            open_in=totals.open_in,
            calls=sum(each.calls for each in totals.verbs.values()),
            errors=dict(sorted(totals.errors.items())),
            last_error=last,
            lingering=totals.lingering,
            verbs=verbs,
        )
