"""One basket against all promotions: lanes, competition, fresh tests, exclusives."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TYPE_CHECKING, Protocol

from msgspec.structs import replace

from commercekit.kernel import allocate
from commercekit.promotions.models import (
    Adjustment,
    AdjustmentKind,
    CouponStatus,
    Explanation,
    PromotionOutcome,
    Share,
    Target,
    Verdict,
)
from commercekit.promotions.rules.words import (
    REASONS,
    coupon_message,
    given_coupon,
    narrowed,
    refused_coupon,
)

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.promotions.models import CouponMessage, PricedBasket, Promotion, Proposal
    from commercekit.promotions.rules.book import Book, Entry

__all__ = ["RuleAsker", "evaluate", "taking_part"]

Offer = tuple[int, "dict[str, str] | None"]
"""Minor units off, already cut to what there is, and the label."""


class RuleAsker(Protocol):
    """Puts the question to a plugin's rule, and stands between its failures and the checkout."""

    def ask(self, entry: Entry, basket: PricedBasket) -> Sequence[Proposal] | None:
        """Checked proposals; ``None`` when the rule failed."""
        ...

    def explain(self, entry: Entry, basket: PricedBasket) -> dict[str, str]:
        """Why the rule proposes nothing, in its own words, by language."""
        ...


@dataclass(slots=True)
class _Course:
    """One run of some promotions over a basket."""

    basket: PricedBasket
    adjustments: list[Adjustment] = field(default_factory=list)
    applied: list[Entry] = field(default_factory=list)
    beaten: dict[Entry, Entry] = field(default_factory=dict)
    failed: set[Entry] = field(default_factory=set)
    asked: dict[Entry, tuple[PricedBasket, Sequence[Proposal]]] = field(default_factory=dict)

    @property
    def discount(self) -> int:
        return -sum(adjustment.amount.amount for adjustment in self.adjustments)


def evaluate(
    book: Book, basket: PricedBasket, asker: RuleAsker, *, explain: bool = False
) -> PromotionOutcome:
    """What all promotions make of ``basket``; the sequence stands at the top of this package.

    Deterministic: the same book and basket give the same outcome, whatever order either came in.
    """
    entries = taking_part(book, basket.market, basket.coupons, basket.now)
    if not entries and not basket.coupons and not explain:
        return PromotionOutcome(adjustments=[], basket=basket, messages=[], explanation=[])
    shared = [entry for entry in entries if not entry.promotion.exclusive]
    course = _run(shared, basket, asker)
    alone = _exclusive(entries, course, basket, asker)
    chosen = alone or course
    return PromotionOutcome(
        adjustments=chosen.adjustments,
        basket=chosen.basket,
        messages=list(_messages(book, chosen, basket)),
        explanation=list(_explain(book, entries, course, alone, basket, asker)) if explain else [],
    )


def taking_part(book: Book, market: str, coupons: Sequence[str], at: datetime) -> list[Entry]:
    """The promotions that are on there and then, for whoever has these coupons."""
    return [
        entry
        for entry in book.entries
        if entry.promotion.is_on(at)
        and entry.promotion.scope.is_in(market)
        and (not entry.promotion.coupons or given_coupon(entry.promotion, coupons))
    ]


def _exclusive(
    entries: Iterable[Entry], shared: _Course, basket: PricedBasket, asker: RuleAsker
) -> _Course | None:
    """The exclusive promotion that applies instead of all others, if one does."""
    barrier = max((entry.promotion.priority for entry in shared.applied), default=None)
    contenders = [
        entry
        for entry in entries
        if entry.promotion.exclusive and (barrier is None or entry.promotion.priority >= barrier)
    ]
    best: _Course | None = None
    best_key: tuple[int, int, str] | None = None
    for entry in contenders:
        course = _run([entry], basket, asker)
        if not course.applied:
            continue
        key = (-entry.promotion.priority, -course.discount, entry.promotion.code)
        if best_key is None or key < best_key:
            best, best_key = course, key
    return best


def _run(entries: Iterable[Entry], basket: PricedBasket, asker: RuleAsker) -> _Course:
    course = _Course(basket)
    ordered = sorted(entries, key=lambda entry: (entry.promotion.lane, *entry.rank))
    for _, lane in groupby(ordered, key=lambda entry: entry.promotion.lane):
        rivals = list(lane)
        _compete_for_lines(rivals, course, asker)
        _compete_for_all(rivals, Target.ORDER, course, asker)
        if course.basket.shipping is not None:
            _compete_for_all(rivals, Target.SHIPPING, course, asker)
    return course


