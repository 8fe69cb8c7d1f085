"""The fake refuses what the vendor refuses, and can be used by hand."""

from __future__ import annotations

import html
import json
import re
from pathlib import Path

import httpx
import pytest

from commercekit.platform.settings import Section
from commercekit.testing.vendors import VendorHome
from commercekit_payment_stripe import plugin
from commercekit_payment_stripe.fake import FakeStripe, Way
from commercekit_payment_stripe.fake.home import at_home
from commercekit_payment_stripe.settings import Account

from .conftest import KEY, PUBLISHABLE, SIGNED, SIGNS

LINE = {
    "line_items[0][quantity]": "1",
    "line_items[0][price_data][currency]": "usd",
    "line_items[0][price_data][unit_amount]": "4990",
    "line_items[0][price_data][product_data][name]": "Cap <&> 帽子",
}
SESSION = {
    "mode": "payment",
    "success_url": "https://shop.test/thanks?s={CHECKOUT_SESSION_ID}",
    "cancel_url": "https://shop.test/cart",
    **LINE,
}
INTENT = {"amount": "4990", "currency": "usd"}


@pytest.fixture
def ask(vendor):
    def asking(method, path, form=None, *, key=KEY, **headers):
        url = f"http://127.0.0.1:8813/v1{path}"
        sent = {"authorization": f"Bearer {key}"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        if method == "GET":
            request = httpx.Request(method, url, headers=sent, params=form)
        else:
            request = httpx.Request(method, url, headers=sent, data=form or {})
        answer = vendor.answer(request)
        return answer.status_code, json.loads(answer.content)

    return asking


@pytest.fixture
def refused(ask):
    def refusing(method, path, form=None, **more):
        status, said = ask(method, path, form, **more)
        error = said["error"]
        return status, error["type"], error.get("code"), error.get("param")

    return refusing


# ------------------------------------------------------------------------------------- what is refused

INVALID = "invalid_request_error"


@pytest.mark.parametrize(
    ("changes", "code", "param"),
    [
        ({"mode": None}, "parameter_missing", "mode"),
        ({"success_url": None}, "parameter_missing", "success_url"),
        ({"success_url": "shop.test"}, "url_invalid", "success_url"),
        (dict.fromkeys(LINE), "parameter_missing", "line_items"),
        (
            {"line_items[0][quantity]": None},
            "parameter_missing",
            "line_items[0][quantity]",
        ),
        (
            {"line_items[0][price_data][unit_amount]": "49.90"},
            "parameter_invalid_integer",
            "line_items[0][price_data][unit_amount]",
        ),
        ({"line_items[0][price_data][unit_amount]": "49"}, "amount_too_small", "line_items"),
        ({"line_items[0][price_data][unit_amount]": "100000000"}, "amount_too_large", "line_items"),
        (
            {"line_items[0][price_data][currency]": "kpw"},
            None,
            "line_items[0][price_data][currency]",
        ),
        ({"expires_at": "1"}, None, "expires_at"),
        ({"colour": "red"}, "parameter_unknown", "colour"),
        ({"payment_method_types[0]": "card"}, "parameter_unknown", "payment_method_types"),
        ({"ui_mode": "hosted"}, None, "ui_mode"),
        (
            {"payment_intent_data[colour]": "red"},
            "parameter_unknown",
            "payment_intent_data[colour]",
        ),
        (
            {"payment_intent_data[capture_method]": "never"},
            None,
            "payment_intent_data[capture_method]",
        ),
        ({"metadata[note]": "x" * 501}, None, "metadata[note]"),
        ({"mode[": "payment"}, None, None),
    ],
)
def test_a_session_is_asked_for_in_the_vendors_form(refused, vendor, changes, code, param):
    form = {name: value for name, value in (SESSION | changes).items() if value is not None}
    assert refused("POST", "/checkout/sessions", form) == (400, INVALID, code, param)
    assert vendor.kept.sessions == {}


@pytest.mark.parametrize(
    ("form", "code"),
    [
        ({"currency": "usd"}, "parameter_missing"),
        ({"amount": "4990"}, "parameter_missing"),
        ({**INTENT, "amount": "5121", "currency": "kwd"}, None),
        ({**INTENT, "amount": "5050", "currency": "isk"}, None),
        # https://docs.stripe.com/changelog/endive: taken out on 2026-09-30
        ({**INTENT, "payment_method_types[0]": "card"}, "payment_method_types_no_longer_supported"),
    ],
)
def test_a_payment_is_asked_for_in_the_vendors_form(refused, vendor, form, code):
    assert refused("POST", "/payment_intents", form)[:3] == (400, INVALID, code)
    assert vendor.kept.intents == {}


def test_who_has_no_key_gets_nothing(refused, vendor):
    for key in ("", "sk_test_wrong", KEY[:-1], PUBLISHABLE):
        assert refused("POST", "/payment_intents", INTENT, key=key)[0] == 401
        assert refused("GET", "/payment_intents", key=key)[0] == 401
    assert vendor.kept.intents == {}


def test_what_is_not_there_is_missing(refused):
    for path in (
        "/checkout/sessions/cs_1",
        "/payment_intents/pi_1",
        "/refunds/re_1",
        "/charges/ch_1",
    ):
        assert refused("GET", path)[:3] == (404, INVALID, "resource_missing")
    for path in ("", "/customers", "/checkout"):
        assert refused("GET", path)[0] == 404
    assert refused("POST", "/customers")[0] == 404
    assert refused("DELETE", "/refunds/re_1")[0] == 404
    assert refused("GET", "/refunds", {"limit": "101"})[3] == "limit"
    assert refused("GET", "/refunds", {"colour": "red"})[2] == "parameter_unknown"
    assert refused("GET", "/payment_intents/search", {"query": "amount>1"})[3] == "query"
    assert refused("GET", "/refunds", stripe_version="tomorrow")[0] == 400


def test_a_key_is_used_for_one_thing(ask, refused, vendor):
    headers = {"idempotency_key": "k"}
    _, first = ask("POST", "/payment_intents", INTENT, **headers)
    _, again = ask("POST", "/payment_intents", INTENT, **headers)
    assert (first, len(vendor.kept.intents)) == (again, 1)
    other = {**INTENT, "amount": "4991"}
    assert refused("POST", "/payment_intents", other, **headers)[:2] == (400, "idempotency_error")
    assert refused("POST", "/payment_intents", INTENT, idempotency_key="k" * 256)[0] == 400
    vendor.clock.advance(hours=25)
    _, later = ask("POST", "/payment_intents", INTENT, **headers)
    assert later["id"] != first["id"]


def test_a_key_keeps_what_was_begun_and_not_what_was_malformed(ask, refused, vendor):
    assert refused("POST", "/payment_intents", {"currency": "usd"}, idempotency_key="k")[0] == 400
    status, made = ask("POST", "/payment_intents", INTENT, idempotency_key="k")
    assert status == 200
    path = f"/payment_intents/{made['id']}/capture"
    first = refused("POST", path, idempotency_key="c")
    assert first[2] == "payment_intent_unexpected_state"
    vendor.moves.confirm(vendor.kept.intents[made["id"]], Way.CARD)
    assert refused("POST", path, idempotency_key="c") == first


def test_states_allow_what_they_allow(ask, refused, vendor):
    _, made = ask("POST", "/payment_intents", {**INTENT, "capture_method": "manual"})
    path = f"/payment_intents/{made['id']}"
    card = {"payment_method": "pm_card_visa"}
    assert refused("POST", f"{path}/confirm", {"payment_method": "pm_1"})[2] == "resource_missing"
    declined = {"payment_method": "pm_card_chargeDeclined"}
    assert refused("POST", f"{path}/confirm", declined)[:3] == (402, "card_error", "card_declined")
    wrong = {**card, "client_secret": "x"}
    assert refused("POST", f"{path}/confirm", wrong, key=PUBLISHABLE)[3] == "client_secret"
    shown = {**card, "client_secret": made["client_secret"]}
    assert ask("POST", f"{path}/confirm", shown, key=PUBLISHABLE)[1]["status"] == "requires_capture"
    assert refused("POST", f"{path}/confirm", card)[2] == "payment_intent_unexpected_state"
    more = {"amount_to_capture": "4991"}
    assert refused("POST", f"{path}/capture", more)[2:] == ("amount_too_large", "amount_to_capture")
    refund = {"payment_intent": made["id"]}
    assert refused("POST", "/refunds", refund)[2] == "payment_intent_unexpected_state"
    assert refused("POST", "/refunds", {})[0] == 400
    assert ask("POST", f"{path}/capture")[1]["amount_received"] == 4990
    assert refused("POST", f"{path}/cancel")[2] == "payment_intent_unexpected_state"
    assert refused("POST", "/refunds", {**refund, "amount": "4991"})[3] == "amount"
    assert refused("POST", "/refunds", {**refund, "reason": "why not"})[3] == "reason"
    assert ask("POST", "/refunds", refund)[1]["status"] == "succeeded"
    assert refused("POST", "/refunds", refund)[2] == "charge_already_refunded"


def test_a_pages_payment_is_ended_by_its_page(ask, refused, vendor):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    assert vendor.press(session["url"], action="decline").status_code == 402
    [intent] = vendor.kept.intents
    assert refused("POST", f"/payment_intents/{intent}/cancel")[0] == 400
    path = f"/checkout/sessions/{session['id']}/expire"
    assert ask("POST", path)[1]["status"] == "expired"
    assert refused("POST", path)[:3] == (400, INVALID, None)
    assert vendor.kept.intents[intent].status == "canceled"


def test_a_page_ends_by_itself(ask, vendor):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    vendor.clock.advance(hours=24)
    assert vendor.press(session["url"], action="pay").status_code == 410
    assert ask("GET", f"/checkout/sessions/{session['id']}")[1]["status"] == "expired"


def test_lists_are_read_page_by_page_newest_first(ask):
    made = [ask("POST", "/payment_intents", INTENT)[1]["id"] for _ in range(5)]
    _, first = ask("GET", "/payment_intents", {"limit": "2"})
    last = first["data"][-1]["id"]
    _, rest = ask("GET", "/payment_intents", {"starting_after": last})
    ids = [each["id"] for each in first["data"] + rest["data"]]
    assert (ids, first["has_more"], rest["has_more"]) == (made[::-1], True, False)


# ------------------------------------------------------------------------------------------ the page


@pytest.mark.parametrize(("locale", "language", "pay"), [("zh", "zh", "支付"), ("de", "en", "Pay")])
def test_a_shopper_reads_the_page_and_presses_a_button(ask, vendor, locale, language, pay):
    _, session = ask("POST", "/checkout/sessions", {**SESSION, "locale": locale})
    page = vendor.answer(httpx.Request("GET", session["url"]))
    text = html.unescape(page.text)
    assert f'<html lang="{language}">' in page.text
    assert f"{pay} 49.90 USD" in text
    assert "Cap &lt;&amp;&gt; 帽子" in page.text
    assert not re.search(r"<script|src=|@import|url\(", page.text)
    assert "default-src 'none'" in page.headers["content-security-policy"]
    answer = vendor.press(session["url"], action="pay")
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        f"https://shop.test/thanks?s={session['id']}",
    )
    again = vendor.press(session["url"], action="pay")
    assert (again.status_code, len(vendor.kept.charges)) == (200, 1)


