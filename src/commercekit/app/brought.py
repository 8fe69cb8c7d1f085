"""What the enabled plugins bring, in the form in which services take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from commercekit.errors import ConfigurationError
from commercekit.inventory import AllocationStrategy, strategy_by_code
from commercekit.inventory.hookspecs import choose_allocation_strategy
from commercekit.orders import RegisteredRefundRule
from commercekit.orders.hookspecs import register_refund_rules
from commercekit.platform.plugins import Offered, PluginContext, PluginRegistry, Registry
from commercekit.platform.plugins.hookspecs import register_piccolo_apps
from commercekit.platform.storage.hookspecs import register_media_storages
from commercekit.promotions import RegisteredRule
from commercekit.promotions.hookspecs import register_promotion_rules

if TYPE_CHECKING:
    from commercekit.app.safe_mode import SafeMode
    from commercekit.platform.storage import Storage

__all__ = ["Brought"]


class Brought:
    """Asks plugins through their hooks; each hook is asked once, when its service is made."""

    def __init__(
        self, plugins: PluginRegistry, context: Callable[[str], PluginContext], safe: SafeMode
    ) -> None:
        self._plugins = plugins
        self._context = context
        self._safe = safe

    def providers(self, family: str, hook: Callable[..., Sequence[Any]]) -> Registry[Any]:
        """By their codes."""
        return Registry(family, self._plugins.collect(hook, self._context))

    def items(self, hook: Callable[..., Sequence[Any]]) -> list[Any]:
        """Without codes."""
        return [offered.item for offered in self._plugins.collect(hook, self._context)]

    def strategy(self, code: str) -> AllocationStrategy:
        """The core's strategy of that code, or the one that a plugin answers with."""
        found = strategy_by_code(code) or self._plugins.choose(
            choose_allocation_strategy, self._context, code=code
        )
        if found is None and (instead := self._safe.strategy()) is not None:
            found = strategy_by_code(instead)
        if found is None:
            message = (
                f"inventory.strategy names {code!r}, which no enabled plugin offers; "
                "the core has priority and most-stock."
            )
            raise ConfigurationError(message)
        return found

    def storage(self, code: str, own: Storage) -> Storage:
        """The shop's ``own`` place of pictures, or that of a plugin."""
        offered = self._plugins.collect(register_media_storages, self._context)
        there = Registry("media storage", [Offered("commercekit", own), *offered])
        if code not in there and (instead := self._safe.storage(code)) is not None:
            return instead
        return there[code]

    def promotion_rules(self) -> list[RegisteredRule]:
        """Promotion rules, each with the plugin and version that explanations name."""
        return [
            RegisteredRule(*each)
            for each in self._versioned("promotion rule", register_promotion_rules)
        ]

    def refund_rules(self) -> list[RegisteredRefundRule]:
        """Refund rules, likewise."""
        return [
            RegisteredRefundRule(*each)
            for each in self._versioned("refund rule", register_refund_rules)
        ]

    def tables(self) -> list[str]:
        """Every table of a plugin may hold sealed fields, so each gets a data key."""
        apps = [
            import_module(offered.item).APP_CONFIG
            for offered in self._plugins.collect(register_piccolo_apps)
        ]
        return [str(table._meta.tablename) for app in apps for table in app.table_classes]  # noqa: SLF001 - Piccolo's own way to name a table

    def _versioned(
        self, family: str, hook: Callable[..., Sequence[Any]]
    ) -> list[tuple[Any, str, str]]:
        rules = self.providers(family, hook)
        versions = {view.code: view.version for view in self._plugins.views()}
        return [
            (rule, plugin, versions.get(plugin, ""))
            for code, rule in rules.items()
            for plugin in (rules.plugin_of(code),)
        ]
