"""Where plugins bring kinds of promotions in."""

from collections.abc import Sequence
from typing import Any

from commercekit.platform.plugins import hookspec
from commercekit.promotions.providers import PromotionRule

__all__ = ["register_promotion_rules"]


@hookspec
def register_promotion_rules() -> Sequence[PromotionRule[Any]]:  # type: ignore[empty-body]  # a specification
    """Offer kinds of promotions that staff can set up.

    Called once, at start-up. All results are collected and their order carries no meaning; two rules
    with one ``code`` stop the start with ``DuplicateProvider``.

    :returns: rules, each without state; an empty sequence if the plugin is switched off.
    """
