from commercekit.app import piccolo_apps
from commercekit.app.audit import audit_books
from commercekit.app.sampling import sample
from tests.shop import MUG, PICKUP


async def told(shop) -> str:
    await sample(shop.shop)
    return (await shop.client.get("/metrics")).text


async def test_the_gauges_say_what_is_under_way_and_what_is_done(shop):
    await shop.order((MUG, 1))
    assert 'commercekit_queue_depth{queue="facts-unpublished"} 0.0' not in await told(shop)
    await shop.settle()
    after = await told(shop)
    assert 'commercekit_queue_depth{queue="facts-unpublished"} 0.0' in after
    assert 'commercekit_queue_depth{queue="facts-parked"} 0.0' in after
    assert "commercekit_outbox_lag_seconds 0.0" in after
    assert "commercekit_db_pool_in_use 0.0" in after


async def test_notifications_that_are_refused_are_counted_by_reason(shop):
    path = "/webhooks/payments/{}/default"
    forged = {"sandbox-signature": "t=1,v1=00"}
    for provider in ("sandbox", "sandbox", "nobody"):
        await shop.client.post(path.format(provider), content=b"{}", headers=forged)
    counted = await told(shop)
    fail = 'commercekit_webhook_fail_total{{family="payments",provider="{}",reason="{}"}} {}'
    assert fail.format("sandbox", "signature-invalid", 2.0) in counted
    assert fail.format("unknown", "webhook-not-found", 1.0) in counted
    assert "nobody" not in counted, "an address is no label"


async def test_refused_tokens_are_counted_and_good_ones_are_not(shop):
    await shop.admin("GET", "/admin/payments")
    assert "commercekit_login_fail_total 0.0" in await told(shop)
    answer = await shop.client.get(
        "/admin/payments", headers={"Authorization": "Bearer ck_nobody_0000"}
    )
    assert answer.status_code == 401
    assert "commercekit_login_fail_total 1.0" in await told(shop)


async def test_the_shop_audits_its_own_books(shop):
    apps = piccolo_apps(shop.shop.configuration)
    order = await shop.paid((MUG, 1))
    assert await audit_books(shop.shop, apps) == 0
    assert "commercekit_invariants_failed 0.0" in await told(shop)
    forget = "UPDATE payments_provider_event SET state = $1 WHERE payment_id = $2"
    paid = order["payments"][0]["id"]
    await shop.shop.db.execute(forget, "pending", paid)
    assert await audit_books(shop.shop, apps) == 1
    assert "commercekit_invariants_failed 1.0" in await told(shop)
    await shop.shop.db.execute(forget, "paid", paid)
    assert await audit_books(shop.shop, apps) == 0


async def test_money_in_quarantine_is_a_figure(shop):
    odd = await shop.product("ODD", 6607)
    order = await shop.placed((odd, 1), shipping=PICKUP)
    gauge = 'commercekit_payments_attention{{kind="mismatch"}} {}'
    assert gauge.format(0.0) in await told(shop)
    await shop.pay(order)
    assert gauge.format(1.0) in await told(shop)
