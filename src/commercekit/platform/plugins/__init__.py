"""Hooks plug: how plugins are found, checked and asked what they bring; the only home of pluggy.

A plugin is one module behind an entry point of the group ``commercekit``::

    [project.entry-points.commercekit]
    payment-sandbox = "commercekit_payment_sandbox.plugin"

    @hookimpl
    def register_payment_gateways(ctx: PluginContext) -> Sequence[PaymentGateway]:
        return [SandboxGateway(ctx)]
"""

from commercekit.platform.plugins.context import Enqueue, PluginContext
from commercekit.platform.plugins.discovery import InstalledPlugin, installed_plugins
from commercekit.platform.plugins.errors import DuplicateProvider, PluginError, ProviderNotFound
from commercekit.platform.plugins.markers import hookimpl, hookspec
from commercekit.platform.plugins.policy import NoSettings, PluginPolicy
from commercekit.platform.plugins.registry import Offered, PluginRegistry, PluginView, Registry

__all__ = [
    "DuplicateProvider",
    "Enqueue",
    "InstalledPlugin",
    "NoSettings",
    "Offered",
    "PluginContext",
    "PluginError",
    "PluginPolicy",
    "PluginRegistry",
    "PluginView",
    "ProviderNotFound",
    "Registry",
    "hookimpl",
    "hookspec",
    "installed_plugins",
]
