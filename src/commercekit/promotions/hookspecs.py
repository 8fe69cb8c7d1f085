"""Where plugins bring kinds of promotions in."""

from collections.abc import Sequence
from typing import Any

from commercekit.platform.plugins import PluginContext, hookspec, since
from commercekit.promotions.providers import PromotionRule

__all__ = ["register_promotion_rules"]


@since("0.1")
@hookspec
def register_promotion_rules(ctx: PluginContext) -> Sequence[PromotionRule[Any]]:
    """Offer kinds of promotions that staff can set up.

    Called once, at start-up. All results are collected and their order carries no meaning; two rules
    with one ``code`` stop the start with ``DuplicateProvider``.

    :param ctx: the plugin's settings, the database, and what else it needs; leave it out if unused.
    :returns: rules, each without state; an empty sequence if the plugin is switched off.
    """
    return ()
