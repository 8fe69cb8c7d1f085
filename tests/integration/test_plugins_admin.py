"""``/admin/plugins``: how providers fare, and asking one again."""

from tests.shop import MUG, given, refused

SANDBOX = "/admin/plugins/payment-sandbox"


async def test_calls_of_providers_are_told_with_their_times_and_policies(shop):
    await shop.paid((MUG, 1))
    seen = given(await shop.admin("GET", SANDBOX))
    assert (seen["code"], seen["enabled"]) == ("payment-sandbox", True)
    [gateway] = seen["providers"]
    assert (gateway["kind"], gateway["code"], gateway["breaker"]) == (
        "payments",
        "sandbox",
        "closed",
    )
    verbs = {verb["name"]: verb for verb in gateway["verbs"]}
    assert verbs["create"]["outcomes"] == {"ok": 1}
    assert verbs["create"]["policy"] == "retry-later"
    assert verbs["create"]["deadline_ms"] == 5000
    assert 0 < verbs["create"]["p50_ms"] <= verbs["create"]["p99_ms"]
    assert verbs["refund"]["calls"] == 0
    assert gateway["last_error"] is None
    assert gateway["errors"] == {}


async def test_every_installed_plugin_is_listed_with_its_providers(shop):
    listed = given(await shop.admin("GET", "/admin/plugins"))["items"]
    codes = [plugin["code"] for plugin in listed]
    assert codes == sorted(codes)
    kinds = {p["kind"] for plugin in listed for p in plugin["providers"]}
    assert {"payments", "fulfilment", "promotion-rule"} <= kinds


async def test_a_circuit_is_closed_by_hand_and_the_audit_knows_who_did_it(shop):
    caller = shop.shop.caller
    known = next(p for p in caller.providers() if (p.family, p.code) == ("payments", "sandbox"))
    known.breaker.failed(gravely=True)
    gateway = given(await shop.admin("GET", SANDBOX))["providers"][0]
    assert (gateway["breaker"], gateway["open_in"]) == ("open", 1)
    path = f"{SANDBOX}/providers/payments/sandbox/reset"
    seen = given(await shop.admin("POST", path, json={"reason": "The vendor is back"}))
    assert seen["providers"][0]["breaker"] == "closed"
    [entry] = [
        each
        for each in given(await shop.admin("GET", "/admin/audit"))["items"]
        if each["action"] == "plugins:reset-breaker"
    ]
    assert entry["subject"] == "provider/payments/sandbox"
    assert entry["reason"] == "The vendor is back"


async def test_what_is_not_there_and_who_may_not_are_refused(shop):
    refused(await shop.admin("GET", "/admin/plugins/nobody"), 404, "plugin-not-found")
    path = f"{SANDBOX}/providers/payments/nobody/reset"
    refused(await shop.admin("POST", path, json={}), 404, "plugin-not-found")
    assert (await shop.client.get("/admin/plugins")).status_code == 401
