from __future__ import annotations

import json
import logging

import pytest

from commercekit.platform.http import DEGRADED, HttpSettings
from tests.platform.http.conftest import client_of
from tests.platform.http.sample import Ledger, sample
from tests.platform.http.test_problems import assert_problem

ADA = {"Authorization": "Bearer ada"}
BASKET = {"lines": [{"sku": "A", "quantity": 1}]}


async def test_every_answer_carries_the_security_headers(client):
    for path in ("/livez", "/store/nothing", "/store/broken", "/docs", "/openapi.json"):
        headers = (await client.get(path)).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "strict-origin-when-cross-origin"
        assert "object-src 'none'" in headers["content-security-policy"]
        assert headers["cross-origin-opener-policy"] == "same-origin"
        assert "strict-transport-security" not in headers
        assert "server" not in headers
    assert (await client.get("/livez")).headers["cache-control"] == "no-store"


async def test_production_insists_on_tls():
    async with client_of(sample(settings=HttpSettings(is_production=True))) as client:
        headers = (await client.get("/livez")).headers
    assert headers["strict-transport-security"] == "max-age=31536000; includeSubDomains"


async def test_request_id_of_a_proxy_is_kept(client):
    response = await client.get("/livez", headers={"X-Request-ID": "proxy-0123456789"})
    assert response.headers["x-request-id"] == "proxy-0123456789"


@pytest.mark.parametrize("name", ["short", "x" * 65, 'a"b<script>', "../../etc/passwd", ""])
async def test_request_id_that_makes_no_sense_is_replaced(client, name):
    response = await client.get("/livez", headers={"X-Request-ID": name})
    assert response.headers["x-request-id"] != name
    assert len(response.headers["x-request-id"]) > 16


async def test_request_ids_differ(client):
    ids = {(await client.get("/livez")).headers["x-request-id"] for _ in range(5)}
    assert len(ids) == 5


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://shop.example.evil.example"},
        {"Origin": "http://shop.example:81"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
)
async def test_change_from_another_site_is_refused(headers):
    ledger = Ledger()
    cookies = {"ck_session": "x"}
    async with client_of(sample(ledger), cookies=cookies) as client:
        response = await client.delete("/admin/things", headers=ADA | headers)
    assert_problem(response, 403, "csrf")
    assert ledger.done == []


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Origin": "http://shop.example", "Sec-Fetch-Site": "same-origin"},
        {"Origin": "HTTPS://SHOP.example"},
        {"Origin": "https://admin.shop.example", "Sec-Fetch-Site": "same-site"},
        {"Sec-Fetch-Site": "none"},
    ],
)
async def test_change_from_the_shop_itself_is_done(headers):
    settings = HttpSettings(trusted_origins=("https://admin.shop.example",))
    ledger = Ledger()
    async with client_of(sample(ledger, settings=settings)) as client:
        response = await client.delete("/admin/things", headers=ADA | headers)
    assert response.status_code == 204
    assert ledger.done == ["remove"]


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
async def test_preflight_of_another_origin_allows_nothing(client, origin):
    headers = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type",
    }
    response = await client.options("/store/baskets", headers=headers)
    assert not [name for name in response.headers if name.startswith("access-control-")]
    response = await client.get("/livez", headers={"Origin": origin, "Cookie": "ck_session=x"})
    assert not [name for name in response.headers if name.startswith("access-control-")]


async def test_headers_of_100_kilobytes_are_refused(client):
    response = await client.get("/livez", headers={"X-Much": "x" * 100_000})
    assert_problem(response, 431, "headers-too-large")


@pytest.mark.parametrize(
    "host", ["evil.example", "shop.example@evil.example", "a b", "shop.example:x"]
)
async def test_foreign_host_is_refused(host):
    app = sample(settings=HttpSettings(allowed_hosts=("shop.example",)))
    async with client_of(app) as client:
        assert_problem(await client.get("/livez", headers={"Host": host}), 400, "malformed")
        assert (await client.get("/livez")).status_code == 200
        assert (
            await client.get("/livez", headers={"Host": "SHOP.example:8000"})
        ).status_code == 200


