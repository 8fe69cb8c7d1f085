"""A shop whose plugins were left out: what works, what waits, and that nothing is lost."""

import contextlib

import httpx
import pytest
import pytest_asyncio

from commercekit.app import Shop, build_application, load_configuration
from commercekit.errors import ConfigurationError, Unavailable
from commercekit.pricing import TaxDestination
from tests.shop import SHIRT, Cart, TestShop, cny, given, refused
from tests.shop_parts import SETTINGS, Loopback, issue_token

SAFE = {"COMMERCEKIT_PLUGINS__SAFE_MODE": "true"}


def load(tmp_path, *more, shop=None, settings=SETTINGS, **environ):
    """The settings of the shop of the tests and ``more``; with the keys of ``shop``."""
    file = tmp_path / "commercekit.toml"
    file.write_text("\n".join((settings, *more)), encoding="utf-8")
    variables = {
        "COMMERCEKIT_DATA": str(shop.shop.configuration.data if shop else tmp_path / "data"),
        "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(tmp_path / "messages"),
    }
    return load_configuration(file, variables | environ)


@contextlib.asynccontextmanager
async def opened(shop, tmp_path, *more, **changes):
    """The same shop a second time, in safe mode."""
    configuration = load(tmp_path, *more, shop=shop, **SAFE, **changes)
    loop = Loopback()
    safe = Shop(configuration, shop.dsn, clock=shop.clock, http=httpx.AsyncClient(transport=loop))
    loop.inner = httpx.ASGITransport(build_application(safe))
    async with (
        safe.opened(),
        httpx.AsyncClient(transport=loop.inner, base_url="http://shop.test") as client,
    ):
        yield TestShop(safe, client, shop.clock, await issue_token(safe, "*:*"), shop.outbox)


@pytest_asyncio.fixture
async def safe(shop, dsn, tmp_path):
    """The shop of the tests, opened a second time, in safe mode."""
    shop.dsn = dsn
    async with opened(shop, tmp_path) as safe:
        yield safe


async def test_no_plugin_works_and_the_shop_says_what_it_lacks(safe):
    assert safe.shop.plugins.enabled == ()
    assert safe.shop.safe_mode.lacking == (
        "payments.methods.sandbox",
        "payments.methods.sandbox-hold",
        "payments.methods.cod",
        "fulfilment.accounts.table-rate",
    )


async def test_shoppers_read_and_fill_carts_and_cannot_order(shop, safe):
    assert given(await safe.client.get("/store/products"))["items"]
    cart = await safe.cart((SHIRT, 1))
    assert (await cart.read())["lines"][0]["sku"] == SHIRT
    assert given(await cart.ask("GET", "/payment-methods")) == []
    answer = await safe.order((SHIRT, 1))
    assert answer.status_code == 422
    assert await safe.orders() == 0
    assert await safe.stock(SHIRT) == (10, 0)
    # The same cart orders as soon as the plugins are back.
    again = Cart(shop.client, cart.id, cart.token)
    await again.ready()
    assert (await again.checkout(20900)).status_code == 201


async def test_staff_read_what_was_ordered(shop, safe):
    order = await shop.paid((SHIRT, 1))
    seen = given(await safe.admin("GET", f"/admin/orders/{order['number']}"))
    assert seen["payment_status"] == "paid"
    assert seen["totals"]["total"] == cny(20900)


async def test_a_vendor_is_asked_to_notify_again_and_nothing_is_lost(shop, safe):
    order = await shop.placed((SHIRT, 1))
    webhook = "/webhooks/payments/sandbox/default"
    answer = await safe.client.post(webhook, content=b"{}")
    refused(answer, 503, "unavailable")
    assert answer.headers["retry-after"] == "60"
    assert (await safe.client.get("/webhooks/nothing/sandbox/default")).status_code == 404
    await shop.pay(order)
    assert (await shop.read(order))["payment_status"] == "paid"


