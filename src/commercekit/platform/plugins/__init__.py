"""Hooks plug: how plugins are found, checked and asked what they bring; the only home of pluggy.

A plugin is one module behind an entry point of the group ``commercekit``::

    [project.entry-points.commercekit]
    payment-sandbox = "commercekit_payment_sandbox.plugin"

    @hookimpl
    def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]:
        return [SandboxGateway(ctx)]
"""

from commercekit.platform.plugins.console import ConsolePage, ConsolePageView, pages_of
from commercekit.platform.plugins.context import Enqueue, PluginContext
from commercekit.platform.plugins.discovery import InstalledPlugin, installed_plugins
from commercekit.platform.plugins.errors import (
    DuplicateProvider,
    PluginError,
    PluginNotTrusted,
    ProviderNotFound,
)
from commercekit.platform.plugins.lock import (
    LOCK_NAME,
    PinnedPlugin,
    PluginLock,
    Trust,
    Verdict,
    examine,
    pin,
)
from commercekit.platform.plugins.markers import (
    Deprecation,
    deprecated,
    deprecation_of,
    hookimpl,
    hookspec,
    since,
    since_of,
)
from commercekit.platform.plugins.policy import NoSettings, PluginPolicy
from commercekit.platform.plugins.record import origin_of
from commercekit.platform.plugins.registry import Offered, PluginRegistry, PluginView, Registry
from commercekit.platform.plugins.requirements import requirements_of
from commercekit.platform.plugins.traces import Brought, PluginTrace, PluginTraces

__all__ = [
    "LOCK_NAME",
    "Brought",
    "ConsolePage",
    "ConsolePageView",
    "Deprecation",
    "DuplicateProvider",
    "Enqueue",
    "InstalledPlugin",
    "NoSettings",
    "Offered",
    "PinnedPlugin",
    "PluginContext",
    "PluginError",
    "PluginLock",
    "PluginNotTrusted",
    "PluginPolicy",
    "PluginRegistry",
    "PluginTrace",
    "PluginTraces",
    "PluginView",
    "ProviderNotFound",
    "Registry",
    "Trust",
    "Verdict",
    "deprecated",
    "deprecation_of",
    "examine",
    "hookimpl",
    "hookspec",
    "installed_plugins",
    "origin_of",
    "pages_of",
    "pin",
    "requirements_of",
    "since",
    "since_of",
]
