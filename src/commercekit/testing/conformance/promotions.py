"""The contract of :class:`commercekit.promotions.PromotionRule`, rule by rule."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar, NamedTuple

import msgspec
import pytest
from msgspec import Raw, Struct

from commercekit.kernel import Money
from commercekit.promotions import PricedBasket, PromotionRule, Proposal, Target
from commercekit.testing.conformance.baskets import curious_baskets, odd_baskets, usual_baskets
from commercekit.testing.conformance.contract import unspoken
from commercekit.testing.conformance.promotion_rules import PROMOTION_RULE_RULES
from commercekit.testing.conformance.pure import PureContract, Question
from commercekit.testing.conformance.replays import (
    RECORD,
    Replay,
    is_recording,
    read_replays,
    record_replays,
)
from commercekit.testing.conformance.twins import as_bytes

__all__ = ["PromotionRuleContract"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_UNKNOWN = "no_such_setting_anywhere"
Rule = PromotionRule[Any]


class _Offer(NamedTuple):
    """What a rule proposed for a basket."""

    about: str
    basket: PricedBasket
    proposals: Sequence[Proposal]


class PromotionRuleContract(PureContract):
    """Inherit it, give the ``rule`` and settings that are right and wrong; add baskets it needs.

    The baskets of the kit are in CNY, EUR, JPY and KWD; a rule that only counts for others of its own
    making, such as those of one brand, brings them in :meth:`baskets`.
    """

    rules = PROMOTION_RULE_RULES

    valid_settings: ClassVar[Sequence[Mapping[str, Any]]] = ()
    """Settings as staff would send them, as JSON values; each should take something off some basket."""
    invalid_settings: ClassVar[Sequence[tuple[Mapping[str, Any], str]]] = ()
    """Settings that must be refused, each with words that the refusal must contain."""
    replays: ClassVar[Path | None] = None
    """Where recorded answers lie, for later versions to be held to; beside the tests, and committed."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def rule(self) -> Rule:
        """The rule under test."""
        raise NotImplementedError

    def baskets(self) -> Mapping[str, PricedBasket]:
        """Baskets of your own, by name, besides those of the kit."""
        return {}

    @pytest.fixture
    def thinker(self, rule: Rule) -> Rule:
        """As the rules of everything pure call it."""
        return rule

    # ------------------------------------------------------------------------------------ material

    def questions(self, thinker: Any, *, salt: int = 0) -> Sequence[Question]:
        """All settings on all baskets."""
        baskets = {**self.baskets(), **usual_baskets(salt), **odd_baskets()}
        asked: list[Question] = []
        for each in self._settings():
            config = self._read(thinker, each)
            asked += [
                Question(
                    f"{_short(each)} for {name}",
                    thinker.evaluate,
                    (config, basket),
                    large=len(basket.lines) >= 100,
                )
                for name, basket in baskets.items()
            ]
        config = asked[0].given[0]
        made_up = [
            Question(f"a made-up basket {n}", thinker.evaluate, (config, basket))
            for n, basket in enumerate(curious_baskets())
        ]
        return [asked[0], *made_up, *asked[1:]]

    def judge(self, question: Question, answer: Any) -> None:
        """Rule ``proposes-proposals``."""
        basket: PricedBasket = question.given[1]
        lines = {line.id for line in basket.lines}
        self.hold(
            "proposes-proposals",
            isinstance(answer, list | tuple),
            f"{question.about}: answered {type(answer).__name__}",
        )
        for each in answer:
            fault = _misshapen(each, lines)
            self.hold("proposes-proposals", fault is None, f"{question.about}: {fault}")

    # ------------------------------------------------------------------------------------ identity

    def test_declares_itself(self, rule: Rule) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(rule, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")
        config: Any = getattr(rule, "config_type", None)
        known = isinstance(config, type) and issubclass(config, Struct)
        self.hold("declares-itself", known, f"config_type is {config!r}")
        fault = unspoken(getattr(rule, "name", None))
        self.hold("declares-itself", fault is None, f"name: {fault}")

    def test_applies_somewhere(self, rule: Rule) -> None:
        """Rule ``applies-somewhere``: each of ``valid_settings`` takes something off some basket."""
        for each in self._settings():
            config = self._read(rule, each)
            baskets = {**self.baskets(), **usual_baskets()}.values()
            applied = any(self._proposed(rule, config, basket) for basket in baskets)
            self.hold("applies-somewhere", applied, f"{_short(each)} takes nothing off any basket")

    # --------------------------------------------------------------------------------------- answers

    def test_proposes_proposals(self, rule: Rule) -> None:
        """Rule ``proposes-proposals``."""
        for _ in self._offers(rule):
            continue

    def test_keeps_the_currency(self, rule: Rule) -> None:
        """Rule ``keeps-the-currency``."""
        for about, basket, proposals in self._offers(rule):
            for each in proposals:
                same = each.amount.currency == basket.currency
                self.hold("keeps-the-currency", same, f"{about}: {each.amount!r}")

    def test_counts_whole_units(self, rule: Rule) -> None:
        """Rule ``counts-whole-units``."""
        for about, _, proposals in self._offers(rule):
            for each in proposals:
                whole = type(each.amount.amount) is int
                self.hold("counts-whole-units", whole, f"{about}: {each.amount.amount!r}")

    def test_takes_something_off(self, rule: Rule) -> None:
        """Rule ``takes-something-off``."""
        for about, _, proposals in self._offers(rule):
            for each in proposals:
                self.hold("takes-something-off", each.amount.amount > 0, f"{about}: {each!r}")

    def test_stays_within_the_line(self, rule: Rule) -> None:
        """Rule ``stays-within-the-line``."""
        for about, basket, proposals in self._offers(rule):
            for line in basket.lines:
                off = sum(p.amount.amount for p in proposals if p.line_id == line.id)
                detail = f"{about}: {off} off {line.id!r}, which costs {line.total.amount}"
                self.hold("stays-within-the-line", off <= max(0, line.total.amount), detail)

    def test_never_goes_below_zero(self, rule: Rule) -> None:
        """Rule ``never-goes-below-zero``."""
        for about, basket, proposals in self._offers(rule):
            freight = basket.shipping.amount if basket.shipping else 0
            for target, most in (
                (Target.ORDER, basket.items_total.amount),
                (Target.SHIPPING, freight),
            ):
                off = sum(p.amount.amount for p in proposals if p.target == target)
                detail = f"{about}: {off} off {target.value}, which costs {most}"
                self.hold("never-goes-below-zero", off <= most, detail)

    def test_adds_up(self, rule: Rule) -> None:
        """Rule ``adds-up``."""
        for about, basket, proposals in self._offers(rule):
            parts = {
                target: sum(p.amount.amount for p in proposals if p.target == target)
                for target in (Target.LINE, Target.ORDER)
            }
            most = basket.items_total.amount
            # Either alone is the business of the two rules above.
            both = all(0 < part <= most for part in parts.values())
            fits = not both or sum(parts.values()) <= most
            self.hold("adds-up", fits, f"{about}: {parts} off goods that cost {most}")

    def test_order_of_lines_means_nothing(self, rule: Rule) -> None:
        """Rule ``order-of-lines-means-nothing``: break ties by the line's id, for instance."""
        for question in self.questions(rule):
            config, basket = question.given
            first = _sorted(self.said(question))
            for lines in (basket.lines[::-1], basket.lines[1:] + basket.lines[:1]):
                turned = msgspec.structs.replace(basket, lines=lines)
                other = _sorted(
                    self.said(
                        Question(f"{question.about}, reordered", question.ask, (config, turned))
                    )
                )
                detail = f"{question.about}: {first}, reordered {other}"
                self.hold("order-of-lines-means-nothing", first == other, detail)

    # -------------------------------------------------------------------------------------- settings

    def test_refuses_bad_settings(self, rule: Rule) -> None:
        """Rule ``refuses-bad-settings``: all of ``invalid_settings``, in words that help."""
        self.hold(
            "refuses-bad-settings",
            bool(self.invalid_settings) or not rule.config_type.__struct_fields__,
            "invalid_settings are empty: say what staff may get wrong",
        )
        for each, words in self.invalid_settings:
            try:
                self._decoded(rule, each)
            except msgspec.ValidationError as refusal:
                detail = f"{_short(each)} is refused with {str(refusal)!r}, without {words!r}"
                self.hold("refuses-bad-settings", words in str(refusal), detail)
            except Exception as error:  # staff would be told of an error inside
                detail = f"{_short(each)} raises {error!r}; raise ValueError with a sentence"
                raise self.breach(of="refuses-bad-settings", seen=detail) from error
            else:
                self.hold("refuses-bad-settings", holds=False, detail=f"took {_short(each)}")

    def test_refuses_unknown_settings(self, rule: Rule) -> None:
        """Rule ``refuses-unknown-settings``: the struct has ``forbid_unknown_fields=True``."""
        for each in self._settings():
            try:
                self._decoded(rule, {**each, _UNKNOWN: 1})
            except msgspec.ValidationError:
                continue
            detail = f"took {_short(each)} with {_UNKNOWN!r}"
            self.hold("refuses-unknown-settings", holds=False, detail=detail)

    def test_settings_survive_storage(self, rule: Rule) -> None:
        """Rule ``settings-survive-storage``: written and read again, they mean the same."""
        for each in self._settings():
            config = self._read(rule, each)
            again = msgspec.json.decode(msgspec.json.encode(config), type=rule.config_type)
            detail = f"{_short(each)} reads {config!r}, and {again!r} once it was stored"
            self.hold("settings-survive-storage", config == again, detail)

    def test_replays_the_same(self, rule: Rule) -> None:
        """Rule ``replays-the-same``: all that was recorded in ``replays`` with earlier versions."""
        if self.replays is None:
            self.pass_over("no replays are recorded")
            return
        if is_recording():
            record_replays(self.replays, self._recordings(rule))
        recorded = read_replays(self.replays)
        hint = f"nothing is recorded in {self.replays.name}: run once with {RECORD}=1"
        self.hold("replays-the-same", bool(recorded), hint)
        for each in recorded:
            config = msgspec.json.decode(each.settings, type=rule.config_type)
            basket = msgspec.json.decode(each.given, type=PricedBasket)
            now = self.answer(Question("a recorded basket", rule.evaluate, (config, basket)))
            detail = f"{bytes(each.settings)!r}: {bytes(each.answer)!r} then, {now!r} now"
            self.hold("replays-the-same", now == bytes(each.answer), detail)

    # ----------------------------------------------------------------------------------------- words

    def test_explains_itself(self, rule: Rule) -> None:
        """Rule ``explains-itself``: why nothing is off a basket that costs something."""
        for about, basket, proposals, config in self._tried(rule):
            if not proposals and basket.items_total.amount > 0:
                words = self._words(rule.why_not, config, basket)
                said = isinstance(words, dict) and any(words.values())
                self.hold("explains-itself", said, f"{about}: why_not says {words!r}")

    def test_speaks_both_languages(self, rule: Rule) -> None:
        """Rule ``speaks-both-languages``: offers, labels and explanations."""
        for each in self._settings():
            fault = unspoken(self._words(rule.describe, self._read(rule, each)))
            self.hold("speaks-both-languages", fault is None, f"describe {_short(each)}: {fault}")
        for about, basket, proposals, config in self._tried(rule):
            for label in (p.label for p in proposals if p.label is not None):
                fault = unspoken(label)
                self.hold("speaks-both-languages", fault is None, f"{about}: a label: {fault}")
            words = None if proposals else self._words(rule.why_not, config, basket)
            if words:
                fault = unspoken(words)
                self.hold("speaks-both-languages", fault is None, f"{about}: why_not: {fault}")

    # ------------------------------------------------------------------------------------------------

    def _settings(self) -> Sequence[Mapping[str, Any]]:
        __tracebackhide__ = True
        self.hold("applies-somewhere", bool(self.valid_settings), "valid_settings are empty")
        return self.valid_settings

    def _decoded(self, rule: Rule, settings: Mapping[str, Any]) -> Any:
        return msgspec.json.decode(msgspec.json.encode(settings), type=rule.config_type)

    def _read(self, rule: Rule, settings: Mapping[str, Any]) -> Any:
        __tracebackhide__ = True
        try:
            return self._decoded(rule, settings)
        except Exception as error:
            detail = f"{_short(settings)} should be taken, and raises {error!r}"
            raise self.breach(of="refuses-bad-settings", seen=detail) from error

    def _proposed(self, rule: Rule, config: Any, basket: PricedBasket) -> Sequence[Proposal]:
        answer: Sequence[Proposal] = self.said(
            Question("a basket", rule.evaluate, (config, basket))
        )
        return answer

    def _offers(self, rule: Rule) -> Iterator[_Offer]:
        for question in self.questions(rule):
            yield _Offer(question.about, question.given[1], self.said(question))

    def _tried(self, rule: Rule) -> Iterator[tuple[str, PricedBasket, Sequence[Proposal], Any]]:
        for question in self.questions(rule):
            yield question.about, question.given[1], self.said(question), question.given[0]

    def _words(self, say: Any, *given: Any) -> Any:
        try:
            return say(*given)
        except Exception as error:
            detail = f"{say.__name__} for {given[0]!r}: {error!r}"
            raise self.breach(of="raises-nothing", seen=detail) from error

    def _recordings(self, rule: Rule) -> Iterator[Replay]:
        for each in self._settings():
            config = self._read(rule, each)
            for name, basket in {**self.baskets(), **usual_baskets()}.items():
                if len(basket.lines) < 100:
                    asked = Question(name, rule.evaluate, (config, basket))
                    yield Replay(
                        settings=Raw(as_bytes(dict(each))),
                        given=Raw(as_bytes(basket)),
                        answer=Raw(self.answer(asked)),
                    )


def _misshapen(each: Any, lines: set[str]) -> str | None:
    if not isinstance(each, Proposal):
        return f"proposed {type(each).__name__} instead of a Proposal"
    amount: object = each.amount
    if not isinstance(amount, Money):
        return f"proposed {amount!r} instead of Money"
    if each.target not in set(Target):
        return f"proposed for {each.target!r}"
    if each.target == Target.LINE and each.line_id not in lines:
        return f"proposed for a line {each.line_id!r} that is not in the basket"
    if each.target != Target.LINE and each.line_id is not None:
        return f"named line {each.line_id!r} for {each.target!r}"
    return None


def _sorted(proposals: Sequence[Proposal]) -> list[bytes]:
    return sorted(as_bytes(each) for each in proposals)


def _short(settings: Mapping[str, Any]) -> str:
    text = msgspec.json.encode(settings).decode()
    return text if len(text) <= 120 else f"{text[:119]}…"
