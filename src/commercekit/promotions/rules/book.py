"""Promotions made ready: settings decoded once, rules looked up, sorted."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.promotions.models import RuleSource, Verdict

if TYPE_CHECKING:
    from commercekit.promotions.models import Promotion
    from commercekit.promotions.providers import PromotionRule

__all__ = ["Book", "Entry", "RegisteredRule", "open_book"]


@dataclass(frozen=True, slots=True)
class RegisteredRule:
    """A rule, and the code and version of the plugin that brought it."""

    rule: PromotionRule[Any]
    plugin: str
    version: str

    @property
    def source(self) -> RuleSource:
        """What explanations name."""
        return RuleSource(self.rule.code, self.plugin, self.version)


@dataclass(frozen=True, slots=True, eq=False)
class Entry:
    """A promotion that can be evaluated. Compared by identity: it is the key of what happened to it."""

    promotion: Promotion
    rule: PromotionRule[Any]
    source: RuleSource
    config: msgspec.Struct

    @property
    def rank(self) -> tuple[int, str]:
        """Who goes first among equals: higher priority, then the code that sorts first."""
        return (-self.promotion.priority, self.promotion.code)


@dataclass(frozen=True, slots=True)
class Book:
    """All promotions of a shop, in the order in which they are looked at."""

    entries: tuple[Entry, ...] = ()
    unusable: tuple[tuple[Promotion, Verdict], ...] = ()
    by_coupon: Mapping[str, tuple[Promotion, ...]] = field(default_factory=dict)

    @property
    def promotions(self) -> list[Promotion]:
        """The promotions that can be evaluated."""
        return [entry.promotion for entry in self.entries]


def open_book(promotions: Iterable[Promotion], rules: Mapping[str, RegisteredRule]) -> Book:
    """Look up the rule of each promotion and decode its settings.

    One whose rule no plugin brings, or whose settings no longer fit after an upgrade, is set aside with
    the verdict: it must not keep the others from working.
    """
    entries: list[Entry] = []
    unusable: list[tuple[Promotion, Verdict]] = []
    by_coupon: dict[str, tuple[Promotion, ...]] = {}
    for promotion in promotions:
        for coupon in promotion.coupons:
            by_coupon[coupon] = (*by_coupon.get(coupon, ()), promotion)
        registered = rules.get(promotion.rule)
        if registered is None:
            unusable.append((promotion, Verdict.RULE_MISSING))
            continue
        try:
            config = msgspec.json.decode(promotion.config, type=registered.rule.config_type)
        except msgspec.MsgspecError:
            unusable.append((promotion, Verdict.CONFIG_INVALID))
            continue
        entries.append(Entry(promotion, registered.rule, registered.source, config))
    entries.sort(key=lambda entry: (entry.promotion.lane, *entry.rank))
    unusable.sort(key=lambda item: item[0].code)
    return Book(tuple(entries), tuple(unusable), by_coupon)