def test_a_declined_shopper_stays_on_the_page(ask, vendor):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    answer = vendor.press(session["url"], action="decline")
    assert (answer.status_code, 'role="alert"' in answer.text) == (402, True)
    assert vendor.press(session["url"], action="pay", way="magic").status_code == 400
    assert vendor.press(session["url"]).status_code == 400
    assert vendor.kept.charges == {}
    assert vendor.press("http://127.0.0.1:8813/c/pay/cs_1", action="pay").status_code == 404
    for method, path in (("GET", "x"), ("POST", ""), ("POST", "ch_1"), ("DELETE", "")):
        request = httpx.Request(method, f"http://127.0.0.1:8813/{path}")
        assert vendor.answer(request).status_code == 404


@pytest.mark.parametrize("way", list(Way))
def test_every_bad_day_of_the_page_can_be_had(ask, vendor, way):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    page = vendor.answer(httpx.Request("GET", session["url"])).text
    assert f'<option value="{way}">' in page
    answer = vendor.press(session["url"], action="pay", way=way)
    assert answer.status_code == (402 if way is Way.DECLINED else 303)
    vendor.clock.advance(seconds=10)
    vendor.moves.tick()
    told = {event.type for event in vendor.kept.events.values()}
    wanted = {
        Way.DECLINED: "payment_intent.payment_failed",
        Way.BANK: "checkout.session.async_payment_succeeded",
        Way.BANK_FAILS: "checkout.session.async_payment_failed",
        Way.DISPUTED: "charge.dispute.created",
    }.get(way, "payment_intent.succeeded")
    assert wanted in told


