"""What a merchant types about webhooks, and what they read."""

from __future__ import annotations

import http.server
import json
import threading

import pytest

ANSWERS = [500, 200]


@pytest.fixture
def receiver():
    """A server in a thread of its own: commands run an event loop that is none of the test's."""
    seen = []

    class Answering(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["content-length"]))
            seen.append((dict(self.headers), json.loads(body)))
            self.send_response(ANSWERS[min(len(seen), len(ANSWERS)) - 1])
            self.end_headers()
            self.wfile.write(b"said")

        def log_message(self, *_):
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Answering)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    server.seen, server.url = seen, f"http://127.0.0.1:{server.server_port}/hook"
    yield server
    server.shutdown()
    server.server_close()


@pytest.fixture
def shop(commercekit, empty_dsn, at, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", empty_dsn)
    (at / "commercekit.toml").write_text('[webhooks]\nnetworks = ["127.0.0.0/8"]\n')
    assert commercekit("db", "upgrade")[0] == 0
    return commercekit


def test_an_endpoint_is_added_tested_turned_looked_at_and_removed(shop, receiver):
    code, out, err = shop("webhooks", "list")
    assert (code, out) == (
        0,
        "There is none; add one: commercekit webhooks add https://… --events 'order.*'\n",
    )
    code, out, err = shop(
        "webhooks", "add", receiver.url, "--events", "order.*", "--header", "X-A=b"
    )
    assert code == 0
    assert out.startswith("whsec_")
    assert f"order.* to {receiver.url}." in err
    code, out, err = shop("webhooks", "test", receiver.url)
    assert (code, out) == (1, "said\n")
    assert ": 500 after " in err
    code, out, err = shop("webhooks", "test", receiver.url)
    assert code == 0
    assert ": 200 after " in err
    assert [headers["X-A"] for headers, _ in receiver.seen] == ["b", "b"]
    code, out, _ = shop("webhooks", "deliveries", receiver.url, "--json")
    messages = json.loads(out)
    assert [each["state"] for each in messages] == ["delivered", "failed"]
    assert [each["id"] for each in messages] == [
        headers["webhook-id"] for headers, _ in reversed(receiver.seen)
    ]
    code, out, _ = shop("webhooks", "deliveries", receiver.url, "--message", messages[1]["id"])
    assert code == 0
    assert " 500 " in out
    code, out, _ = shop("webhooks", "list", "--json")
    (endpoint,) = json.loads(out)
    code, out, _ = shop("webhooks", "rotate", endpoint["id"][:13])
    assert (code, out.startswith("whsec_")) == (0, True)
    assert shop("webhooks", "disable", receiver.url)[0] == 0
    assert "disabled (by-hand)" in shop("webhooks", "list")[1]
    code, _, err = shop("webhooks", "replay", receiver.url, "--all", "--since", "1h")
    assert code == 1
    assert "Enable the endpoint first" in err
    assert shop("webhooks", "enable", receiver.url)[0] == 0
    code, _, err = shop("webhooks", "replay", receiver.url, "--message", messages[0]["id"])
    assert (code, err) == (0, "1 message is on the way again.\n")
    code, _, err = shop(
        "webhooks", "replay", receiver.url, "--failed", "--since", "2026-11-22T00:00"
    )
    assert (code, err) == (0, "0 messages are on the way again.\n")
    assert shop("webhooks", "remove", receiver.url)[0] == 0
    code, _, err = shop("webhooks", "test", receiver.url)
    assert code == 1
    assert f"There is no endpoint '{receiver.url}'" in err


def test_what_is_not_allowed_is_said_in_a_sentence_and_nothing_is_added(shop):
    for url, events, told in (
        ("https://10.0.0.1/", "order.*", "does not lead to the public internet"),
        ("http://vendor.invalid/", "order.*", "does not resolve"),
        ("ftp://vendor.example/", "order.*", "Only https"),
        ("http://127.0.0.1:9/", "order.Nothing", "Name facts of this shop"),
    ):
        code, out, err = shop("webhooks", "add", url, "--events", events)
        assert (code, out) == (1, "")
        assert told in err
    assert json.loads(shop("webhooks", "list", "--json")[1]) == []


@pytest.mark.parametrize(
    "arguments",
    [
        ("replay", "x"),
        ("replay", "x", "--failed"),
        ("replay", "x", "--failed", "--message", "msg_1"),
        ("rotate", "x", "--overlap", "soon"),
        ("add", "https://a.example/"),
        ("add", "https://a.example/", "--events", "*", "--header", "X"),
    ],
)
def test_a_command_that_says_too_little_is_wrong_usage(commercekit, arguments):
    assert commercekit("webhooks", *arguments)[0] == 2
