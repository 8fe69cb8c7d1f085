"""What operators see of plugins and of the providers they bring, and what they can do about them."""

from commercekit.platform.operations.desk import (
    CHANNEL,
    PluginDesk,
    PluginNotFound,
    PluginStatus,
    ProviderStatus,
    VerbStatus,
)

__all__ = [
    "CHANNEL",
    "PluginDesk",
    "PluginNotFound",
    "PluginStatus",
    "ProviderStatus",
    "VerbStatus",
]
