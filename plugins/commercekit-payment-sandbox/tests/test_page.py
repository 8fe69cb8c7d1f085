from __future__ import annotations

import re
from datetime import timedelta

import pytest

from commercekit.payments import PaymentStatus, QrCode, Redirect


async def test_asking_for_money_signs_a_link_and_stores_nothing(shop):
    payment = await shop.start()
    assert payment.status is PaymentStatus.PENDING
    assert isinstance(payment.action, Redirect)
    assert payment.action.url.startswith("http://shop.test/plugins/payment-sandbox/pay/")
    assert await shop.count("charge") == 0
    again = await shop.payments.start(payment.id)
    assert again.action == payment.action


async def test_paying_sends_the_shopper_back_and_tells_the_shop(shop):
    payment = await shop.start()
    answer = await shop.press(payment)
    assert (answer.status_code, answer.headers["location"]) == (
        303,
        "http://shop.test/thanks?token=t",
    )
    assert (await shop.of(payment)).status is PaymentStatus.PENDING
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.PAID
    assert shop.answers == [200]


async def test_the_page_says_what_is_paid_in_english(shop):
    payment = await shop.start()
    page = await shop.browser.get(payment.action.url)
    assert page.status_code == 200
    assert '<html lang="en">' in page.text
    assert "Pay 49.90 CNY" in page.text
    assert "Order &lt;1001&gt;" in page.text
    assert re.findall(r'<button[^>]*value="(\w+)"', page.text) == [
        "pay",
        "decline",
        "cancel",
        "pay",
    ]
    assert '<meta name="viewport"' in page.text


async def test_the_page_speaks_chinese(shop):
    payment = await shop.start(locale="zh-CN")
    page = await shop.browser.get(payment.action.url)
    assert '<html lang="zh">' in page.text
    assert "支付 49.90 CNY" in page.text


async def test_the_page_loads_nothing_from_elsewhere_and_runs_no_script(shop):
    payment = await shop.start()
    page = await shop.browser.get(payment.action.url)
    assert re.findall(r'(?:src|href)="([^"]+)"', page.text) == [
        "http://shop.test/plugins/payment-sandbox/page.css"
    ]
    assert "<script" not in page.text
    policy = page.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "form-action 'self' http://shop.test" in policy
    style = await shop.browser.get("/plugins/payment-sandbox/page.css")
    assert style.headers["content-type"].startswith("text/css")


async def test_a_form_without_a_way_back_ends_on_the_page(shop):
    payment = await shop.start()
    token = payment.action.url.rsplit("/", 1)[1]
    import msgspec

    from commercekit_payment_sandbox.models import Ticket
    from commercekit_payment_sandbox.signing import (
        open_link,
        seal_link,  # a link without return_url
    )

    key = shop.bank.keys("link", "")[0]
    ticket = msgspec.json.decode(open_link(key, token), type=Ticket)
    bare = msgspec.structs.replace(ticket, return_url=None, cancel_url=None)
    answer = await shop.browser.post(
        f"/plugins/payment-sandbox/pay/{seal_link(key, bare)}", data={"action": "pay"}
    )
    assert (answer.status_code, "This payment is paid." in answer.text) == (200, True)


async def test_declining_fails_the_payment(shop):
    payment = await shop.start()
    assert (await shop.press(payment, "decline")).status_code == 303
    await shop.jobs.run_due()
    failed = await shop.of(payment)
    assert (failed.status, failed.failure_code) == (PaymentStatus.FAILED, "declined")


async def test_cancelling_closes_it_and_leads_to_the_cart(shop):
    payment = await shop.start()
    answer = await shop.press(payment, "cancel")
    assert answer.headers["location"] == "http://shop.test/cart"
    await shop.jobs.run_due()
    assert (await shop.of(payment)).status is PaymentStatus.CLOSED
    again = await shop.press(payment)
    assert (again.status_code, "cannot be paid any more" in again.text) == (410, True)


async def test_paying_twice_pays_once(shop):
    payment = await shop.start()
    await shop.press(payment)
    again = await shop.press(payment)
    assert (again.status_code, "This payment is paid." in again.text) == (200, True)
    await shop.jobs.run_due()
    assert shop.told.count("PaymentPaid") == 1
    assert await shop.count("notification") == 1


@pytest.mark.parametrize("change", ["x", "A" * 40, "/../admin"])
async def test_a_link_that_was_changed_leads_nowhere(shop, change):
    payment = await shop.start()
    url = payment.action.url[:-3] + change
    shown, pressed = (
        await shop.browser.get(url),
        await shop.browser.post(url, data={"action": "pay"}),
    )
    assert (shown.status_code, pressed.status_code) == (404, 404)
    assert await shop.count("charge") == 0


async def test_a_cheaper_link_cannot_be_made(shop):
    import base64

    payment = await shop.start()
    head, token = payment.action.url.rsplit("/", 1)
    raw = base64.urlsafe_b64decode(token + "=" * (-len(token) % 4))
    cheap = base64.urlsafe_b64encode(raw.replace(b'"amount":4990', b'"amount":1000')).decode()
    answer = await shop.browser.post(f"{head}/{cheap.rstrip('=')}", data={"action": "pay"})
    assert answer.status_code == 404
    assert await shop.count("charge") == 0


async def test_an_expired_page_cannot_be_paid(shop):
    payment = await shop.start(expires_at=shop.clock.now() + timedelta(minutes=15))
    shop.clock.advance(minutes=15)
    shown, pressed = await shop.browser.get(payment.action.url), await shop.press(payment)
    assert (shown.status_code, pressed.status_code) == (410, 410)
    assert await shop.count("charge") == 0


async def test_a_closed_payment_cannot_be_paid_although_its_page_was_never_opened(shop):
    payment = await shop.start()
    assert (await shop.payments.close(payment.id)).status is PaymentStatus.CLOSED
    pressed = await shop.press(payment)
    assert (pressed.status_code, "cannot be paid any more" in pressed.text) == (410, True)
    await shop.settle()
    assert (await shop.of(payment)).status is PaymentStatus.CLOSED
    assert shop.answers == []


async def test_coming_back_with_a_claim_changes_nothing(shop):
    payment = await shop.start()
    page = await shop.browser.get(payment.action.url + "?status=success&paid=1")
    assert page.status_code == 200
    await shop.settle()
    assert (await shop.of(payment)).status is PaymentStatus.PENDING


@pytest.mark.parametrize(
    "form", [{}, {"action": "steal"}, {"action": "pay", "scenario": "nonsense"}]
)
async def test_a_form_that_makes_no_sense_is_refused(shop, form):
    payment = await shop.start()
    assert (await shop.browser.post(payment.action.url, data=form)).status_code == 400
    assert await shop.count("charge") == 0


async def test_a_qr_code_leads_to_the_same_page(shop):
    from commercekit.payments import Flow

    payment = await shop.start(flow=Flow.QR)
    assert isinstance(payment.action, QrCode)
    assert (await shop.browser.get(payment.action.text)).status_code == 200
