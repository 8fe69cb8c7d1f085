"""Spend so much, save so much (满减): tiers, or again for every full amount."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from commercekit.kernel import Money
from commercekit.promotions import PricedBasket, PromotionRule, Proposal

__all__ = ["SpendAndSave", "SpendAndSaveConfig", "Tier"]


class Tier(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """From ``spend`` on, ``save`` is taken off."""

    spend: Annotated[Money, Meta(description="What the lines in scope must cost at least.")]
    save: Annotated[Money, Meta(description="What is taken off then.")]

    def __post_init__(self) -> None:
        """Refuse a tier that gives nothing, or more than it asks for."""
        if self.spend.currency != self.save.currency:
            message = "spend and save must be in one currency"
            raise ValueError(message)
        if not 0 < self.save.amount <= self.spend.amount:
            message = "save must be more than nothing and at most spend"
            raise ValueError(message)


class SpendAndSaveConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The tiers, and whether a single one counts again and again."""

    tiers: Annotated[
        tuple[Tier, ...],
        Meta(min_length=1, max_length=20, description="Ascending; the highest one reached counts."),
    ]
    every: Annotated[
        bool, Meta(description="With a single tier: once more for every full spend.")
    ] = False
    times: Annotated[
        Annotated[int, Meta(ge=1, le=1_000)] | None,
        Meta(description="With every: at most so often."),
    ] = None

    def __post_init__(self) -> None:
        """Refuse tiers that do not climb, and settings that contradict each other."""
        for lower, upper in pairwise(self.tiers):
            if lower.spend.currency != upper.spend.currency:
                message = "all tiers must be in one currency"
                raise ValueError(message)
            if not (lower.spend < upper.spend and lower.save < upper.save):
                message = "each tier must ask for more and save more than the one before"
                raise ValueError(message)
        if self.every and len(self.tiers) != 1:
            message = "every needs exactly one tier"
            raise ValueError(message)
        if self.times is not None and not self.every:
            message = "times counts with every only"
            raise ValueError(message)


class SpendAndSave(PromotionRule[SpendAndSaveConfig]):
    """Judged by what the lines in scope cost at that point, and split over them."""

    code: ClassVar[str] = "spend-and-save"
    config_type: ClassVar[type[Struct]] = SpendAndSaveConfig
    name: ClassVar[dict[str, str]] = {"en": "Spend and save", "zh": "满减"}

    def evaluate(self, config: SpendAndSaveConfig, basket: PricedBasket) -> Sequence[Proposal]:
        """The highest tier reached; with ``every`` as often as the amount holds ``spend``."""
        if config.tiers[0].spend.currency != basket.currency:
            return ()
        total = basket.items_total
        reached = [tier for tier in config.tiers if tier.spend <= total]
        if not reached:
            return ()
        tier = reached[-1]
        times = 1
        if config.every:
            times = total.amount // tier.spend.amount
            times = times if config.times is None else min(times, config.times)
        return [Proposal(amount=tier.save * times)]

    def why_not(self, config: SpendAndSaveConfig, basket: PricedBasket) -> dict[str, str]:
        """How much is missing to the first tier, or that the currency is another."""
        first = config.tiers[0].spend
        if first.currency != basket.currency:
            return {
                "en": f"It is for baskets in {first.currency}.",
                "zh": f"仅适用于以 {first.currency} 计价的购物车。",
            }
        missing = first - basket.items_total
        if missing.amount <= 0:
            return {}
        return {"en": f"Spend {missing} more.", "zh": f"再买 {missing} 即可享受。"}

    def describe(self, config: SpendAndSaveConfig) -> dict[str, str]:
        """Such as "Spend 300.00 CNY, save 40.00 CNY"."""
        english, chinese = [], []
        for tier in config.tiers:
            spend, save = tier.spend, tier.save
            start = "Every" if config.every else "Spend"
            english.append(f"{start} {spend}, save {save}")
            chinese.append(f"{'每满' if config.every else '满'} {spend} 减 {save}")
        return {"en": "; ".join(english)[:200], "zh": "；".join(chinese)[:200]}
