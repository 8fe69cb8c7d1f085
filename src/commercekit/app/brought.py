"""What the enabled plugins bring, in the form in which services take it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any

from commercekit.errors import ConfigurationError
from commercekit.inventory import ALLOCATION_STRATEGIES, AllocationStrategy, strategy_by_code
from commercekit.inventory.hookspecs import choose_allocation_strategy
from commercekit.orders import REFUND_RULES, RegisteredRefundRule
from commercekit.orders.hookspecs import register_refund_rules
from commercekit.platform.plugins import PluginContext, PluginError, PluginRegistry, Registry
from commercekit.platform.plugins.hookspecs import (
    register_key_vaults,
    register_piccolo_apps,
    register_sealed_tables,
)
from commercekit.platform.security import KEY_VAULTS
from commercekit.platform.storage import MEDIA_STORAGES, GuardedStorage
from commercekit.platform.storage.hookspecs import register_media_storages
from commercekit.promotions import PROMOTION_RULES, RegisteredRule
from commercekit.promotions.hookspecs import register_promotion_rules

if TYPE_CHECKING:
    from commercekit.app.safe_mode import SafeMode
    from commercekit.platform.providers import ProviderCaller, ProviderKind
    from commercekit.platform.security import SealedTable, VaultKeys
    from commercekit.platform.storage import Storage

__all__ = ["Brought"]


class Brought:
    """Asks plugins through their hooks; each hook is asked once, when its service is made."""

    def __init__(
        self,
        plugins: PluginRegistry,
        context: Callable[[str], PluginContext],
        safe: SafeMode,
        caller: ProviderCaller,
    ) -> None:
        self._plugins = plugins
        self._context = context
        self._safe = safe
        self._caller = caller
        self.codes: dict[str, list[tuple[str, str]]] = {}
        """Code and plugin of each provider, by its kind."""

    def providers(self, kind: ProviderKind, hook: Callable[..., Sequence[Any]]) -> Registry[Any]:
        """By their codes."""
        found: Registry[Any] = Registry(kind.name, self._plugins.collect(hook, self._context))
        self.codes[kind.code] = [(code, found.plugin_of(code)) for code in found]
        return found

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
        kind = ALLOCATION_STRATEGIES.code
        self.codes[kind] = [(found.code, self._plugins.owner_of(found))]
        return found

    def storage(self, code: str, own: Storage) -> Storage:
        """The shop's ``own`` place of pictures, or that of a plugin, behind the guard."""
        there = self.providers(MEDIA_STORAGES, register_media_storages)
        if code == own.code:
            return own
        if code not in there and (instead := self._safe.storage(code)) is not None:
            return instead
        return GuardedStorage(there[code], self._caller)

    def vaults(self, ring: VaultKeys) -> None:
        """Hand the vaults to the ring of keys, which refuses to do without the one in use."""
        ring.bring(self.providers(KEY_VAULTS, register_key_vaults), self._caller)

    def promotion_rules(self) -> list[RegisteredRule]:
        """Promotion rules, each with the plugin and version that explanations name."""
        return [
            RegisteredRule(*each)
            for each in self._versioned(PROMOTION_RULES, register_promotion_rules)
        ]

    def refund_rules(self) -> list[RegisteredRefundRule]:
        """Refund rules, likewise."""
        return [
            RegisteredRefundRule(*each)
            for each in self._versioned(REFUND_RULES, register_refund_rules)
        ]

    def tables(self) -> list[str]:
        """Every table of a plugin may hold sealed fields, so each gets a data key."""
        return [name for _, name, _ in self._tables()]

    def sealed(self) -> list[SealedTable]:
        """Which columns plugins seal; a table or column that is not theirs stops the start."""
        columns = {(plugin, name): kinds for plugin, name, kinds in self._tables()}
        found = []
        for plugin, table in self._plugins.collect(register_sealed_tables):
            kinds = columns.get((plugin, table.name))
            if kinds is None:
                problem = f"no table {table.name!r} of its own"
            else:
                wrong = [each for each in table.columns if kinds.get(each) != "Bytea"]
                if not wrong and table.columns:
                    found.append(table)
                    continue
                problem = f"no bytea column {', '.join(wrong) or 'at all'} in {table.name}"
            message = (
                f"The plugin {plugin!r} names {problem} in register_sealed_tables; name what its"
                " Piccolo apps declare"
            )
            raise PluginError(message)
        return found

    def _tables(self) -> list[tuple[str, str, dict[str, str]]]:
        """Each plugin's tables, and the kind of each column."""
        return [
            (
                plugin,
                str(table._meta.tablename),  # noqa: SLF001 - Piccolo's own way to name a table
                {
                    column._meta.db_column_name: type(column).__name__  # noqa: SLF001 - as above
                    for column in table._meta.columns  # noqa: SLF001 - as above
                },
            )
            for plugin, app in self._plugins.collect(register_piccolo_apps)
            for table in import_module(app).APP_CONFIG.table_classes
        ]

    def _versioned(
        self, kind: ProviderKind, hook: Callable[..., Sequence[Any]]
    ) -> list[tuple[Any, str, str]]:
        rules = self.providers(kind, hook)
        versions = {view.code: view.version for view in self._plugins.views()}
        return [
            (rule, plugin, versions.get(plugin, ""))
            for code, rule in rules.items()
            for plugin in (rules.plugin_of(code),)
        ]
