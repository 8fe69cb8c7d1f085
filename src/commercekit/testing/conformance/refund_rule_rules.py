"""The rules of refund rules by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.testing.conformance.pure import PURE_RULES

__all__ = ["REFUND_RULE_RULES"]

REFUND_RULE_RULES: Final[Mapping[str, str]] = {
    "declares-itself": "the settings name it by its code, staff read its name, and its rank is a number",
    "decides-something": "a rule that passes every case on shows nothing about itself",
    "answers-with-an-answer": "an answer of another make leaves the request to a person",
    "gives-its-reason": "who is refused reads why, and who answers for it reads why money went out",
    "repeats-no-strangers": "what a shopper wrote may be anything, and would stand in the shop's own words",
    "never-gives-more-than-there-is": "more than was paid and is not yet back is nobody's to give",
    "order-of-lines-means-nothing": "the same request gets the same answer, however it is listed",
    **PURE_RULES,
}
"""Every rule, and why it is one."""
