"""Statements, differences, disputes and the ledger as staff meet them over HTTP."""

from __future__ import annotations

from datetime import timedelta

import httpx
import pytest_asyncio

from commercekit.kernel import Money, new_id
from commercekit.payments import StatementKind, StatementLine
from commercekit.payments.api import (
    AdminDifferences,
    AdminDisputes,
    AdminLedger,
    AdminPayments,
    AdminStatements,
)
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import Grant, Limit, LimitKind, Principal
from commercekit.web import build_web

TOKENS = {
    "all": Principal(id="staff-1", scopes=frozenset({"*:*"})),
    "reader": Principal(id="staff-2", scopes=frozenset({"payments:read"})),
    **{
        code: Principal(
            id=code,
            scopes=frozenset({"payments:*"}),
            grants=(
                Grant(
                    permissions=frozenset({"payments:*"}),
                    limit=Limit(kind=LimitKind.MARKET, values=frozenset({code})),
                ),
            ),
        )
        for code in ("eu", "uk")
    },
}


@pytest_asyncio.fixture
async def http(till, sealer):
    async def authenticate(token):
        return TOKENS.get(token)

    await sealer.load(till.db, ["platform_idempotency_key"])
    app = build_web(
        controllers=[AdminPayments, AdminDisputes, AdminStatements, AdminDifferences, AdminLedger],
        dependencies={"payments": till.payments},
        authenticator=authenticate,
        idempotency=Idempotency(till.db, sealer),
        cursors=Cursors(b"c" * 32),
    )
    transport = httpx.ASGITransport(app=app)
    async with httpx.AsyncClient(
        transport=transport,
        base_url="http://shop.test",
        headers={"authorization": "Bearer all"},
    ) as client:
        yield client


def line(till, number, kind, amount, **more):
    return StatementLine(
        line_id=f"L-{number}",
        kind=kind,
        amount=Money(amount, "CNY"),
        occurred_at=till.clock.now(),
        **more,
    )


async def a_day(till):
    """One payment stated short, a fee and a payout; read the next day."""
    payment = await till.paid(10_00)
    day = (till.clock.now() + timedelta(hours=8)).date()
    till.gateway.statements[day] = [
        line(till, 1, StatementKind.CHARGE, 9_00, payment_id=payment.id.hex, fee=Money(6, "CNY")),
        line(till, 2, StatementKind.PAYOUT, -8_94, batch="po-1"),
    ]
    till.clock.advance(days=2)
    return payment, day


async def test_a_day_is_read_shown_and_decided_about(till, http):
    payment, day = await a_day(till)
    wanted = {"gateway": "fake", "account": "default", "day": str(day)}
    read = await http.post("/admin/payments/statements", json=wanted)
    assert read.status_code == 200, read.text
    statement = read.json()
    assert (statement["state"], statement["lines"]) == ("read", 2)
    listed = (await http.get("/admin/payments/statements?state=read")).json()["items"]
    assert [each["id"] for each in listed] == [statement["id"]]

    address = f"/admin/payments/statements/{statement['id']}"
    report = (await http.get(address, headers={"accept-language": "zh"})).json()
    assert [(each["kind"], each["outcome"]) for each in report["sums"]] == [
        ("charge", "differs"),
        ("payout", "booked"),
    ]
    [difference] = report["differences"]
    assert difference["stated"] == {"amount": 9_00, "currency": "CNY"}
    assert difference["expected"] == {"amount": 10_00, "currency": "CNY"}
    assert difference["payment_id"] == str(payment.id)
    assert "核销" in difference["advice"]
    lines = (await http.get(f"{address}/lines?outcome=differs&limit=1")).json()["items"]
    assert [(each["line_id"], each["payment_ref"]) for each in lines] == [("L-1", payment.id.hex)]

    decision = {"decision": "written_off", "reason": "the bank kept it"}
    resolve = f"/admin/payments/differences/{difference['id']}/resolve"
    decided = (await http.post(resolve, json=decision)).json()
    assert (decided["decision"], decided["resolved_by"]) == ("written_off", "staff-1")
    again = await http.post(resolve, json={"decision": "booked", "reason": "no"})
    assert again.json()["decision"] == "written_off"
    assert (await http.get("/admin/payments/differences")).json()["items"] == []
    resolved = (await http.get("/admin/payments/differences?resolved=true")).json()["items"]
    assert [each["resolution"] for each in resolved] == ["the bank kept it"]
    assert (await http.get(address)).json()["statement"]["state"] == "settled"

    balances = (await http.get("/admin/payments/ledger/balances")).json()
    assert {each["account"]: each["balance"] for each in balances} == {
        "bank": 8_94,
        "fees:fake:default": 6,
        "gateway:fake:default": 0,
        "received": -10_00,
        "written-off": 1_00,
    }


async def test_the_ledger_is_paged_in_order_and_filtered(till, http):
    await till.paid(10_00)
    till.clock.advance(seconds=1)
    await till.paid(5_00)
    seen, cursor = [], None
    while True:
        page = await http.get(
            "/admin/payments/ledger", params={"limit": 3} | ({"cursor": cursor} if cursor else {})
        )
        assert page.status_code == 200, page.text
        seen += page.json()["items"]
        cursor = page.json()["next_cursor"]
        if cursor is None:
            break
    assert sorted(each["debit"] + each["credit"] for each in seen[:2]) == [10_00, 10_00]
    assert [each["debit"] + each["credit"] for each in seen[2:]] == [5_00, 5_00]
    only = (await http.get("/admin/payments/ledger?account=gateway:*")).json()["items"]
    assert [each["debit"] for each in only] == [10_00, 5_00]
    assert (await http.get("/admin/payments/ledger?account=gateway:%25")).json()["items"] == []


