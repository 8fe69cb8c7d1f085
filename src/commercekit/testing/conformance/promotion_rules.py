"""The rules of promotions by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.pure import PURE_RULES

__all__ = ["PROMOTION_RULE_RULES"]

PROMOTION_RULE_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "staff choose it by its name, and the core finds it by its code",
    "applies-somewhere": "settings that never take anything off show nothing about the rule",
    "proposes-proposals": "an answer of another make is left out, and the shopper pays more",
    "keeps-the-currency": "an amount in another currency cannot be taken off",
    "counts-whole-units": "money is integer minor units, or sums stop agreeing",
    "takes-something-off": "a promotion never makes anything dearer, and nothing is no offer",
    "stays-within-the-line": "a line that costs less than nothing would pay for others",
    "never-goes-below-zero": "an order or its freight that costs less than nothing pays the shopper",
    "adds-up": "what is off the lines and off the order together is at most what the goods cost",
    "order-of-lines-means-nothing": "the same goods cost the same, whatever came first into the cart",
    "refuses-bad-settings": "staff learn of a mistake when they make it, not from shoppers",
    "refuses-unknown-settings": "a setting with a slip of the pen would silently not count",
    "settings-survive-storage": "settings lie in the database as JSON and are read for every cart",
    "replays-the-same": "a new version must explain an old order with the same bytes",
    "explains-itself": "a shopper who does not get it asks why, and so does staff",
    "speaks-both-languages": "what it says is read in English and in Chinese",
    **PURE_RULES,
}
"""Every rule, and why it is one."""
