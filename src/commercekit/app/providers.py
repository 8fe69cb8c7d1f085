"""Every kind of provider there is, and the guard that stands before all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any, Final

from commercekit.fulfilment import CARRIERS
from commercekit.inventory import ALLOCATION_STRATEGIES
from commercekit.notifications import NOTIFIERS
from commercekit.orders import REFUND_RULES
from commercekit.payments import PAYMENT_GATEWAYS
from commercekit.platform.providers import Policies, ProviderCaller
from commercekit.platform.security import KEY_VAULTS
from commercekit.platform.storage import MEDIA_STORAGES
from commercekit.pricing import TAX_PROVIDERS
from commercekit.promotions import PROMOTION_RULES

if TYPE_CHECKING:
    from commercekit.app.settings import ShopSettings
    from commercekit.platform.plugins import PluginRegistry
    from commercekit.platform.telemetry import ShopMetrics

__all__ = ["KINDS", "introduce", "plugin_tasks", "policies_of", "tally_of"]

KINDS: Final = (
    PAYMENT_GATEWAYS,
    CARRIERS,
    PROMOTION_RULES,
    TAX_PROVIDERS,
    NOTIFIERS,
    ALLOCATION_STRATEGIES,
    REFUND_RULES,
    MEDIA_STORAGES,
    KEY_VAULTS,
)
"""What ``[providers]`` may name."""


def policies_of(settings: ShopSettings) -> Policies:
    """The kinds' declarations and what the settings say; ``SettingsError`` with all that is wrong."""
    return Policies(KINDS, settings.providers)


def introduce(
    caller: ProviderCaller,
    registry: PluginRegistry,
    brought: Mapping[str, Iterable[tuple[str, str]]],
) -> None:
    """Tell the guard which plugin brings what: ``brought`` has code and plugin by kind.

    Raises ``SettingsError`` for a provider that the settings name and nobody brings. In safe mode it
    may be one that was left out.
    """
    there: dict[str, list[str]] = {}
    for kind, providers in brought.items():
        for code, plugin in providers:
            caller.introduce(kind, code, plugin)
            there.setdefault(kind, []).append(code)
    if not registry.safe_mode:
        caller.policies.check_codes(there)


def tally_of(caller: ProviderCaller, metrics: ShopMetrics) -> Callable[[], None]:
    """Hands over to the metrics what the guard counted since the last time; they ask by themselves too."""

    def hand_over() -> None:
        for known in caller.providers():
            family, code = known.family, known.code
            for verb, tallies in list(known.health.verbs.items()):
                for outcome, tally in list(tallies.outcomes.items()):
                    new = tally.take()
                    if new is not None:
                        labels = (family, code, verb, outcome)
                        metrics.add_calls(labels, new.by_bound, new.seconds)
            for (verb, error), number in known.health.take_errors().items():
                metrics.add_errors((family, code, verb, error), number)
            is_open = not known.breaker.is_closed
            metrics.provider_breaker_open.labels(family, code).set(float(is_open))
            metrics.provider_lingering.labels(family, code).set(known.lingering)

    before = getattr(metrics.registry, "before", None)
    if before is not None:
        before.append(hand_over)
    return hand_over


def plugin_tasks(tasks: Iterable[Any], folders: Mapping[str, str]) -> dict[str, int]:
    """How many of ``tasks`` are a plugin's own: what it began and nobody waits for."""
    counts = dict.fromkeys(folders, 0)
    for task in tasks:
        code = getattr(task.get_coro(), "cr_code", None)
        file = getattr(code, "co_filename", "")
        for plugin, folder in folders.items():
            if file.startswith(folder):
                counts[plugin] += 1
    return counts
