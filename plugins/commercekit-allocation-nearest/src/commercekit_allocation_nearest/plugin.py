"""What the plugin brings."""

from __future__ import annotations

from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.inventory import AllocationStrategy
from commercekit.platform.plugins import PluginContext
from commercekit_allocation_nearest.settings import Settings
from commercekit_allocation_nearest.strategy import Nearest

if TYPE_CHECKING:
    from msgspec import Struct


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.allocation-nearest]``."""
    return Settings


@hookimpl
def choose_allocation_strategy(code: str, ctx: PluginContext) -> AllocationStrategy | None:
    """``nearest``, for a shop whose ``[inventory] strategy`` names it."""
    if code != Nearest.code or not isinstance(ctx.settings, Settings):
        return None
    return Nearest(ctx.settings.neighbours)