# -------------------------------------------------------------------------------------- the dashboard


@pytest.fixture
def dashboard(vendor):
    """Presses a button beside the only charge; gives the status and the buttons there are then."""

    def pressing(action, language="en"):
        [charge] = vendor.kept.charges
        answer = vendor.press(f"http://127.0.0.1:8813/{charge}", action=action)
        home = httpx.Request("GET", "http://127.0.0.1:8813/", headers={"accept-language": language})
        page = vendor.answer(home).text
        return answer.status_code, re.findall(r'value="([a-z]+)"', page)

    return pressing


def test_a_merchant_sees_a_dispute_through_in_the_dashboard(ask, vendor, dashboard):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    empty = vendor.answer(httpx.Request("GET", "http://127.0.0.1:8813/"))
    assert (empty.status_code, "Nobody has paid yet" in empty.text) == (200, True)
    vendor.press(session["url"], action="pay")
    assert dashboard("inquiry") == (303, ["dispute"])
    assert dashboard("dispute") == (303, ["answer", "win", "lose"])
    assert dashboard("refund") == (409, ["answer", "win", "lose"])
    assert dashboard("answer") == (303, ["win", "lose"])
    assert dashboard("win", "zh-CN") == (303, [])
    [dispute] = vendor.kept.disputes.values()
    assert (
        dispute.status,
        sum(vendor.kept.transactions[key].amount for key in dispute.transactions),
    ) == (
        "won",
        0,
    )


