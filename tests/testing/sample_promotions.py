"""A promotion rule that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import os
import random
import socket
import sqlite3
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from msgspec import Meta, Struct

from commercekit.kernel import Money
from commercekit.promotions import PricedBasket, PromotionRule, Proposal, Target
from commercekit.testing.conformance import PromotionRuleContract


class Config(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_cent: Annotated[int, Meta(ge=1, le=100)]
    minimum: Annotated[int, Meta(ge=0)] = 0


class GoodRule(PromotionRule[Any]):
    """So much per cent off every line, from a minimum on."""

    code: ClassVar[str] = "good"
    config_type: ClassVar[type[Struct]] = Config
    name: ClassVar[dict[str, str]] = {"en": "Good", "zh": "好"}

    def evaluate(self, config: Any, basket: PricedBasket) -> Sequence[Proposal]:
        if basket.items_total.amount < config.minimum:
            return ()
        return [
            Proposal(amount=basket.money(off), target=Target.LINE, line_id=line.id)
            for line in basket.lines
            if (off := self.off(config, line.total)) > 0
        ]

    def off(self, config: Any, total: Money) -> int:
        return total.portion(Fraction(config.per_cent, 100)).amount

    def why_not(self, config: Any, basket: PricedBasket) -> dict[str, str]:
        return {"en": "Too little is in the cart.", "zh": "购物车金额不足。"}

    def describe(self, config: Any) -> dict[str, str]:
        return {"en": f"{config.per_cent} % off", "zh": f"立减 {config.per_cent}%"}


class GoodContract(PromotionRuleContract):
    """What its plugin's tests would say."""

    cpu_budget = 0.01
    valid_settings = ({"per_cent": 10}, {"per_cent": 35, "minimum": 5_000})
    invalid_settings = (({"per_cent": 0}, ">= 1"), ({}, "per_cent"))

    @pytest.fixture
    def rule(self) -> Any:
        return GoodRule()


class SpeaksEnglishOnly(GoodRule):
    name: ClassVar[dict[str, str]] = {"en": "Good"}


class Never(GoodRule):
    def evaluate(self, config, basket):
        return ()


class AnswersWithAmounts(GoodRule):
    def evaluate(self, config, basket):
        return [proposal.amount for proposal in super().evaluate(config, basket)]


class NamesLinesOfOthers(GoodRule):
    def evaluate(self, config, basket):
        return [
            msgspec.structs.replace(each, line_id="elsewhere")
            for each in super().evaluate(config, basket)
        ]


class InDollars(GoodRule):
    def evaluate(self, config, basket):
        return [
            msgspec.structs.replace(each, amount=Money(each.amount.amount, "USD"))
            for each in super().evaluate(config, basket)
        ]


class InFractions(GoodRule):
    def off(self, config, total):
        return total.amount * config.per_cent / 100


class OffersNothing(GoodRule):
    def evaluate(self, config, basket):
        off = basket.items_total.portion(Fraction(config.per_cent, 100))
        return [Proposal(amount=off)] if basket.items_total.amount >= config.minimum else ()


class Charges(GoodRule):
    def off(self, config, total):
        return super().off(config, total) or 1

    def evaluate(self, config, basket):
        return [
            msgspec.structs.replace(each, amount=-each.amount)
            for each in super().evaluate(config, basket)
        ]


class FixedOffEachLine(GoodRule):
    def off(self, config, total):
        return 500


class FixedOffTheOrder(GoodRule):
    def evaluate(self, config, basket):
        return [Proposal(amount=basket.money(5_000))]


class MoreThanFreight(GoodRule):
    def evaluate(self, config, basket):
        return [Proposal(amount=basket.money(1_000), target=Target.SHIPPING)]


