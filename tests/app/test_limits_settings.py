"""What a shop writes under ``[limits]`` is what its visitors meet, asked over HTTP."""

from __future__ import annotations

import contextlib
from uuid import uuid4

import httpx
import pytest

from commercekit.app import Shop, build_application, load_configuration
from commercekit.errors import ConfigurationError
from tests.shop import ADDRESS, EMAIL, MUG, SHIPPING, given, refused
from tests.shop_parts import SETTINGS, issue_token

OFFICE, HOME, PROXY = "203.0.113.5", "198.51.100.7", "192.0.2.1"
STRICT = """
[limits]
exempt = ["127.0.0.0/8", "203.0.113.128/25"]
ipv6_prefix = 56

[limits.rules.checkout]
requests = 2
per = "1h"

[limits.rules.carts]
requests = 0

[limits.rules.store-writes]
requests = 3
per = "1h"

[limits.rules.staff]
requests = 2
per = "1h"

[limits.rules.order-misses]
requests = 2
per = "1h"
"""
PROXIED = SETTINGS.replace("[web]", f'[web]\ntrusted_proxies = ["{PROXY}/32"]')


def load(folder, *more, settings=SETTINGS, keys=None):
    file = folder / "commercekit.toml"
    file.write_text("\n".join((settings, *more)), encoding="utf-8")
    variables = {
        "COMMERCEKIT_DATA": str(keys or folder / "data"),
        "COMMERCEKIT_PLUGINS__NOTIFY_SANDBOX__FOLDER": str(folder / "messages"),
    }
    return load_configuration(file, variables)


@pytest.fixture
def serving(shop, dsn, tmp_path):
    """The shop of the tests, opened a second time with other settings, and a way to come from anywhere."""

    @contextlib.asynccontextmanager
    async def open_(*more, settings=SETTINGS):
        configuration = load(tmp_path, *more, settings=settings, keys=shop.shop.configuration.data)
        other = Shop(configuration, dsn, clock=shop.clock)
        app = build_application(other)

        async def ask(method, path, *, of=HOME, **request):
            transport = httpx.ASGITransport(app, client=(of, 40_000))
            async with httpx.AsyncClient(transport=transport, base_url="http://shop.test") as one:
                return await one.request(method, path, **request)

        async with other.opened():
            ask.shop = other
            yield ask

    return open_


def order():
    body = {
        "lines": [{"sku": MUG, "quantity": 1}],
        "address": ADDRESS,
        "email": EMAIL,
        "shipping": SHIPPING,
        "payment_method": "cod",
    }
    return {"json": body, "headers": {"Idempotency-Key": str(uuid4())}}


async def test_the_figures_of_the_settings_are_those_that_visitors_meet(serving, shop):
    async with serving(STRICT) as ask:
        for left in (1, 0):
            answer = await ask("POST", "/store/checkout", of=OFFICE, **order())
            assert answer.status_code == 201, answer.text
            assert answer.headers["ratelimit-policy"] == '"checkout";q=2;w=3600'
            assert answer.headers["ratelimit"].startswith(f'"checkout";r={left};t=')
        one_too_many = await ask("POST", "/store/checkout", of=OFFICE, **order())
        problem = refused(one_too_many, 429, "throttled")
        assert "More than 2 requests in 3600 seconds (checkout)" in problem["detail"]
        assert 1 <= int(one_too_many.headers["retry-after"]) <= 1800
        assert one_too_many.headers["ratelimit"].startswith('"checkout";r=0;t=')
        assert await shop.orders() == 2, "who is turned away has ordered nothing"

        # Another address is another visitor; what is exempt is none.
        given(await ask("POST", "/store/checkout", of=HOME, **order()), 201)
        for _ in range(4):
            given(await ask("POST", "/store/checkout", of="203.0.113.200", **order()), 201)
        # A limit that was taken away: the default would have spoken up by half of 240.
        for _ in range(3):
            made = await ask("POST", "/store/carts", of=OFFICE, json={})
            assert made.status_code == 201, made.text
            assert "ratelimit" not in made.headers
        metrics = (await ask("GET", "/metrics", of="127.0.0.1")).text
        assert 'commercekit_throttled_total{rule="checkout"} 1.0' in metrics


