from __future__ import annotations

import httpx
import pytest
import pytest_asyncio

from commercekit.kernel import new_id
from commercekit.payments import PaymentStatus, RefundState
from commercekit.payments.api import AdminPayments, AdminRefunds
from commercekit.platform.http import Cursors, Idempotency
from commercekit.platform.security import Principal
from commercekit.web import build_web, webhook_routes

BASE = "http://shop.test"
TOKENS = {
    "all": Principal(id="staff-1", scopes=frozenset({"*:*"})),
    "reader": Principal(id="staff-2", scopes=frozenset({"payments:read", "refunds:read"})),
}


@pytest_asyncio.fixture
async def http(till, sealer):
    async def authenticate(token):
        return TOKENS.get(token)

    await sealer.load(till.db, ["platform_idempotency_key"])
    app = build_web(
        controllers=[
            AdminPayments,
            AdminRefunds,
            *webhook_routes({"payments": till.payments.receive_webhook}, till.clock),
        ],
        dependencies={"payments": till.payments},
        authenticator=authenticate,
        idempotency=Idempotency(till.db, sealer),
        cursors=Cursors(b"c" * 32),
    )
    transport = httpx.ASGITransport(app=app)
    headers = {"authorization": "Bearer all"}
    async with httpx.AsyncClient(transport=transport, base_url=BASE, headers=headers) as client:
        yield client


def keyed(key=None):
    return {"idempotency-key": key or str(new_id())}


async def test_payments_are_listed_newest_first_and_page_by_page(till, http):
    payments = [await till.started() for _ in range(3)]
    first = (await http.get("/admin/payments?limit=2")).json()
    assert [item["id"] for item in first["items"]] == [str(payments[2].id), str(payments[1].id)]
    second = (
        await http.get("/admin/payments", params={"limit": 2, "cursor": first["next_cursor"]})
    ).json()
    assert [item["id"] for item in second["items"]] == [str(payments[0].id)]
    assert second["next_cursor"] is None


async def test_the_list_is_filtered(till, http):
    paid, _pending = await till.paid(), await till.started()
    for query in ("status=paid", f"reference={paid.reference}"):
        items = (await http.get(f"/admin/payments?{query}")).json()["items"]
        assert [item["id"] for item in items] == [str(paid.id)]
    assert (await http.get("/admin/payments?gateway=other")).json()["items"] == []
    assert (await http.get("/admin/payments?status=lost")).status_code == 400
    assert (await http.get("/admin/payments?limit=101")).status_code == 400
    assert (await http.get("/admin/payments?nonsense=1")).status_code == 400


async def test_one_payment_comes_with_everything_that_happened_to_it(till, http):
    payment = await till.paid()
    refund = await till.refunded(payment, 4_00)
    answer = await http.get(f"/admin/payments/{payment.id}")
    shown = answer.json()
    assert answer.headers["etag"]
    assert shown["payment"]["refundable"] == {"amount": 6_00, "currency": "CNY"}
    assert [item["id"] for item in shown["refunds"]] == [str(refund.id)]
    assert [entry["kind"] for entry in shown["ledger"]] == ["capture"] * 2 + ["refund"] * 2
    assert [step["event"] for step in shown["history"]] == [
        "payment-pending",
        "payment-paid",
        "refund-created",
        "refund-succeeded",
    ]
    assert "203.0.113.7" not in answer.text
    assert "pay.test" not in answer.text


async def test_unknown_payments_and_refunds_are_not_found(http):
    for path in ("payments", "refunds"):
        answer = await http.get(f"/admin/{path}/{new_id()}")
        assert answer.status_code == 404
        assert answer.headers["content-type"] == "application/problem+json"


async def test_capture_over_http_is_done_once(till, http):
    payment = await till.held()
    body, key = {"amount": {"amount": 6_00, "currency": "CNY"}}, keyed()
    url = f"/admin/payments/{payment.id}/capture"
    first = await http.post(url, json=body, headers=key)
    assert (first.status_code, first.json()["captured"]["amount"]) == (200, 6_00)
    again = await http.post(url, json=body, headers=key)
    assert (again.status_code, again.content) == (200, first.content)
    assert till.gateway.calls.count("capture") == 1
    second = await http.post(url, json=body, headers=keyed())
    assert (second.status_code, second.json()["type"].rsplit("/")[-1]) == (
        409,
        "invalid-transition",
    )


