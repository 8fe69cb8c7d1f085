"""Rows 13, 46 (its surface here), 47, 53, 54 and 59: what is told to whom before anything is read."""

from __future__ import annotations

import ast
import base64
import json
import logging
from pathlib import Path

import pytest

from commercekit.platform.http import HttpSettings, Serves
from tests.platform.http.conftest import client_of
from tests.platform.http.sample import sample
from tests.platform.http.test_problems import assert_problem

STAFF = ("/admin/things", "/docs", "/openapi.json", "/metrics", "/docs/assets/start.js")
SPELLINGS = ("//admin/things", "/ADMIN/things", "/admin//things", "/admin/", "/docs/../docs")


def shop(**settings):
    return client_of(sample(settings=HttpSettings(**settings)))


async def answers(client, paths):
    return {path: (await client.get(path)).status_code for path in paths}


@pytest.mark.parametrize("path", [*STAFF, *SPELLINGS])
async def test_staff_addresses_are_not_there_outside_of_the_allow_list(path):
    async with shop(staff_networks=("10.0.0.0/8",)) as client:
        closed = await client.get(path, headers={"Authorization": "Bearer ada"})
        absent = await client.get("/store/nothing")
    assert_problem(closed, 404, "not-found")
    assert closed.json()["title"] == absent.json()["title"]
    assert "www-authenticate" not in closed.headers


async def test_staff_addresses_are_there_inside_of_it():
    async with shop(staff_networks=("127.0.0.0/8",)) as client:
        assert await answers(client, STAFF) == {
            "/admin/things": 401,
            "/docs": 200,
            "/openapi.json": 200,
            "/metrics": 200,
            "/docs/assets/start.js": 200,
        }
        assert (await client.get("/livez")).status_code == 200


async def test_staff_come_in_under_their_own_host_only():
    async with shop(staff_hosts=("admin.shop.example",)) as client:
        assert set((await answers(client, STAFF)).values()) == {404}
        inside = await client.get("/metrics", headers={"Host": "Admin.Shop.Example:8443"})
    assert inside.status_code == 200


async def test_what_serves_the_store_has_nothing_of_staff_and_the_other_way_round():
    async with shop(serves=Serves.STORE) as client:
        assert set((await answers(client, STAFF)).values()) == {404}
        assert (await client.get("/livez")).status_code == 200
    async with shop(serves=Serves.STAFF) as client:
        assert (await client.get("/metrics")).status_code == 200
        for path in ("/store/things", "/webhooks/payments/x/default", "/plugins/x/y", "/media/x"):
            assert_problem(await client.get(path), 404, "not-found")
        assert (await client.get("/readyz")).status_code == 200


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://shop.example.evil"])
async def test_preflight_from_elsewhere_gets_no_permission(origin):
    async with shop() as client:
        asked = {"Origin": origin, "Access-Control-Request-Method": "POST"}
        answer = await client.options("/admin/things", headers=asked)
        read = await client.get("/livez", headers={"Origin": origin, "Cookie": "ck_session=x"})
    for each in (answer, read):
        assert not [name for name in each.headers if name.startswith("access-control-")]


@pytest.mark.parametrize("method", ["TRACE", "BREW", "CONNECT"])
async def test_methods_that_nobody_speaks_are_refused(method):
    async with shop() as client:
        answer = await client.request(method, "/livez")
    assert_problem(answer, 405, "method-not-allowed")


async def test_reports_of_browsers_are_counted_and_told_without_what_is_secret(caplog):
    old = {
        "csp-report": {
            "document-uri": "https://shop.example/pay?token=canary-token",
            "effective-directive": "script-src-elem",
            "blocked-uri": "https://u:canary-pw@evil.example/x.js?canary-query",
        }
    }
    new = [
        {
            "type": "csp-violation",
            "body": {
                "documentURL": "https://shop.example/",
                "effectiveDirective": "img-src\ncanary",
                "blockedURL": "inline",
            },
        },
        {"type": "deprecation", "body": {}},
    ]
    async with shop() as client:
        with caplog.at_level(logging.WARNING, "commercekit.csp"):
            for body, media in ((old, "application/csp-report"), (new, "application/reports+json")):
                sent = await client.post(
                    "/csp-reports", content=json.dumps(body), headers={"Content-Type": media}
                )
                assert sent.status_code == 204, sent.text
        metrics = (await client.get("/metrics")).text
    assert 'commercekit_csp_reports_total{directive="script-src-elem"} 1.0' in metrics
    assert 'commercekit_csp_reports_total{directive="other"} 1.0' in metrics
    assert [r.page for r in caplog.records] == ["https://shop.example/pay", "https://shop.example/"]
    assert caplog.records[0].blocked == "https://evil.example/x.js"
    assert "canary" not in str([vars(record) for record in caplog.records])


