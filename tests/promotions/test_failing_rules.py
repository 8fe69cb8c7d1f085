"""A rule that misbehaves costs the shopper its discount and nobody anything else."""

from __future__ import annotations

import logging

import pytest
import structlog

from commercekit.kernel import Money
from commercekit.platform.providers import Breaker, FailurePolicy, PluginFailed, ProviderCaller
from commercekit.promotions import PROMOTION_RULES, Proposal, RuleRunner, Target
from tests.guards import patient_guard
from tests.promotions.sample import Bad, amounts, basket, cny, line, promotion, tried, verdicts


def boom():
    message = "boom"
    raise RuntimeError(message)


WRONG = {
    "nothing": None,
    "a number": 5,
    "a sentence": "10 % off",
    "strangers": [42],
    "a charge": [Proposal(amount=cny(-5))],
    "another currency": [Proposal(amount=Money(5, "EUR"))],
    "a broken amount": [Proposal(amount=Money(0.5, "CNY"))],
    "no money": [Proposal(amount=7)],
    "a line that is not there": [Proposal(amount=cny(5), target=Target.LINE, line_id="ghost")],
    "a line without name": [Proposal(amount=cny(5), target=Target.LINE)],
    "an order with a line": [Proposal(amount=cny(5), line_id="a")],
    "an unknown target": [Proposal(amount=cny(5), target="moon")],
    "a wrong label": [Proposal(amount=cny(5), label={"en": 5})],
    "a book as label": [Proposal(amount=cny(5), label={"en": "x" * 10_000_000})],
    "a flood": [Proposal(amount=cny(1))] * 5_000,
}


@pytest.mark.parametrize("answer", [pytest.param(v, id=k) for k, v in WRONG.items()])
def test_a_wrong_answer_is_left_out_and_counted_and_the_others_apply(answer, caplog):
    bad = Bad(answer)
    with structlog.testing.capture_logs() as logs, caplog.at_level(logging.WARNING):
        outcome = tried(
            basket(line("a", 1000)),
            promotion("broken", rule="bad"),
            promotion("good", percent=10),
            rules=[bad],
            explain=True,
        )
    assert amounts(outcome) == [("good", -100)]
    assert verdicts(outcome)["broken"] == ("rule-failed", None)
    assert {(log["event"], log["provider"]) for log in logs} == {
        ("provider-answered-wrong", "bad"),
        ("provider-left-out", "bad"),
    }
    assert "promotion broken is left out: rule bad of test-plugin failed" in caplog.text


def test_a_rule_that_raises_is_left_out_and_the_log_has_the_cause():
    with structlog.testing.capture_logs() as logs:
        outcome = tried(
            basket(line("a", 1000)),
            promotion("broken", rule="bad"),
            promotion("good", percent=10),
            rules=[Bad(boom)],
        )
    assert amounts(outcome) == [("good", -100)]
    assert logs[0]["event"] == "provider-raised"
    assert logs[0]["error"] == "RuntimeError: boom"
    assert logs[0]["where"][-1].startswith("boom (")


def test_a_shop_may_rather_refuse_the_quote_than_forget_a_promotion():
    guard = patient_guard(PROMOTION_RULES, policy=FailurePolicy.CLOSED)
    with pytest.raises(
        PluginFailed, match="The plugin behind bad failed in promotion-rule.evaluate"
    ):
        tried(
            basket(line("a", 1000)),
            promotion("broken", rule="bad"),
            rules=[Bad(boom)],
            runner=RuleRunner(guard),
        )


def test_a_rule_that_leaves_the_process_or_answers_lazily_is_left_out():
    def leave():
        raise SystemExit(3)

    async def late():
        return []

    for answer in (leave, late, lambda: (each for each in ())):
        outcome = tried(
            basket(line("a", 1000)),
            promotion("broken", rule="bad"),
            promotion("good", percent=10),
            rules=[Bad(answer)],
        )
        assert amounts(outcome) == [("good", -100)]


def test_a_rule_that_takes_too_long_is_left_out():
    ticks = iter(range(1000))
    with structlog.testing.capture_logs() as logs:
        outcome = tried(
            basket(line("a", 1000)),
            promotion("slow", rule="bad"),
            rules=[Bad([Proposal(amount=cny(5))])],
            runner=RuleRunner(ProviderCaller(now=lambda: next(ticks))),
        )
    assert amounts(outcome) == []
    assert logs[0]["event"] == "provider-too-slow"


def test_a_rule_that_keeps_failing_is_left_alone_for_a_while_and_then_asked_again():
    bad = Bad(boom)
    now = [0.0]
    breaker = Breaker(limit=3, rest=60, now=lambda: now[0])
    runner = RuleRunner(ProviderCaller(breaker=lambda: breaker, now=lambda: now[0]))
    where = basket(line("a", 1000))

    def attempt():
        return tried(where, promotion("p", rule="bad"), rules=[bad], runner=runner)

    for _ in range(5):
        attempt()
    assert bad.calls == 3
    now[0] = 61.0
    bad.answer = [Proposal(amount=cny(5))]
    assert amounts(attempt()) == [("p", -5)]


def test_one_good_answer_forgives_earlier_failures():
    bad = Bad(boom)
    runner = RuleRunner(ProviderCaller(breaker=lambda: Breaker(limit=2)))
    where = basket(line("a", 1000))
    for answer in (boom, [], boom, [], boom):
        bad.answer = answer
        tried(where, promotion("p", rule="bad"), rules=[bad], runner=runner)
    assert bad.calls == 5


def test_a_rule_that_no_plugin_brings_and_settings_that_do_not_fit_are_set_aside():
    outcome = tried(
        basket(line("a", 1000)),
        promotion("gone", rule="uninstalled"),
        promotion("odd", percent="ten"),
        promotion("stranger", colour="red"),
        promotion("good", percent=10),
        explain=True,
    )
    assert amounts(outcome) == [("good", -100)]
    assert verdicts(outcome) == {
        "good": ("applied", None),
        "gone": ("rule-missing", None),
        "odd": ("config-invalid", None),
        "stranger": ("config-invalid", None),
    }


def test_a_rule_that_fails_at_explaining_itself_breaks_no_explanation(monkeypatch):
    bad = Bad([])
    monkeypatch.setattr(bad, "why_not", lambda config, basket: boom())
    outcome = tried(basket(line("a", 1000)), promotion("p", rule="bad"), rules=[bad], explain=True)
    assert verdicts(outcome) == {"p": ("not-met", None)}
