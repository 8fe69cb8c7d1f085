"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.platform.plugins import PluginContext
from commercekit.pricing import TaxProvider
from commercekit_tax_table.provider import TaxTableProvider
from commercekit_tax_table.settings import Settings

if TYPE_CHECKING:
    from msgspec import Struct


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.tax-table]``."""
    return Settings


@hookimpl
def register_tax_providers(ctx: PluginContext) -> Sequence[TaxProvider]:
    """One provider, ``tax-table``; it counts once ``[pricing] tax_provider`` names it."""
    return [TaxTableProvider(ctx.settings.rows)] if isinstance(ctx.settings, Settings) else []