async def test_an_ipv6_visitor_is_as_much_of_the_address_as_the_settings_say(serving):
    async with serving(STRICT) as ask:
        # One /56 has 256 networks of one household, which the default would count apart.
        for network in ("2001:db8:1:200::1", "2001:db8:1:2ff::1"):
            given(await ask("POST", "/store/checkout", of=network, **order()), 201)
        refused(
            await ask("POST", "/store/checkout", of="2001:db8:1:203::9", **order()),
            429,
            "throttled",
        )
        given(await ask("POST", "/store/checkout", of="2001:db8:1:300::1", **order()), 201)


async def test_staff_are_counted_by_their_token_and_guesses_by_address(serving):
    async with serving(STRICT) as ask:
        first = {"Authorization": f"Bearer {await issue_token(ask.shop, 'orders:read')}"}
        second = {"Authorization": f"Bearer {await issue_token(ask.shop, 'orders:read')}"}
        for of in (OFFICE, HOME):
            given(await ask("GET", "/admin/orders", of=of, headers=first))
        refused(await ask("GET", "/admin/orders", of=OFFICE, headers=first), 429, "throttled")
        given(await ask("GET", "/admin/orders", of=OFFICE, headers=second))

        missing = "/store/orders/200101-AAAA-AAAA"
        for _ in range(2):
            refused(await ask("GET", missing, of=OFFICE), 404, "not-found")
        refused(await ask("GET", missing, of=OFFICE), 429, "throttled")
        refused(await ask("GET", missing, of=HOME), 404, "not-found")


async def test_behind_a_proxy_a_visitor_is_whom_the_proxy_names(serving):
    async with serving(STRICT, settings=PROXIED) as ask:

        async def through(proxy, *named):
            wanted = order()
            wanted["headers"]["X-Forwarded-For"] = ", ".join(named)
            return await ask("POST", "/store/checkout", of=proxy, **wanted)

        for made_up in ("10.0.0.1", "10.0.0.2"):
            given(await through(PROXY, made_up, OFFICE), 201)
        refused(await through(PROXY, "10.0.0.3", OFFICE), 429, "throttled")
        given(await through(PROXY, OFFICE, HOME), 201)
        # Nobody believes a stranger who says that he speaks for others.
        for made_up in ("10.0.0.1", "10.0.0.2"):
            given(await through("192.0.2.99", made_up), 201)
        refused(await through("192.0.2.99", "10.0.0.3"), 429, "throttled")


async def test_a_shop_without_limits_counts_nothing(serving, shop):
    async with serving("[limits]\nenabled = false", "[limits.rules.checkout]\nrequests = 1") as ask:
        for _ in range(4):
            answer = await ask("POST", "/store/checkout", of=OFFICE, **order())
            given(answer, 201)
            assert "ratelimit" not in answer.headers
        assert await shop.count("platform_rate") == 0


@pytest.mark.parametrize(
    ("written", "told"),
    [
        (
            "[limits.rules.checkouts]\nrequests = 5",
            "limits.rules.checkouts is no limit of this shop",
        ),
        ('[limits]\nexempt = ["10.0.0.0/99"]', "limits.exempt"),
        (
            '[limits.rules.carts]\nrequests = 5\nper = "10ms"',
            "limits.rules.carts.per is at least a second",
        ),
        ("[limits.rules.carts]\nrequests = -1", "limits.rules.carts.requests"),
        ("[limits.rules.carts]\nrequests = 5\nburst = 9", "limits.rules.carts.burst"),
        ("[limits]\nipv6_prefix = 12", "limits.ipv6_prefix"),
    ],
)
def test_a_shop_with_a_limit_that_is_none_does_not_start_and_says_which(tmp_path, written, told):
    with pytest.raises(ConfigurationError) as wrong:
        build_application(Shop(load(tmp_path, written), "postgresql://nobody@127.0.0.1:1/none"))
    assert told in wrong.value.detail