async def test_a_verb_needs_a_key_and_the_right_scope(till, http):
    payment = await till.held()
    url = f"/admin/payments/{payment.id}/capture"
    assert (await http.post(url, json={})).status_code == 400
    reader = {"authorization": "Bearer reader"}
    assert (await http.post(url, json={}, headers={**keyed(), **reader})).status_code == 403
    assert (await http.get("/admin/payments", headers=reader)).status_code == 200
    nobody = {"authorization": "Bearer nobody"}
    assert (await http.get("/admin/payments", headers=nobody)).status_code == 401
    assert (await http.post(url, json={"amonut": 1}, headers=keyed())).status_code == 400
    assert "capture" not in till.gateway.calls


async def test_void_over_http(till, http):
    payment = await till.held()
    answer = await http.post(f"/admin/payments/{payment.id}/void", headers=keyed())
    assert (answer.status_code, answer.json()["status"]) == (200, "closed")


async def test_asking_the_gateway_over_http(till, http):
    payment = await till.started()
    till.gateway.pay(payment.id.hex)
    answer = await http.post(f"/admin/payments/{payment.id}/query")
    assert (answer.status_code, answer.json()["status"]) == (200, "paid")


async def test_what_is_not_collected_by_hand_is_refused_over_http(till, http):
    payment = await till.started()
    answer = await http.post(
        f"/admin/payments/{payment.id}/record-collection",
        json={"amount": {"amount": 10_00, "currency": "CNY"}},
        headers=keyed(),
    )
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (409, "not-collectable")


async def test_refunds_are_listed_retried_and_confirmed(till, http):
    payment = await till.paid()
    till.gateway.script["refund-state"] = RefundState.FAILED
    failed = await till.refunded(payment, 4_00)
    items = (await http.get("/admin/refunds?status=failed")).json()["items"]
    assert [item["id"] for item in items] == [str(failed.id)]
    till.gateway.refunds.clear()
    till.gateway.script["refund-state"] = RefundState.NEEDS_ATTENTION
    retried = await http.post(f"/admin/refunds/{failed.id}/retry", headers=keyed())
    assert (retried.status_code, retried.json()["status"]) == (200, "needs_attention")
    key = keyed()
    done = await http.post(f"/admin/refunds/{failed.id}/confirm", headers=key)
    again = await http.post(f"/admin/refunds/{failed.id}/confirm", headers=key)
    assert (done.json()["status"], again.content) == ("succeeded", done.content)
    twice = await http.post(f"/admin/refunds/{failed.id}/confirm", headers=keyed())
    assert twice.status_code == 409
    assert (await http.get(f"/admin/refunds/{failed.id}")).headers["etag"]


@pytest.mark.parametrize(
    ("headers", "body", "status", "slug"),
    [
        ({"x-signature": "00"}, b"{}", 401, "signature-invalid"),
        ({}, b"", 401, "signature-invalid"),
    ],
)
async def test_a_forged_webhook_is_401_as_a_problem(till, http, headers, body, status, slug):
    answer = await http.post("/webhooks/payments/fake/default", content=body, headers=headers)
    assert (answer.status_code, answer.json()["type"].rsplit("/")[-1]) == (status, slug)


async def test_a_stale_webhook_is_400_and_a_good_one_answers_in_the_providers_bytes(till, http):
    import hashlib
    import hmac
    import json

    payment = await till.started()
    event = {"id": "e", "payment": payment.id.hex, "state": "paid", "amount": 10_00}

    async def send(moment):
        body = json.dumps({"t": moment, "events": [event]}).encode()
        signature = hmac.new(b"shared", body, hashlib.sha256).hexdigest()
        return await http.post(
            "/webhooks/payments/fake/default", content=body, headers={"x-signature": signature}
        )

    now = int(till.clock.now().timestamp())
    stale = await send(now - 360)
    assert (stale.status_code, stale.json()["type"].rsplit("/")[-1]) == (400, "notification-stale")
    assert (await till.of(payment)).status is PaymentStatus.PENDING
    good = await send(now)
    assert (good.status_code, good.content) == (200, b"success")
    assert good.headers["content-type"].startswith("text/plain")
    assert (await till.of(payment)).status is PaymentStatus.PAID


async def test_a_webhook_of_an_unknown_gateway_or_account_is_404(http):
    for path in ("nobody/default", "fake/nobody"):
        assert (await http.post(f"/webhooks/payments/{path}", content=b"")).status_code == 404
