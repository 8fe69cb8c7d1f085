"""Refund rules: who is asked, what their answers do, and that one which fails never pays."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, ClassVar
from uuid import uuid4

import pytest

from commercekit.errors import ConfigurationError
from commercekit.orders import (
    REFUND_RULES,
    Answer,
    OrdersSettings,
    RefundCase,
    RefundRule,
    RegisteredRefundRule,
    Reviewer,
    RuleAnswer,
)
from commercekit.payments import RefundNotPossible
from commercekit.platform import failpoints
from tests.guards import patient_guard
from tests.orders.test_returns import ask as ask_return
from tests.orders.test_returns import delivered
from tests.shop import MUG, SHIRT, Body, TestShop, cny, events, given, refused

Judge = Callable[[RefundCase], Any]


def rule(code: str, judge: Judge, *, rank: int = 100) -> RegisteredRefundRule:
    """A rule of the plugin ``acme`` that answers as ``judge`` does."""

    def review(_self: RefundRule, case: RefundCase) -> Any:
        return judge(case)

    made = type(
        code, (RefundRule,), {"code": code, "name": {"en": code}, "rank": rank, "review": review}
    )
    return RegisteredRefundRule(made(), "acme", "1.2.3")


def notes(cases: list[RefundCase], answer: str) -> Judge:
    """Always the same answer, and what was asked."""

    def judge(case: RefundCase) -> Answer:
        cases.append(case)
        return Answer(answer=RuleAnswer(answer))

    return judge


def says(answer: str, en: str = "", zh: str = "") -> Judge:
    """Always the same answer."""
    reason = {language: text for language, text in (("en", en), ("zh", zh)) if text}
    return lambda _case: Answer(answer=RuleAnswer(answer), reason=reason)


@pytest.fixture
def ruled(shop: TestShop, monkeypatch: pytest.MonkeyPatch) -> Callable[..., TestShop]:
    """The shop with these refund rules and no others."""

    def with_rules(*rules: RegisteredRefundRule, **settings: Any) -> TestShop:
        wanted = OrdersSettings(**settings)
        monkeypatch.setattr(
            shop.shop.orders,
            "_reviewer",
            Reviewer(patient_guard(REFUND_RULES, seconds=0.1, limit=5), rules, wanted),
        )
        return shop

    return with_rules


async def _read(shop: TestShop, request: Body) -> Body:
    found: Body = given(await shop.admin("GET", f"/admin/refund-requests/{request['id']}"))
    return found


async def test_what_a_rule_approves_goes_back_at_once_and_says_why(
    ruled: Callable[..., TestShop],
) -> None:
    shop = ruled(
        rule("kind", says("abstain")), rule("nice", says("approve", "it is small", "金额小"))
    )
    order = await shop.paid((SHIRT, 2), language="zh")
    request = await shop.asked_back(order, 1)
    assert (request["status"], request["decision_reason"]) == ("approved", "金额小")
    assert "review" not in request
    await shop.settle()
    read = await shop.read(order)
    assert [(r["amount"], r["status"]) for r in read["refunds"]] == [(cny(19_900), "succeeded")]
    assert await shop.stock(SHIRT) == (10, 1)
    seen = await _read(shop, request)
    assert seen["decided_by"] == "refund-rules"
    assert seen["review"]["outcome"] == "approved"
    assert seen["review"]["decided_by"] == "acme/nice@1.2.3"
    assert seen["review"]["reason"] == {"en": "it is small", "zh": "金额小"}
    assert [
        (o["rule"], o["plugin"], o["version"], o["answer"]) for o in seen["review"]["opinions"]
    ] == [
        ("kind", "acme", "1.2.3", "abstain"),
        ("nice", "acme", "1.2.3", "approve"),
    ]
    actors = {e["event"]: e["actor"] for e in read["history"] if e["event"].startswith("refund-")}
    assert actors["refund-approved"] == {"kind": "system", "id": "refund-rules"}
    assert events(read).count("refund-reviewed") == 1


async def test_what_a_rule_rejects_is_told_and_may_be_asked_again(
    ruled: Callable[..., TestShop],
) -> None:
    shop = ruled(rule("strict", says("reject", "it is too late", "已过期")))
    order = await shop.paid((MUG, 1))
    first = await shop.asked_back(order, 1, shipping=True)
    assert (first["status"], first["decision_reason"]) == ("rejected", "it is too late")
    second = await shop.asked_back(order, 1, shipping=True)
    assert second["amount"] == cny(5500), "what was declined is left"
    await shop.settle()
    assert (await shop.read(order))["refunds"] == []
    mails = [m["text"] for m in shop.mails(order["number"]) if "too late" in m["text"]]
    assert len(mails) == 2


async def test_a_rule_that_wants_a_person_ends_the_review(ruled: Callable[..., TestShop]) -> None:
    shop = ruled(
        rule("careful", says("person", "look at it"), rank=1), rule("nice", says("approve"), rank=2)
    )
    order = await shop.paid((MUG, 1))
    request = await shop.asked_back(order, 1)
    assert request["status"] == "requested"
    seen = await _read(shop, request)
    assert (seen["review"]["outcome"], seen["review"]["decided_by"]) == (
        "person",
        "acme/careful@1.2.3",
    )
    assert len(seen["review"]["opinions"]) == 1
    given(await shop.approve(request))


def _raises(_case: RefundCase) -> Any:
    message = "out of order"
    raise ZeroDivisionError(message)


def _exits(_case: RefundCase) -> Any:
    raise SystemExit(1)


def _slow(_case: RefundCase) -> Any:
    time.sleep(0.2)
    return Answer(answer=RuleAnswer.APPROVE)


@pytest.mark.parametrize(
    "judge",
    [
        _raises,
        _exits,
        _slow,
        lambda _case: None,
        lambda _case: True,
        lambda _case: RuleAnswer.APPROVE,
        lambda _case: Answer(answer="approve"),  # type: ignore[arg-type]  # as a careless plugin would
        lambda _case: Answer(answer=RuleAnswer.APPROVE, reason={"en": 7}),  # type: ignore[dict-item]  # likewise
        says("reject"),
    ],
    ids=["raises", "exits", "slow", "none", "true", "bare", "text", "reason", "no-reason"],
)
async def test_a_rule_that_fails_leaves_it_to_a_person_whatever_others_would_say(
    ruled: Callable[..., TestShop], judge: Judge
) -> None:
    asked: list[RefundCase] = []
    later = rule("nice", notes(asked, "approve"), rank=2)
    shop = ruled(rule("broken", judge, rank=1), later)
    order = await shop.paid((MUG, 1))
    request = await shop.asked_back(order, 1)
    assert request["status"] == "requested"
    assert asked == []
    seen = await _read(shop, request)
    assert (seen["review"]["outcome"], seen["review"]["opinions"][0]["answer"]) == (
        "person",
        "failed",
    )
    await shop.settle()
    assert (await shop.read(order))["refunds"] == []


async def test_the_settings_say_who_is_asked_first(ruled: Callable[..., TestShop]) -> None:
    rules = (rule("a", says("approve"), rank=1), rule("b", says("reject", "no"), rank=2))
    shop = ruled(*rules, refund_rules=("b",))
    order = await shop.paid((MUG, 2))
    assert (await shop.asked_back(order, 1))["status"] == "rejected"
    with pytest.raises(ConfigurationError, match="names c, which no enabled plugin offers"):
        ruled(*rules, refund_rules=("b", "c"))


async def test_a_rule_sees_all_there_is_to_know(ruled: Callable[..., TestShop]) -> None:
    cases: list[RefundCase] = []
    shop = ruled(rule("watch", notes(cases, "abstain")))
    order = await shop.paid((SHIRT, 3), (MUG, 1))
    body = {
        "lines": [{"line_id": order["lines"][0]["id"], "quantity": 2}],
        "reason": "Too small",
        "reason_code": "changed_mind",
    }
    given(await shop.ask("POST", order, "/refund-requests", json=body), 201)
    (line,) = cases[0].lines
    assert (line.sku, line.quantity, line.ordered, line.shipped, line.delivered, line.unshipped) == (
        SHIRT, 2, 3, 0, 0, 3,
    )  # fmt: skip
    assert (line.amount.amount, cases[0].amount.amount, cases[0].captured.amount) == (
        39_800,
        39_800,
        65_200,
    )
    assert (cases[0].reason, cases[0].reason_code, cases[0].unshipped) == (
        "Too small",
        "changed_mind",
        True,
    )
    assert (cases[0].delivered_at, cases[0].customer.orders, cases[0].customer.claims) == (
        None,
        1,
        (),
    )
    shipped = given(
        await shop.ship(order, lines=[{"line_id": order["lines"][0]["id"], "quantity": 1}]), 201
    )
    await shop.deliver(shipped["shipments"][0])
    await shop.asked_back(order, 1)
    (line,) = cases[1].lines
    assert (line.shipped, line.delivered, line.unshipped) == (1, 1, 2)
    assert cases[1].delivered_at is not None
    assert [(c.kind, c.status, c.amount.amount) for c in cases[1].customer.claims] == [
        ("refund", "requested", 39_800)
    ]


async def test_goods_that_leave_during_the_review_are_looked_at_again(
    ruled: Callable[..., TestShop], race: Any
) -> None:
    def unshipped_only(case: RefundCase) -> Answer:
        return Answer(answer=RuleAnswer.APPROVE if case.unshipped else RuleAnswer.ABSTAIN)

    shop = ruled(rule("unshipped", unshipped_only))
    order = await shop.paid((SHIRT, 1))
    rival = race.before(
        "commercekit.orders.service.review_claims.ReviewClaims._book_review",
        lambda: shop.ship(order),
    )
    request = await shop.asked_back(order, 1)
    given(await rival.result(), 201)
    assert request["status"] == "requested"
    assert (await shop.read(order))["refunds"] == []
    assert (await _read(shop, request))["review"]["outcome"] == "person"


async def test_a_person_who_is_quicker_than_the_rules_decides(
    ruled: Callable[..., TestShop], race: Any
) -> None:
    shop = ruled(rule("nice", says("approve")))
    order = await shop.paid((MUG, 1))

    async def decline() -> Any:
        (waiting,) = given(await shop.admin("GET", "/admin/refund-requests"))["items"]
        return await shop.reject(waiting)

    rival = race.before(
        "commercekit.orders.service.review_claims.ReviewClaims._book_review", decline
    )
    request = await shop.asked_back(order, 1)
    given(await rival.result())
    assert request["status"] == "rejected"
    await shop.settle()
    assert (await shop.read(order))["refunds"] == []


async def test_what_cannot_be_paid_back_is_left_to_a_person(
    ruled: Callable[..., TestShop], monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = ruled(rule("nice", says("approve")))
    order = await shop.paid((SHIRT, 1))

    async def refuse(*_args: Any, **_named: Any) -> Any:
        message = "The gateway sends money back for 90 days only."
        raise RefundNotPossible(message)

    with monkeypatch.context() as patched:
        patched.setattr(shop.shop.payments, "create_refunds", refuse)
        request = await shop.asked_back(order, 1)
    assert request["status"] == "requested"
    review = (await _read(shop, request))["review"]
    assert (review["outcome"], review["reason"]["en"]) == (
        "person",
        "The gateway sends money back for 90 days only.",
    )
    assert await shop.stock(SHIRT) == (10, 1), "nothing of the approval stayed"
    given(await shop.approve(request))


@pytest.mark.parametrize("name", ["orders.refund-requested", "orders.claim-reviewed"])
async def test_who_dies_during_a_review_is_carried_on(
    ruled: Callable[..., TestShop], monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    shop = ruled(rule("nice", says("approve")))
    order, other = await shop.paid((MUG, 1)), await shop.paid((MUG, 1))
    key = str(uuid4())
    body = {"lines": [{"line_id": order["lines"][0]["id"], "quantity": 1}], "reason": "x"}
    theirs = {"lines": [{"line_id": other["lines"][0]["id"], "quantity": 1}], "reason": "x"}
    with monkeypatch.context() as broken:
        broken.setattr(failpoints, "_MODES", {name: "raise"})
        crash = await shop.ask("POST", order, "/refund-requests", key=key, json=body)
        assert crash.status_code == 500
        assert (await shop.ask("POST", other, "/refund-requests", json=theirs)).status_code == 500
    again = given(await shop.ask("POST", order, "/refund-requests", key=key, json=body), 201)
    assert again["status"] == "approved"
    shop.clock.advance(seconds=31)
    await shop.settle()
    for one in (order, other):
        assert [r["amount"] for r in (await shop.read(one))["refunds"]] == [cny(4500)]
    assert await shop.count("orders_refund_request") == 2


@pytest.mark.parametrize("crash", [False, True])
async def test_rules_review_returns_too(
    ruled: Callable[..., TestShop], monkeypatch: pytest.MonkeyPatch, crash: bool
) -> None:
    cases: list[RefundCase] = []
    shop = ruled(rule("nice", notes(cases, "approve")))
    order = await delivered(shop, (MUG, 1))
    if crash:
        with monkeypatch.context() as broken:
            broken.setattr(failpoints, "_MODES", {"orders.return-requested": "raise"})
            assert (await ask_return(shop, order, 1)).status_code == 500
        assert cases == []
        shop.clock.advance(seconds=31)
        await shop.settle()
    else:
        given(await ask_return(shop, order, 1), 201)
    (asked,) = given(await shop.ask("GET", order, "/returns"))
    assert asked["status"] == "approved"
    assert [(case.kind, case.age is not None) for case in cases] == [("return", True)]
    seen = given(await shop.admin("GET", f"/admin/returns/{asked['id']}"))
    assert (seen["decided_by"], seen["review"]["decided_by"]) == (
        "refund-rules",
        "acme/nice@1.2.3",
    )
    assert (await shop.read(order))["refunds"] == [], "money follows what arrives"


async def test_the_standard_rules_are_there_and_leave_everything_to_a_person(
    shop: TestShop,
) -> None:
    order = await shop.paid((MUG, 1))
    seen = await _read(shop, await shop.asked_back(order, 1))
    assert (seen["status"], seen["review"]["outcome"]) == ("requested", "person")
    assert {o["plugin"] for o in seen["review"]["opinions"]} == {"refund-rules-standard"}
    assert [o["rule"] for o in seen["review"]["opinions"]] == [
        "too-late",
        "reason-list",
        "frequent-claims",
        "amount-limit",
        "not-shipped",
        "small-amount",
        "soon-returned",
    ]


async def test_a_decision_on_an_older_version_is_refused(shop: TestShop) -> None:
    order = await shop.paid((MUG, 1))
    request = await shop.asked_back(order, 1)
    path = f"/admin/refund-requests/{request['id']}"
    tag = (await shop.admin("GET", path)).headers["ETag"]
    stale = await shop.admin("POST", f"{path}/approve", json={}, headers={"If-Match": '"1000"'})
    refused(stale, 412, "precondition-failed")
    assert (await shop.read(order))["refunds"] == []
    given(await shop.admin("POST", f"{path}/approve", json={}, headers={"If-Match": tag}))


class _Unregistered(RefundRule):
    code: ClassVar[str] = "x"
    name: ClassVar[dict[str, str]] = {"en": "x"}


def test_a_rule_that_reviews_nothing_cannot_be_made() -> None:
    with pytest.raises(TypeError, match="review"):
        _Unregistered()  # type: ignore[abstract]  # that is what is tried
