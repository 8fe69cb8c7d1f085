"""Why a shop with these plugins does not start."""

from __future__ import annotations

from commercekit.errors import ConfigurationError

__all__ = ["DuplicateProvider", "PluginError", "PluginNotTrusted", "ProviderNotFound"]


class PluginError(ConfigurationError):
    """A plugin that cannot be taken in; one sentence names plugin, hook and cure."""

    slug = "plugin"
    title = "A plugin does not fit"
    title_zh = "插件不符合要求"


class PluginNotTrusted(PluginError):
    """A plugin's files are not those that the lock allows; nothing of it was imported."""

    slug = "plugin-not-trusted"
    title = "A plugin is not the one that was allowed"
    title_zh = "插件与允许的版本不一致"


class DuplicateProvider(PluginError):
    """Two plugins offer a provider with the same code."""

    slug = "duplicate-provider"
    title = "Two providers have the same code"
    title_zh = "两个服务商使用了相同的代码"


class ProviderNotFound(PluginError):
    """The settings name a provider that no enabled plugin offers."""

    slug = "provider-not-found"
    title = "No enabled plugin offers this provider"
    title_zh = "没有已启用的插件提供该服务商"