async def test_access_log_is_one_line_whatever_the_client_sends(client, caplog):
    with caplog.at_level(logging.INFO, logger="commercekit.access"):
        await client.get("/livez", headers={b"User-Agent": b'x\n{"level":"info"}\r\x85'})
    (record,) = [r for r in caplog.records if r.name == "commercekit.access"]
    assert record.user_agent == 'x\\x0a{"level":"info"}\\x0d\\x85'
    assert "\n" not in record.getMessage()
    assert (record.status, record.route) == (200, "/livez")


async def test_refusals_are_events_of_security_in_the_log_and_counted(caplog):
    app = sample()
    events = app.edge.metrics.registry.get_sample_value
    name = "commercekit_security_events_total"
    async with client_of(app) as client:
        with caplog.at_level(logging.INFO, logger="commercekit.access"):
            await client.get("/livez")
            await client.get("/nowhere")
            await client.post("/livez", headers={"Origin": "https://evil.example"})
            await client.get("/livez", headers={"Host": "a b"})
    told = [record.security for record in caplog.records if record.name == "commercekit.access"]
    assert told == [None, None, "origin", "input"]
    assert (events(name, {"kind": "origin"}), events(name, {"kind": "input"})) == (1, 1)


async def test_of_the_balancers_questions_only_a_no_is_worth_a_line(caplog):
    well = True

    async def database():
        if not well:
            raise ConnectionRefusedError("127.0.0.1:5432")

    async with client_of(sample(checks={"database": database})) as client:
        with caplog.at_level(logging.INFO, logger="commercekit.access"):
            assert (await client.get("/readyz")).status_code == 200
            well = False
            assert (await client.get("/readyz")).status_code == 503
    told = [r.status for r in caplog.records if r.name == "commercekit.access"]
    assert told == [503]


async def test_log_knows_routes_not_secrets_in_addresses(client, caplog):
    # The logger's own level: another test may have set logging up as a quiet shop does.
    with caplog.at_level(logging.INFO, logger="commercekit.access"):
        await client.get("/webhooks/payments/acme/default/canary-secret")
        await client.get("/admin/things", headers={"Authorization": "Bearer canary-secret"})
    ours = [record for record in caplog.records if record.name.startswith("commercekit")]
    assert len(ours) == 2
    assert all("canary-secret" not in str(record.__dict__) for record in ours)


async def test_metrics_count_by_route(client):
    await client.get("/store/nothing")
    await client.post("/store/baskets", json=BASKET)
    text = (await client.get("/metrics")).text
    assert (
        'commercekit_http_requests_total{method="POST",route="/store/baskets",status="201"} 1.0'
        in text
    )
    assert 'route="unmatched",status="404"} 1.0' in text
    assert "nothing" not in text


async def test_readiness_names_what_fails():
    async def fine():
        return None

    async def dead():
        raise ConnectionRefusedError("127.0.0.1:5432")

    async with client_of(sample(checks={"cache": fine, "database": dead})) as client:
        response = await client.get("/readyz")
        assert (await client.get("/livez")).json() == {"status": "ok"}
    body = assert_problem(response, 503, "unavailable")
    assert body["failed"] == ["database"]
    assert "127.0.0.1" not in response.text


async def test_readiness_when_all_is_well():
    async def fine():
        return None

    async with client_of(sample(checks={"database": fine})) as client:
        response = await client.get("/readyz")
    assert response.json() == {"status": "ok", "database": "ok"}


async def test_a_part_that_requests_can_do_without_makes_the_shop_degraded_and_not_unready():
    async def fine():
        return None

    async def away():
        return DEGRADED

    async with client_of(sample(checks={"cache": away, "database": fine})) as client:
        response = await client.get("/readyz")
    assert response.status_code == 200
    assert response.json() == {"status": "degraded", "cache": "degraded", "database": "ok"}


async def test_a_body_that_is_cut_off_is_malformed_and_no_error_of_ours(caplog):
    told = [{"type": "http.request", "body": b"{", "more_body": True}, {"type": "http.disconnect"}]
    sent = []

    async def receive():
        return told.pop(0)

    async def send(message):
        sent.append(message)

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/csp-reports",
        "raw_path": b"/csp-reports",
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"shop.test"), (b"content-type", b"application/csp-report")],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "state": {},
    }
    with caplog.at_level(logging.ERROR):
        await sample()(scope, receive, send)
    assert sent[0]["status"] == 400
    assert json.loads(sent[1]["body"])["type"].endswith("/malformed")
    assert not [record for record in caplog.records if record.levelno >= logging.ERROR]
