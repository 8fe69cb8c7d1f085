"""A rule that misbehaves costs the shopper its discount and nobody anything else."""

from __future__ import annotations

import logging

import pytest

from commercekit.kernel import Money
from commercekit.promotions import Proposal, RuleRunner, Target
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
    failures = []
    bad = Bad(answer)
    with caplog.at_level(logging.WARNING):
        outcome = tried(
            basket(line("a", 1000)),
            promotion("broken", rule="bad"),
            promotion("good", percent=10),
            rules=[bad],
            runner=RuleRunner(on_failure=failures.append),
            explain=True,
        )
    assert amounts(outcome) == [("good", -100)]
    assert verdicts(outcome)["broken"] == ("rule-failed", None)
    assert {(f.rule, f.plugin, f.kind) for f in failures} == {
        ("bad", "test-plugin", "wrong-answer")
    }
    assert "promotion broken is left out: rule bad of test-plugin" in caplog.text


def test_a_rule_that_raises_is_left_out_and_the_log_has_the_cause(caplog):
    failures = []
    outcome = tried(
        basket(line("a", 1000)),
        promotion("broken", rule="bad"),
        promotion("good", percent=10),
        rules=[Bad(boom)],
        runner=RuleRunner(on_failure=failures.append),
    )
    assert amounts(outcome) == [("good", -100)]
    assert {(f.kind, f.detail) for f in failures} == {("raised", "RuntimeError")}
    assert "RuntimeError: boom" in caplog.text


def test_a_rule_that_takes_too_long_is_left_out():
    ticks = iter(range(1000))
    failures = []
    outcome = tried(
        basket(line("a", 1000)),
        promotion("slow", rule="bad"),
        rules=[Bad([Proposal(amount=cny(5))])],
        runner=RuleRunner(timer=lambda: next(ticks), on_failure=failures.append),
    )
    assert amounts(outcome) == []
    assert {f.kind for f in failures} == {"too-slow"}


def test_a_rule_that_keeps_failing_is_left_alone_for_a_while_and_then_asked_again():
    bad = Bad(boom)
    now = [0.0]
    runner = RuleRunner(tolerance=3, pause=60, timer=lambda: now[0])
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
    runner = RuleRunner(tolerance=2, timer=lambda: 0.0)
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