class TwiceTheSame(GoodRule):
    def evaluate(self, config, basket):
        lines = list(super().evaluate(config, basket))
        total = basket.items_total
        rest = msgspec.structs.replace(total, amount=total.amount * 9 // 10)
        return [*lines, Proposal(amount=rest)] if rest and config.per_cent > 30 else lines


class FirstLineOnly(GoodRule):
    def evaluate(self, config, basket):
        return list(super().evaluate(config, basket))[:1]


class LaxConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_cent: int = 5
    minimum: int = 0


class TakesAnything(GoodRule):
    config_type = LaxConfig


class LoudConfig(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    per_cent: int
    minimum: int = 0

    def __post_init__(self) -> None:
        if self.per_cent < 1:
            raise KeyError(self.per_cent)


class FailsInside(GoodRule):
    config_type = LoudConfig


class OpenConfig(Struct, frozen=True, kw_only=True):
    per_cent: Annotated[int, Meta(ge=1, le=100)]
    minimum: Annotated[int, Meta(ge=0)] = 0


class OverlooksSlips(GoodRule):
    config_type = OpenConfig


class MajorConfig(Config, frozen=True, kw_only=True, forbid_unknown_fields=True):
    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "minimum", self.minimum * 2)


class ConvertsOnReading(GoodRule):
    config_type = MajorConfig


class RoundsDown(GoodRule):
    """A later version of the good one."""

    def off(self, config, total):
        return total.amount * config.per_cent // 100


class Silent(GoodRule):
    def why_not(self, config, basket):
        return {}


class DescribesInEnglish(GoodRule):
    def describe(self, config):
        return {"en": "off"}


class LabelsInChinese(GoodRule):
    def evaluate(self, config, basket):
        label = {"zh": "折扣", "en": " "}
        return [
            msgspec.structs.replace(each, label=label) for each in super().evaluate(config, basket)
        ]


class DividesByTheTotal(GoodRule):
    def evaluate(self, config, basket):
        share = Fraction(1, basket.items_total.amount)
        return super().evaluate(config, basket) if share else ()


class DropsCoupons(GoodRule):
    def evaluate(self, config, basket):
        msgspec.structs.force_setattr(basket, "coupons", basket.coupons[1:])
        return super().evaluate(config, basket)


class LeavesNotes(GoodRule):
    def evaluate(self, config, basket):
        basket.__dict__["seen"] = True
        return super().evaluate(config, basket)


class NotAgain(GoodRule):
    def __init__(self) -> None:
        self.last: Any = None

    def evaluate(self, config, basket):
        if len(basket.lines) > 100:
            return super().evaluate(config, basket)
        again, self.last = basket is self.last, basket
        return () if again else super().evaluate(config, basket)


class RemembersTheCurrency(GoodRule):
    currency: str | None = None

    def evaluate(self, config, basket):
        self.currency = self.currency or basket.currency
        return super().evaluate(config, basket) if basket.currency == self.currency else ()


class PicksFromASet(GoodRule):
    def evaluate(self, config, basket):
        found = super().evaluate(config, basket)
        picked = max(found, key=lambda each: (hash(each.line_id), each.line_id), default=None)
        return [picked] if picked else ()


class HappyHour(GoodRule):
    def evaluate(self, config, basket):
        return () if datetime.now(UTC).year < 2000 else super().evaluate(config, basket)


class Lottery(GoodRule):
    def evaluate(self, config, basket):
        return () if random.random() < 0 else super().evaluate(config, basket)


class AsksADatabase(GoodRule):
    def evaluate(self, config, basket):
        with suppress(OSError):
            sqlite3.connect(":memory:").close()
        return super().evaluate(config, basket)


class AsksAServer(GoodRule):
    def evaluate(self, config, basket):
        with suppress(OSError), socket.socket() as line:
            line.connect(("127.0.0.1", 9))
        return super().evaluate(config, basket)


class ReadsAFile(GoodRule):
    def evaluate(self, config, basket):
        with Path(__file__).open("rb"):
            return super().evaluate(config, basket)


class ReadsTheEnvironment(GoodRule):
    def evaluate(self, config, basket):
        return () if os.environ.get("NO_SALE") else super().evaluate(config, basket)


class ComparesAllWithAll(GoodRule):
    def evaluate(self, config, basket):
        if len(basket.lines) > 100:
            for one in basket.lines:
                for other in basket.lines:
                    for _ in range(20):
                        _same = one is other
        return super().evaluate(config, basket)


class CopiesEverything(GoodRule):
    def evaluate(self, config, basket):
        bytes(2_000_000 if len(basket.lines) > 100 else 0)
        return super().evaluate(config, basket)


class KeepsALog(GoodRule):
    def __init__(self) -> None:
        self.log: list[Any] = []

    def evaluate(self, config, basket):
        if len(basket.lines) > 100:
            self.log.append([line.total for line in basket.lines])
        return super().evaluate(config, basket)


BROKEN: dict[type[GoodRule], set[str]] = {
    SpeaksEnglishOnly: {"declares-itself"},
    Never: {"applies-somewhere"},
    AnswersWithAmounts: {"proposes-proposals"},
    NamesLinesOfOthers: {"proposes-proposals"},
    InDollars: {"keeps-the-currency"},
    InFractions: {"counts-whole-units"},
    OffersNothing: {"takes-something-off"},
    Charges: {"takes-something-off"},
    FixedOffEachLine: {"stays-within-the-line"},
    FixedOffTheOrder: {"never-goes-below-zero"},
    MoreThanFreight: {"never-goes-below-zero"},
    TwiceTheSame: {"adds-up"},
    FirstLineOnly: {"order-of-lines-means-nothing"},
    TakesAnything: {"refuses-bad-settings"},
    FailsInside: {"refuses-bad-settings"},
    OverlooksSlips: {"refuses-unknown-settings"},
    # On its way to another process it is written and read, too.
    ConvertsOnReading: {"settings-survive-storage", "answers-the-same-on-every-node"},
    Silent: {"explains-itself"},
    DescribesInEnglish: {"speaks-both-languages"},
    LabelsInChinese: {"speaks-both-languages"},
    DividesByTheTotal: {"raises-nothing"},
    DropsCoupons: {"changes-nothing"},
    LeavesNotes: {"changes-nothing"},
    NotAgain: {"answers-the-same-twice"},
    RemembersTheCurrency: {"keeps-nothing-between-calls"},
    PicksFromASet: {"answers-the-same-on-every-node"},
    HappyHour: {"looks-at-no-clock"},
    Lottery: {"throws-no-dice"},
    AsksADatabase: {"asks-nobody"},
    AsksAServer: {"asks-nobody"},
    ReadsAFile: {"reads-nothing-else"},
    ReadsTheEnvironment: {"reads-nothing-else"},
    ComparesAllWithAll: {"keeps-to-its-time"},
    CopiesEverything: {"keeps-to-its-memory"},
    KeepsALog: {"leaves-nothing-behind"},
}
"""Which rules, and no others, each of them breaks; ``replays-the-same`` needs two versions."""
