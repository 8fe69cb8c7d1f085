"""Short ways to say what a promotion test is about, and rules that do as they are told."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import ClassVar
from uuid import UUID, uuid5

import msgspec

from commercekit.kernel import Money
from commercekit.promotions import (
    BasketLine,
    PricedBasket,
    Promotion,
    PromotionRule,
    PromotionService,
    Proposal,
    RegisteredRule,
    RuleRunner,
    Target,
    evaluate,
    open_book,
)

NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)
NAMESPACE = UUID("01938a00-0000-7000-8000-000000000002")


def cny(amount):
    return Money(amount, "CNY")


def line(id, price, quantity=1, **more):
    more.setdefault("product_id", uuid5(NAMESPACE, id))
    return BasketLine(id=id, sku=f"sku-{id}", quantity=quantity, unit_price=cny(price), **more)


def basket(*lines, shipping=None, coupons=(), now=NOW):
    return PricedBasket(
        currency="CNY",
        now=now,
        lines=lines,
        shipping=None if shipping is None else cny(shipping),
        coupons=coupons,
    )


class OffConfig(msgspec.Struct, forbid_unknown_fields=True):
    amount: int = 0
    """Minor units off; a percentage when ``percent`` is given."""
    percent: int = 0
    target: Target = Target.ORDER
    minimum: int = 0


class Off(PromotionRule[OffConfig]):
    """Takes an amount or whole per cents off, from a minimum on."""

    code: ClassVar[str] = "off"
    config_type: ClassVar[type[msgspec.Struct]] = OffConfig
    name: ClassVar[dict[str, str]] = {"en": "Off"}

    def evaluate(self, config, basket):
        if basket.items_total.amount < config.minimum:
            return []
        match config.target:
            case Target.LINE:
                return [
                    Proposal(
                        amount=cny(self._amount(config, each.total.amount)),
                        target=Target.LINE,
                        line_id=each.id,
                    )
                    for each in basket.lines
                ]
            case Target.SHIPPING:
                cost = basket.shipping.amount if basket.shipping else 0
                return [Proposal(amount=cny(self._amount(config, cost)), target=Target.SHIPPING)]
        return [Proposal(amount=cny(self._amount(config, basket.items_total.amount)))]

    def why_not(self, config, basket):
        return {"en": f"{config.minimum - basket.items_total.amount} short."}

    @staticmethod
    def _amount(config, total):
        return total * config.percent // 100 if config.percent else config.amount


class Bad(PromotionRule[OffConfig]):
    """Answers with whatever the test put into it."""

    code: ClassVar[str] = "bad"
    config_type: ClassVar[type[msgspec.Struct]] = OffConfig
    name: ClassVar[dict[str, str]] = {"en": "Bad"}

    def __init__(self, answer):
        self.answer = answer
        self.calls = 0

    def evaluate(self, config, basket):
        self.calls += 1
        return self.answer() if callable(self.answer) else self.answer


def promotion(code, rule="off", *, coupons=(), **options):
    fields = {
        name: options.pop(name)
        for name in list(options)
        if name in {"lane", "priority", "exclusive", "active", "starts_at", "ends_at", "scope"}
    }
    return Promotion(
        id=uuid5(NAMESPACE, code),
        code=code,
        name={"en": code.title(), "zh": code},
        rule=rule,
        config=msgspec.Raw(msgspec.json.encode(options)),
        coupons=tuple(coupons),
        **fields,
    )


def book_of(*promotions, rules=()):
    registered = {
        rule.code: RegisteredRule(rule, "test-plugin", "1.2.3") for rule in (Off(), *rules)
    }
    return open_book(promotions, registered)


def tried(where, *promotions, rules=(), runner=None, explain=False):
    return evaluate(
        book_of(*promotions, rules=rules), where, runner or RuleRunner(), explain=explain
    )


def amounts(outcome):
    """Source and amount of each adjustment, in the order made."""
    return [(a.source, a.amount.amount) for a in outcome.adjustments]


def verdicts(outcome):
    return {e.promotion: (str(e.verdict), e.by) for e in outcome.explanation}


def service_on(database, clock):
    """One process's service; a second one on the same database stands for another process."""
    return PromotionService(database, clock, [RegisteredRule(Off(), "test-plugin", "1.2.3")])
