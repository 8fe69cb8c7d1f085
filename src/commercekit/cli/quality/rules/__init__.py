"""The rules of the scale, tier by tier; each with its reason, an example, and who need not keep it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from commercekit.cli.quality.model import Rule
from commercekit.cli.quality.rules.bronze import BRONZE
from commercekit.cli.quality.rules.gold import GOLD
from commercekit.cli.quality.rules.platinum import PLATINUM
from commercekit.cli.quality.rules.silver import SILVER

__all__ = ["RULES"]

RULES: Final[Mapping[str, Rule]] = {
    rule.slug: rule for rule in (*BRONZE, *SILVER, *GOLD, *PLATINUM)
}
"""Every rule by its slug, bronze first."""