async def test_a_dispute_is_listed_and_stands_on_its_payment(till, http):
    payment = await till.paid(10_00)
    opened = {"payment": payment.id.hex, "dispute": "dp_1", "amount": 4_00, "hour": 1}
    await till.notify({"id": "d1", "dispute_state": "needs_response", **opened})
    [listed] = (await http.get("/admin/payments/disputes?open=true")).json()["items"]
    assert (listed["state"], listed["withdrawn"]) == (
        "needs_response",
        {"amount": 4_00, "currency": "CNY"},
    )
    assert (await http.get("/admin/payments/disputes?state=lost")).json()["items"] == []
    detail = (await http.get(f"/admin/payments/{payment.id}")).json()
    assert detail["payment"]["disputed"] == {"amount": 4_00, "currency": "CNY"}
    assert [each["dispute_ref"] for each in detail["disputes"]] == ["dp_1"]


async def refused(answer, status, slug):
    assert answer.status_code == status, answer.text
    assert answer.json()["type"].endswith(slug)


async def test_what_cannot_be_done_is_refused_and_changes_nothing(till, http):
    _, day = await a_day(till)
    statements = "/admin/payments/statements"
    today = (till.clock.now() + timedelta(hours=8)).date()
    wanted = {"gateway": "fake", "account": "default"}
    answer = await http.post(statements, json=wanted | {"day": str(today)})
    await refused(answer, 409, "statement-not-ready")
    answer = await http.post(statements, json=wanted | {"day": str(day), "gateway": "none"})
    await refused(answer, 404, "webhook-not-found")
    answer = await http.post(statements, json=wanted | {"day": "yesterday"})
    await refused(answer, 400, "validation")
    await refused(await http.get(f"{statements}/{new_id()}"), 404, "statement-not-found")
    unknown = f"/admin/payments/differences/{new_id()}/resolve"
    decision = {"decision": "booked", "reason": "r"}
    await refused(await http.post(unknown, json=decision), 404, "difference-not-found")
    await refused(await http.post(unknown, json=decision | {"reason": ""}), 400, "validation")
    reader = {"authorization": "Bearer reader"}
    answer = await http.post(statements, json=wanted | {"day": str(day)}, headers=reader)
    assert answer.status_code == 403
    assert (await http.post(unknown, json=decision, headers=reader)).status_code == 403
    assert (await http.get(statements)).json()["items"] == []
    assert till.gateway.calls.count("reconcile") == 0


class Orders:
    """Knows in which market a reference was ordered."""

    def __init__(self, **markets):
        self.markets = markets

    async def references_within(self, references, reach):
        return {each for each in references if reach.has_market(self.markets.get(each, ""))}


async def test_the_books_of_a_market_are_what_belongs_to_its_orders(till, http):
    day = (till.clock.now() + timedelta(hours=8)).date()
    payments = {market: await till.paid(10_00, reference=market) for market in ("eu", "uk")}
    till.payments.know_references(Orders(eu="eu", uk="uk"))
    till.gateway.statements[day] = [
        *(
            line(till, market, StatementKind.CHARGE, 9_00, payment_id=payment.id.hex)
            for market, payment in payments.items()
        ),
        line(till, 3, StatementKind.CHARGE, 1_00),
        line(till, 4, StatementKind.PAYOUT, -18_00, batch="po-1"),
    ]
    till.clock.advance(days=2)
    await till.payments.reconcile("fake", "default", day)
    eu = {"authorization": "Bearer eu"}
    every = (await http.get("/admin/payments/differences")).json()["items"]
    assert {each["reference"] for each in every} == {"eu", "uk", ""}
    [mine] = (await http.get("/admin/payments/differences", headers=eu)).json()["items"]
    assert mine["payment_id"] == str(payments["eu"].id)
    booked = (await http.get("/admin/payments/ledger", headers=eu)).json()["items"]
    assert {each["payment_id"] for each in booked} == {str(payments["eu"].id)}
    assert sum(each["debit"] - each["credit"] for each in booked) == 0
    seen, cursor = [], None
    for _ in range(20):
        params = {"limit": 1} | ({"cursor": cursor} if cursor else {})
        page = (await http.get("/admin/payments/ledger", params=params, headers=eu)).json()
        seen += page["items"]
        cursor = page["next_cursor"]
        if cursor is None:
            break
    assert seen == booked
    # What adds up all markets of a merchant account is for nobody who is limited to one.
    statements = "/admin/payments/statements"
    [statement] = (await http.get(statements)).json()["items"]
    wanted = {"gateway": "fake", "account": "default", "day": str(day)}
    for method, path, body in (
        ("GET", statements, None),
        ("POST", statements, wanted),
        ("GET", f"{statements}/{statement['id']}", None),
        ("GET", f"{statements}/{statement['id']}/lines", None),
        ("GET", "/admin/payments/ledger/balances", None),
    ):
        await refused(await http.request(method, path, json=body, headers=eu), 403, "forbidden")
    decision = {"decision": "written_off", "reason": "the bank kept it"}
    for hidden in (each for each in every if each["reference"] != "eu"):
        answer = await http.post(
            f"/admin/payments/differences/{hidden['id']}/resolve", json=decision, headers=eu
        )
        await refused(answer, 404, "difference-not-found")
    assert (await http.get("/admin/payments/differences")).json()["items"] == every
    answer = await http.post(
        f"/admin/payments/differences/{mine['id']}/resolve", json=decision, headers=eu
    )
    assert (answer.status_code, answer.json()["resolved_by"]) == (200, "eu")
