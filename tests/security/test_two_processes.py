"""Rows 15, 17, 20 and 46 against real servers: what one of them ends is over at the other."""

from __future__ import annotations

import secrets
import socket
import time
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.security.two_processes import two_servers
from tests.shop import given, refused

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

PASSWORD = "paper boats on a lake"


@pytest.fixture(scope="module")
def servers(postgres, tmp_path_factory):
    name = f"two_doors_{secrets.token_hex(4)}"
    dsn = postgres._server.create_database(name)
    with two_servers(tmp_path_factory.mktemp("servers"), dsn) as both:
        yield both
    postgres.drop(name)


@pytest.fixture
def account(servers):
    body = {"email": f"{uuid.uuid4().hex}@example.org", "password": PASSWORD}
    with servers[0].client() as client:
        given(client.post("/store/auth/register", json=body), 201)
    return body


def test_a_session_that_ends_at_one_is_over_at_the_other(servers, account):
    here, there = (server.client() for server in servers)
    with here, there:
        given(here.post("/store/auth/login", json=account))
        there.cookies.set("ck_session", here.cookies["ck_session"])
        assert given(there.get("/store/me"))["email"] == account["email"]
        assert here.post("/store/auth/logout").status_code == 204
        refused(there.get("/store/me"), 401, "unauthenticated")


def test_a_new_password_at_one_ends_the_sessions_at_the_other(servers, account):
    here, there = (server.client() for server in servers)
    with here, there:
        given(here.post("/store/auth/login", json=account))
        given(there.post("/store/auth/login", json=account))
        assert given(there.get("/store/me"))["email"] == account["email"]
        body = {"current": PASSWORD, "password": "violet engine carries nine"}
        changed = here.post("/store/me/password", json=body)
        assert changed.status_code < 300, changed.text
        refused(there.get("/store/me"), 401, "unauthenticated")
        assert given(here.get("/store/me"))["email"] == account["email"]


def test_a_token_that_one_revokes_is_worth_nothing_at_the_other(servers):
    here, there = (server.client() for server in servers)
    with here, there:
        body = {"name": "short-lived", "scopes": ["orders:read"]}
        key = {"Idempotency-Key": str(uuid.uuid4())}
        made = given(
            here.post("/admin/tokens", json=body, headers={**servers[0].staff(), **key}), 201
        )
        shown = {"Authorization": f"Bearer {made['secret']}"}
        given(there.get("/admin/orders", headers=shown))
        path = f"/admin/tokens/{made['token']['id']}"
        assert here.delete(path, headers=servers[0].staff()).status_code == 204
        refused(there.get("/admin/orders", headers=shown), 401, "unauthenticated")


def test_wrong_passwords_at_both_are_counted_together(servers, account):
    def guess(number: int) -> int:
        with servers[number % 2].client() as client:
            body = {**account, "password": f"wrong guess number {number}"}
            return client.post("/store/auth/login", json=body).status_code

    with ThreadPoolExecutor(12) as pool:
        statuses = list(pool.map(guess, range(24)))
    assert set(statuses) == {401, 429}
    assert statuses.count(401) <= 5
    for server in servers:
        with server.client() as client:
            told = client.post("/store/auth/login", json=account)
            refused(told, 429, "throttled")
            assert int(told.headers["retry-after"]) > 0


SMUGGLED = b"GET /store/smuggled HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
CHUNKED = b"0\r\n\r\n"


def post(*headers: bytes, body: bytes = SMUGGLED) -> bytes:
    kind = b"Content-Type: application/csp-report"
    lines = (b"POST /csp-reports HTTP/1.1", b"Host: 127.0.0.1", kind, *headers)
    return b"\r\n".join((*lines, b"", b"")) + body


REFUSED = {
    "two lengths that differ": post(b"Content-Length: 5", b"Content-Length: 60"),
    "chunks spelt oddly": post(
        b"Content-Length: 5", b"Transfer-Encoding: xchunked", body=CHUNKED + SMUGGLED
    ),
    "chunks and something else": post(
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", body=CHUNKED + SMUGGLED
    ),
    "a length that is none": post(b"Content-Length: +5"),
    "a negative length": post(b"Content-Length: -5"),
    "a length in hexadecimal": post(b"Content-Length: 0x5"),
    "a list of lengths": post(b"Content-Length: 5, 60"),
    "a space before the colon": post(b"Content-Length : 5"),
    "a folded header": post(b"Content-Length: 5", b" 60"),
    "a carriage return in a header": post(b"X: a\rContent-Length: 60", b"Content-Length: 5"),
    "a NUL in a header": post(b"X: a\0b", b"Content-Length: 0"),
    "a chunk of no number": post(b"Transfer-Encoding: chunked", body=b"zz\r\n" + SMUGGLED),
    "a chunk beyond all bounds": post(
        b"Transfer-Encoding: chunked", body=b"ffffffffffffffffff\r\n" + SMUGGLED
    ),
    "a chunk with a tail": post(
        b"Transfer-Encoding: chunked", body=b"1\r\nAB\r\n" + CHUNKED + SMUGGLED
    ),
}
# RFC 9112, 6.1: the chunks count, and the connection ends with the answer.
ENDED = {
    "a length and chunks": post(
        b"Content-Length: 5", b"Transfer-Encoding: chunked", body=CHUNKED + SMUGGLED
    ),
    "chunks and a length": post(
        b"Transfer-Encoding: chunked", b"Content-Length: 5", body=CHUNKED + SMUGGLED
    ),
    "chunks behind a bare line feed": post(
        b"Content-Length: 5", b"X: a\nTransfer-Encoding: chunked", body=CHUNKED + SMUGGLED
    ),
}


@pytest.mark.parametrize("attempt", REFUSED)
def test_a_request_that_can_be_read_in_two_ways_is_refused(servers, attempt):
    told = servers[0].say(REFUSED[attempt])
    assert told.startswith(b"HTTP/1.1 400 "), told[:200]
    assert told.count(b"HTTP/1.1 ") == 1
    assert b"smuggled" not in told


@pytest.mark.parametrize("attempt", ENDED)
def test_nothing_is_read_behind_chunks_that_also_tell_a_length(servers, attempt):
    told = servers[0].say(ENDED[attempt])
    assert told.startswith(b"HTTP/1.1 204 "), told[:200]
    assert told.count(b"HTTP/1.1 ") == 1
    assert b"connection: close" in told


def test_a_second_request_is_read_where_the_first_really_ends(servers):
    told = servers[0].say(
        post(
            b"Content-Length: 0",
            body=SMUGGLED.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        )
    )
    assert told.count(b"HTTP/1.1 ") == 2
    assert b'"instance":"/store/smuggled"' in told


def test_whoever_hangs_up_in_a_body_is_no_error_of_ours(servers):
    request = post(b"X-Request-Id: hangs-up-in-a-body", b"Content-Length: 5000", body=b"half")
    with socket.create_connection(servers[0].address, timeout=30) as wire:
        wire.sendall(request)
    until = time.monotonic() + 30
    while "hangs-up-in-a-body" not in servers[0].told():
        assert time.monotonic() < until
        time.sleep(0.05)
    (line,) = [line for line in servers[0].told().splitlines() if "hangs-up-in-a-body" in line]
    assert "POST /csp-reports 400" in line
    assert "unhandled error" not in servers[0].told()
