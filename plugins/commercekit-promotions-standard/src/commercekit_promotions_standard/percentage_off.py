"""So much per cent off: each line in scope, or all of them together."""

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from commercekit.kernel import Money, allocate
from commercekit.promotions import PricedBasket, PromotionRule, Proposal, Target

__all__ = ["PercentageOff", "PercentageOffConfig"]


class PercentageOffConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How much, off what, and from when on."""

    basis_points: Annotated[
        int, Meta(ge=1, le=10_000, description="Hundredths of a per cent: 1000 is 10 %.")
    ]
    per: Annotated[
        Literal["line", "order"],
        Meta(
            description="Off each line, where lines go to the best promotion one by one, or off all "
            "of them together."
        ),
    ] = "order"
    minimum: Annotated[
        Money | None, Meta(description="What the lines in scope must cost at least.")
    ] = None
    minimum_quantity: Annotated[
        int, Meta(ge=1, le=100_000, description="How many pieces the lines in scope must have.")
    ] = 1
    at_most: Annotated[
        Money | None, Meta(description="The most it takes off, over all lines in scope.")
    ] = None

    def __post_init__(self) -> None:
        """Refuse amounts that can never count."""
        for amount in (self.minimum, self.at_most):
            if amount is not None and amount.amount < 0:
                message = "an amount must not be negative"
                raise ValueError(message)
        currencies = {
            amount.currency for amount in (self.minimum, self.at_most) if amount is not None
        }
        if len(currencies) > 1:
            message = "minimum and at_most must be in one currency"
            raise ValueError(message)


class PercentageOff(PromotionRule[PercentageOffConfig]):
    """Takes a share of what the lines in scope cost at that point.

    Rounded half up, once for each line or once for the order, never for each piece: 25 pieces of 3.99 less
    10 % are 89.77, not 25 times 3.59.
    """

    code: ClassVar[str] = "percentage-off"
    config_type: ClassVar[type[Struct]] = PercentageOffConfig
    name: ClassVar[dict[str, str]] = {"en": "Per cent off", "zh": "百分比折扣"}

    def evaluate(self, config: PercentageOffConfig, basket: PricedBasket) -> Sequence[Proposal]:
        """One proposal for the order, or one for each line; none below the minimum."""
        if not _is_met(config, basket):
            return ()
        share = Fraction(config.basis_points, 10_000)
        if config.per == "order":
            amount = basket.items_total.portion(share)
            return _positive([Proposal(amount=_capped(amount, config.at_most))])
        # By id: who gets the odd cent of a capped amount must not depend on what came first.
        lines = sorted(basket.lines, key=lambda line: line.id)
        parts = [line.total.portion(share).amount for line in lines]
        if config.at_most is not None and sum(parts) > config.at_most.amount:
            # Split the cap by what each line would have had; no part grows by it.
            parts = allocate(config.at_most.amount, parts)
        return _positive(
            [
                Proposal(amount=basket.money(part), target=Target.LINE, line_id=line.id)
                for line, part in zip(lines, parts, strict=True)
            ]
        )

    def why_not(self, config: PercentageOffConfig, basket: PricedBasket) -> dict[str, str]:
        """How much is missing, or that the currency is another."""
        for amount in (config.minimum, config.at_most):
            if amount is not None and amount.currency != basket.currency:
                return {
                    "en": f"It is for baskets in {amount.currency}.",
                    "zh": f"仅适用于以 {amount.currency} 计价的购物车。",
                }
        if config.minimum is not None and basket.items_total < config.minimum:
            missing = config.minimum - basket.items_total
            return {"en": f"{missing} short of the minimum.", "zh": f"还差 {missing}。"}
        if basket.quantity < config.minimum_quantity:
            pieces = config.minimum_quantity - basket.quantity
            return {"en": f"{pieces} more needed.", "zh": f"还差 {pieces} 件。"}
        if basket.items_total.amount > 0:
            return {
                "en": "The share comes to less than the smallest coin.",
                "zh": "折扣金额不足最小货币单位。",
            }
        return {}

    def describe(self, config: PercentageOffConfig) -> dict[str, str]:
        """Such as "12.5 % off"."""
        whole, part = divmod(config.basis_points, 100)
        figure = f"{whole}.{part:02}".rstrip("0") if part else str(whole)
        words = {"en": f"{figure} % off", "zh": f"立减 {figure}%"}
        if config.minimum is not None:
            words["en"] += f" from {config.minimum}"
            words["zh"] = f"满 {config.minimum} {words['zh']}"
        return words


def _is_met(config: PercentageOffConfig, basket: PricedBasket) -> bool:
    if any(
        amount is not None and amount.currency != basket.currency
        for amount in (config.minimum, config.at_most)
    ):
        return False
    if basket.quantity < config.minimum_quantity:
        return False
    return config.minimum is None or basket.items_total >= config.minimum


def _capped(amount: Money, most: Money | None) -> Money:
    return amount if most is None else min(amount, most)


def _positive(proposals: list[Proposal]) -> list[Proposal]:
    return [proposal for proposal in proposals if proposal.amount.amount > 0]