def _compete_for_lines(rivals: Sequence[Entry], course: _Course, asker: RuleAsker) -> None:
    """Give each line to the best offer; after each application the others are asked anew."""
    open_lines = {line.id for line in course.basket.lines}
    while open_lines:
        won: dict[Entry, dict[str, Offer]] = {}
        best: dict[str, tuple[tuple[int, int, str], Entry, Offer]] = {}
        bids: list[tuple[str, Entry]] = []
        for entry in rivals:
            for line_id, offer in _line_offers(entry, open_lines, course, asker).items():
                bids.append((line_id, entry))
                key = (-offer[0], *entry.rank)
                if line_id not in best or key < best[line_id][0]:
                    best[line_id] = (key, entry, offer)
        if not best:
            return
        for line_id, (_, entry, offer) in best.items():
            won.setdefault(entry, {})[line_id] = offer
        winner = min(
            won,
            key=lambda entry: (entry.rank[0], -sum(o[0] for o in won[entry].values()), entry.rank),
        )
        for line_id, entry in bids:
            if entry is not best[line_id][1]:
                course.beaten.setdefault(entry, best[line_id][1])
        for line in course.basket.lines:
            if line.id in won[winner]:
                amount, label = won[winner][line.id]
                shares = (Share(line.id, course.basket.money(-amount)),)
                _apply(winner, Target.LINE, amount, label, shares, course, line_id=line.id)
        open_lines -= won[winner].keys()


def _compete_for_all(
    rivals: Sequence[Entry], target: Target, course: _Course, asker: RuleAsker
) -> None:
    """One promotion of the lane wins the order as a whole, or shipping."""
    offers = [
        (entry, offer)
        for entry in rivals
        if (offer := _whole_offer(entry, target, course, asker))[0] > 0
    ]
    if not offers:
        return
    winner, (amount, label) = min(offers, key=lambda item: (-item[1][0], *item[0].rank))
    for entry, _ in offers:
        if entry is not winner:
            course.beaten.setdefault(entry, winner)
    shares: tuple[Share, ...] = ()
    if target is Target.ORDER:
        lines = narrowed(course.basket, winner.promotion.scope).lines
        parts = allocate(-amount, [line.total.amount for line in lines])
        shares = tuple(
            Share(line.id, course.basket.money(part))
            for line, part in zip(lines, parts, strict=True)
            if part
        )
    _apply(winner, target, amount, label, shares, course)


def _line_offers(
    entry: Entry, open_lines: set[str], course: _Course, asker: RuleAsker
) -> dict[str, Offer]:
    totals = {line.id: line.total.amount for line in course.basket.lines}
    offers: dict[str, Offer] = {}
    for proposal in _ask(entry, course, asker):
        line_id = proposal.line_id
        if proposal.target != Target.LINE or line_id is None or line_id not in open_lines:
            continue
        so_far, label = offers.get(line_id, (0, None))
        amount = min(totals[line_id], so_far + proposal.amount.amount)
        if amount > 0:
            offers[line_id] = (amount, label or proposal.label)
    return offers


def _whole_offer(entry: Entry, target: Target, course: _Course, asker: RuleAsker) -> Offer:
    if target is Target.SHIPPING:
        most = course.basket.shipping.amount if course.basket.shipping else 0
    else:
        most = narrowed(course.basket, entry.promotion.scope).items_total.amount
    amount, label = 0, None
    for proposal in _ask(entry, course, asker):
        if proposal.target == target:
            amount += proposal.amount.amount
            label = label or proposal.label
    return min(most, amount), label


def _ask(entry: Entry, course: _Course, asker: RuleAsker) -> Sequence[Proposal]:
    """The entry's proposals for the basket as it is now; asked again only if that changed."""
    known = course.asked.get(entry)
    if known is not None and known[0] is course.basket:
        return known[1]
    scoped = narrowed(course.basket, entry.promotion.scope)
    answer = asker.ask(entry, scoped) if scoped.lines else ()
    if answer is None:
        course.failed.add(entry)
        answer = ()
    course.asked[entry] = (course.basket, answer)
    return answer


