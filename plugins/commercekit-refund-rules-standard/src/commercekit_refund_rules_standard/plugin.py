"""What the plugin brings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from commercekit import hookimpl
from commercekit.orders import RefundRule
from commercekit.platform.plugins import PluginContext
from commercekit_refund_rules_standard.rules import ALL
from commercekit_refund_rules_standard.settings import Settings

if TYPE_CHECKING:
    from msgspec import Struct


@hookimpl
def register_settings() -> type[Struct]:
    """``[plugins.refund-rules-standard]``."""
    return Settings


@hookimpl
def register_refund_rules(ctx: PluginContext) -> Sequence[RefundRule]:
    """Every rule; one that the settings do not switch on abstains."""
    if not isinstance(ctx.settings, Settings):
        return ()
    return [rule(ctx.settings) for rule in ALL]