async def test_work_for_absent_providers_waits_for_the_next_ordinary_start(shop, safe):
    order = await shop.placed((SHIRT, 1))
    await shop.client.post(order["payment"]["action"]["url"], data={"action": "pay"})
    await shop.shop.jobs.run_due()
    await safe.shop.bus.drain()
    before = await safe.count("platform_job WHERE kind = 'notifications.deliver'")
    while await safe.shop.jobs.run_due():
        pass
    assert await safe.count("platform_job WHERE kind = 'notifications.deliver'") == before
    assert await safe.count("platform_job WHERE state = 'parked'") == 0
    assert await safe.count("platform_job WHERE kind LIKE 'payments.%' AND state = 'parked'") == 0
    await shop.settle()
    assert shop.mails(order["number"])


async def test_what_the_settings_call_safe_is_offered(shop, dsn, tmp_path):
    shop.dsn = dsn
    named = '[plugins]\nsafe = ["payment-cod", "carrier-table-rate"]'
    async with opened(shop, tmp_path, named) as half:
        assert half.shop.plugins.enabled == ("payment-cod", "carrier-table-rate")
        assert half.shop.safe_mode.lacking == (
            "payments.methods.sandbox",
            "payments.methods.sandbox-hold",
        )
        order = await half.placed((SHIRT, 1), method="cod")
        assert order["totals"]["total"] == cny(20900)
        refused(await half.order((SHIRT, 1), method="sandbox"), 422, "payment-method-unknown")


async def test_a_gateway_that_no_method_names_is_not_offered_instead(shop, dsn, tmp_path):
    shop.dsn = dsn
    settings = SETTINGS.replace('[payments.methods.cod]\ngateway = "cod"\n', "")
    more = '[plugins]\nsafe = ["payment-cod", "carrier-table-rate"]'
    async with opened(shop, tmp_path, more, settings=settings) as half:
        assert half.shop.payments.methods("CNY", 100) == []
        assert (await half.order((SHIRT, 1), method="cod")).status_code == 422


NAMED = {
    "media.storage": '[media]\nstorage = "s3"',
    "inventory.strategy": '[inventory]\nstrategy = "nearest"',
    "pricing.tax_provider": (
        '[pricing]\ntax_provider = "table"\n[providers.tax.verbs.rates]\npolicy = "closed"'
    ),
    "orders.refund_rules: goodwill": '[orders]\nrefund_rules = ["goodwill"]',
    "notifications.routes.email": '[notifications.routes.email]\nnotifier = "sandbox"',
    "notifications.accounts.sandbox": "[notifications.accounts.sandbox.default]",
    "payments.accounts.card": "[payments.accounts.card.default]\nkey = 1",
    "fulfilment.methods.fast": '[fulfilment.methods.fast]\ncarrier = "van"',
}


@pytest.mark.parametrize("path", NAMED)
async def test_whatever_setting_names_an_absent_plugin_stops_the_start_only_outside(
    dsn, tmp_path, path
):
    named = NAMED[path]
    safe = Shop(load(tmp_path, named, **SAFE), dsn)
    assert path in safe.safe_mode.lacking
    await safe.http.aclose()
    with pytest.raises(ConfigurationError):
        Shop(load(tmp_path, named, "[plugins]\nenabled = []"), dsn)


async def test_pictures_elsewhere_are_away_and_not_gone(dsn, tmp_path):
    safe = Shop(load(tmp_path, NAMED["media.storage"], **SAFE), dsn)
    for asked in (
        safe.storage.get("1-a.webp"),
        safe.storage.put("1-a.webp", b""),
        safe.storage.delete("1-a.webp"),
    ):
        with pytest.raises(Unavailable, match="safe mode"):
            await asked
    await safe.http.aclose()


async def test_an_absent_tax_provider_is_one_that_does_not_answer(shop, dsn, tmp_path):
    shop.dsn = dsn
    strict = NAMED["pricing.tax_provider"]
    async with opened(shop, tmp_path, strict) as safe:
        with pytest.raises(Unavailable):
            await safe.shop.pricing.tax_for(TaxDestination(country="CN"), ["standard"])
    lenient = strict.replace("closed", "open")
    async with opened(shop, tmp_path, lenient) as safe:
        table = await safe.shop.pricing.tax_for(TaxDestination(country="CN"), ["standard"])
        assert table.of("standard")[0].rate_ppm == 130000