_KINDS = {
    Target.LINE: AdjustmentKind.LINE_DISCOUNT,
    Target.ORDER: AdjustmentKind.ORDER_DISCOUNT,
    Target.SHIPPING: AdjustmentKind.SHIPPING_DISCOUNT,
}


def _apply(
    entry: Entry,
    target: Target,
    amount: int,
    label: dict[str, str] | None,
    shares: tuple[Share, ...],
    course: _Course,
    *,
    line_id: str | None = None,
) -> None:
    promotion, basket = entry.promotion, course.basket
    course.adjustments.append(
        Adjustment(
            kind=_KINDS[target],
            source=promotion.code,
            rule=entry.source,
            promotion_version=promotion.version,
            label=label or promotion.name,
            amount=basket.money(-amount),
            line_id=line_id,
            shares=shares,
            coupon=given_coupon(promotion, basket.coupons),
        )
    )
    if entry not in course.applied:
        course.applied.append(entry)
    if target is Target.SHIPPING and basket.shipping is not None:
        course.basket = replace(basket, shipping=basket.money(basket.shipping.amount - amount))
    else:
        course.basket = basket.less(shares)


def _messages(book: Book, course: _Course, basket: PricedBasket) -> Iterator[CouponMessage]:
    used = {adjustment.coupon for adjustment in course.adjustments}
    for coupon in dict.fromkeys(basket.coupons):
        owners = book.by_coupon.get(coupon, ())
        status = CouponStatus.APPLIED if coupon in used else refused_coupon(owners, basket.now)
        yield coupon_message(status, coupon)


def _explain(
    book: Book,
    taking_part: Sequence[Entry],
    shared: _Course,
    alone: _Course | None,
    basket: PricedBasket,
    asker: RuleAsker,
) -> Iterator[Explanation]:
    """What became of every promotion, applied or not, in the order they were looked at."""
    part = set(taking_part)
    chosen = alone or shared
    for entry in book.entries:
        promotion = entry.promotion
        if entry in chosen.applied:
            yield _explanation(promotion, Verdict.APPLIED)
        elif not promotion.is_on(basket.now):
            yield _explanation(promotion, Verdict.NOT_ON)
        elif not promotion.scope.is_in(basket.market):
            yield _explanation(promotion, Verdict.OTHER_MARKET)
        elif entry not in part:
            yield _explanation(promotion, Verdict.COUPON_MISSING)
        elif not narrowed(basket, promotion.scope).lines:
            yield _explanation(promotion, Verdict.OUT_OF_SCOPE)
        elif entry in shared.failed:
            yield _explanation(promotion, Verdict.RULE_FAILED)
        elif alone is not None and (promotion.exclusive or entry in shared.applied):
            yield _explanation(promotion, Verdict.EXCLUDED, by=alone.applied[0])
        elif entry in shared.beaten:
            yield _explanation(promotion, Verdict.BEATEN, by=shared.beaten[entry])
        else:
            yield _unmet(entry, shared, basket, asker)
    for promotion, verdict in book.unusable:
        yield _explanation(promotion, verdict)


def _unmet(entry: Entry, shared: _Course, basket: PricedBasket, asker: RuleAsker) -> Explanation:
    promotion = entry.promotion
    if promotion.exclusive and shared.applied:
        answer = asker.ask(entry, narrowed(basket, promotion.scope))
        if answer is None:
            return _explanation(promotion, Verdict.RULE_FAILED)
        if any(proposal.amount.amount for proposal in answer):
            first = min(shared.applied, key=lambda applied: applied.rank)
            return _explanation(promotion, Verdict.EXCLUDED, by=first)
    known = shared.asked.get(entry)
    last = known[0] if known else basket
    words = asker.explain(entry, narrowed(last, promotion.scope))
    return _explanation(promotion, Verdict.NOT_MET, words=words)


def _explanation(
    promotion: Promotion,
    verdict: Verdict,
    *,
    by: Entry | None = None,
    words: dict[str, str] | None = None,
) -> Explanation:
    reason = {
        language: f"{text} {words[language]}" if words and language in words else text
        for language, text in REASONS[verdict].items()
    }
    return Explanation(
        promotion=promotion.code,
        verdict=verdict,
        reason=reason,
        by=by.promotion.code if by else None,
    )