def test_a_merchant_refunds_in_the_dashboard(ask, vendor, dashboard):
    _, session = ask("POST", "/checkout/sessions", SESSION)
    vendor.press(session["url"], action="pay")
    assert dashboard("refund") == (303, ["fail"])
    [refund] = vendor.kept.refunds.values()
    assert (refund.amount, refund.metadata) == (4990, {})
    assert dashboard("fail") == (303, ["refund", "inquiry", "dispute"])
    assert refund.status == "failed"
    assert dashboard("fly")[0] == 409


def test_held_money_can_only_wait(ask, vendor, dashboard):
    manual = {"payment_intent_data[capture_method]": "manual"}
    _, session = ask("POST", "/checkout/sessions", SESSION | manual)
    vendor.press(session["url"], action="pay")
    assert dashboard("refund") == (409, [])


# --------------------------------------------------------------------------------------- the postman


def test_events_are_told_until_they_are_taken(ask, vendor):
    ask("POST", "/payment_intents", INTENT)
    waits = []
    for _ in range(4):
        [delivery] = vendor.due()
        before = vendor.clock.now()
        vendor.delivered(delivery.key, httpx.Response(503))
        while not vendor.due():
            vendor.clock.advance(seconds=5)
        waits.append((vendor.clock.now() - before).total_seconds())
    assert waits == [10, 20, 40, 80]
    vendor.delivered(vendor.due()[0].key, httpx.Response(204))
    vendor.clock.advance(days=1)
    assert vendor.due() == []


def test_after_three_days_the_vendor_gives_up(ask, vendor):
    ask("POST", "/payment_intents", INTENT)
    for _ in range(40):
        for delivery in vendor.due():
            vendor.delivered(delivery.key, None)
        vendor.clock.advance(hours=3)
    assert vendor.due() == []


async def test_while_a_secret_is_rolled_events_carry_both_signatures(ask, vendor, gateway, context):
    """The account knows SIGNS now and SIGNED from before."""
    ask("POST", "/payment_intents", INTENT)
    [event] = vendor.kept.events.values()
    for secrets in ([SIGNED], [SIGNS, SIGNED], ["whsec_new", SIGNS]):
        vendor.secrets = secrets
        raw = vendor.signed(event.body)
        assert raw.headers["stripe-signature"].count("v1=") == len(secrets)
        assert (await gateway.parse_notification(context, raw)).events[0].event_id == event.id


def test_a_restart_forgets_nothing(ask, vendor, clock):
    _, session = ask("POST", "/checkout/sessions", SESSION, idempotency_key="k")
    vendor.press(session["url"], action="pay", way=Way.BANK)
    other = type(vendor)(clock)
    other.recall(vendor.remember())
    assert other.kept == vendor.kept
    clock.advance(seconds=10)
    assert [one.key for one in other.due()] == [one.key for one in vendor.due()]
    assert other.kept == vendor.kept
    with pytest.raises(ValueError, match="JSON|malformed"):
        other.recall(b"not books")


# ---------------------------------------------------------------------------------------- its server


def test_the_command_plays_it_with_keys_that_stay(tmp_path):
    [group] = plugin.register_commands()
    assert group.name == "stripe"
    home = VendorHome(tmp_path / "stripe", "http://127.0.0.1:8813", "http://127.0.0.1:8000")
    first, again = at_home(home), at_home(home)
    assert isinstance(first, FakeStripe)
    assert first.settings() == again.settings()
    table = _account(first.settings())
    account = Section(table=table).read(Account)
    assert (account.endpoint, account.api_key.reveal()[:8]) == ("http://127.0.0.1:8813", "sk_test_")


def _account(text):
    import tomllib

    settings = tomllib.loads(text)
    assert set(settings["payments"]["methods"]["stripe"]["label"]) == {"en", "zh"}
    return settings["payments"]["accounts"]["stripe"]["default"]


def test_the_plugin_brings_one_gateway():
    [gateway] = plugin.register_payment_gateways()
    assert gateway.code == "stripe"
    assert Path(plugin.__file__).with_name("py.typed").exists()