@pytest.mark.parametrize(
    "body", ["", "x", "[1]", '{"csp-report": 1}', "[" * 20_000, '{"a":' * 9_000]
)
async def test_reports_that_are_none_harm_nobody(body):
    async with shop() as client:
        for media in ("application/csp-report", "application/reports+json"):
            answer = await client.post(
                "/csp-reports", content=body, headers={"Content-Type": media}
            )
            assert answer.status_code == 204, answer.text
        refused = await client.post(
            "/csp-reports", content=body, headers={"Content-Type": "text/plain"}
        )
    assert_problem(refused, 415, "unsupported-media-type")


async def test_a_flood_of_reports_fills_no_log(caplog):
    body = json.dumps({"csp-report": {"effective-directive": "img-src"}})
    async with shop() as client:
        with caplog.at_level(logging.WARNING, "commercekit.csp"):
            for _ in range(30):
                await client.post(
                    "/csp-reports", content=body, headers={"Content-Type": "application/csp-report"}
                )
    assert len(caplog.records) == 20


async def test_pages_tell_browsers_where_to_report():
    async with shop() as client:
        policy = (await client.get("/problems/not-found", headers={"Accept": "text/html"})).headers[
            "content-security-policy"
        ]
    assert policy.endswith("; report-uri /csp-reports")
    for part in (
        "default-src 'self'",
        "object-src 'none'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
        "form-action 'self'",
    ):
        assert part in policy
    assert "unsafe" not in policy


async def test_a_request_with_two_lengths_is_refused():
    async with shop() as client:
        answer = await client.post(
            "/csp-reports",
            content=b"0\r\n\r\n",
            headers={"Content-Length": "5", "Transfer-Encoding": "chunked"},
        )
    assert_problem(answer, 400, "malformed")


def unsigned(**header):
    """What a library would take for a token that nobody signed."""
    parts = (header, {"sub": "owner", "aud": "commercekit", "exp": 4102444800, "scope": "*:*"})
    encoded = (base64.urlsafe_b64encode(json.dumps(part).encode()) for part in parts)
    return ".".join((*(part.rstrip(b"=").decode() for part in encoded), "")) + "c2lnbmF0dXJl"


@pytest.mark.parametrize(
    "header",
    [
        {"alg": "none"},
        {"alg": "None", "typ": "JWT"},
        {"alg": "HS256", "kid": "../../../dev/null"},
        {"alg": "RS256", "jku": "https://evil.example/keys"},
        {"alg": "HS256", "typ": "at+jwt", "crit": []},
    ],
)
async def test_a_token_that_carries_its_own_claims_opens_nothing(header):
    token = unsigned(**header)
    async with shop() as client:
        for shown in (token, token.rpartition(".")[0] + "."):
            answer = await client.get("/admin/things", headers={"Authorization": f"Bearer {shown}"})
            assert_problem(answer, 401, "unauthenticated")
            assert "owner" not in answer.text


@pytest.mark.parametrize("path", ["/", "/store/things", "/admin/things", "/livez", "/ws"])
async def test_no_socket_is_opened_to_anybody(path):
    sent = []

    async def receive():
        return {"type": "websocket.connect"}

    async def send(message):
        sent.append(message)

    scope = {
        "type": "websocket",
        "asgi": {"version": "3.0"},
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(b"host", b"shop.test"), (b"origin", b"https://evil.example")],
        "client": ("127.0.0.1", 5),
        "server": ("127.0.0.1", 80),
        "subprotocols": [],
        "state": {},
    }
    await sample()(scope, receive, send)
    assert [message["type"] for message in sent] == ["websocket.close"]


async def test_no_answer_is_a_stream_of_events():
    async with shop() as client:
        for path in ("/livez", "/store/nothing", "/admin/things"):
            answer = await client.get(path, headers={"Accept": "text/event-stream"})
            assert not answer.headers["content-type"].startswith("text/event-stream")


def test_nothing_that_runs_in_a_shop_reads_xml():
    root = Path(__file__).resolve().parents[2]
    readers = {"xml.etree", "xml.dom", "xml.parsers", "xml.sax", "lxml", "defusedxml", "xmltodict"}
    found = set()
    for path in [*root.glob("src/**/*.py"), *root.glob("plugins/*/src/**/*.py")]:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [f"{node.module}.{alias.name}" for alias in node.names]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            found |= {(path.name, name) for name in names if name.startswith(tuple(readers))}
    # One writes, and one reads what pytest on the author's own machine wrote.
    assert found == {
        ("feeds.py", "xml.sax.saxutils.escape"),
        ("running.py", "xml.etree.ElementTree"),
    }
