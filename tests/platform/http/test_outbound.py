from __future__ import annotations

import asyncio

import httpx
import pytest

from commercekit.platform.http import UrlNotAllowed, outbound_client
from commercekit.platform.http.outbound import OutboundTransport, ResponseTooLarge

PUBLIC = "93.184.215.14"


class Canary:
    """A listener on loopback that nobody may reach."""

    def __init__(self):
        self.seen = []

    async def __aenter__(self):
        self.server = await asyncio.start_server(self._connected, "127.0.0.1", 0)
        self.port = self.server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_):
        self.server.close()
        await self.server.wait_closed()

    async def _connected(self, reader, writer):
        self.seen.append(await reader.read(2000))
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        await writer.drain()
        writer.close()


def resolving(*answers):
    """A name server that gives these answers, one after the other."""
    given = iter(answers)

    async def resolve(host, port):
        return next(given)

    return resolve


class Recorder(httpx.AsyncBaseTransport):
    def __init__(self, answer=None):
        self.requests = []
        self.answer = answer or httpx.Response(200, content=b"ok")

    async def handle_async_request(self, request):
        self.requests.append(request)
        return self.answer


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "169.254.169.254",
        "100.64.0.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "[::ffff:127.0.0.1]",
        "[fe80::1]",
        "[fc00::1]",
        "[64:ff9b::7f00:1]",
        "[2002:7f00:1::1]",
        "0x7f.1",
        "2130706433",
        "0177.0.0.1",
        "localhost",
        "localhost.",
    ],
)
async def test_no_packet_leaves_for_what_is_not_public(host):
    async with Canary() as canary, outbound_client(ports=[canary.port]) as client:
        with pytest.raises((UrlNotAllowed, httpx.InvalidURL)):
            await client.get(f"https://{host}:{canary.port}/")
        assert canary.seen == []


@pytest.mark.parametrize(
    "url", ["http://vendor.example/", "https://vendor.example:22/", "https://a:b@vendor.example/"]
)
async def test_plain_http_odd_ports_and_passwords_are_refused(url):
    inner = Recorder()
    transport = OutboundTransport(resolve=resolving([PUBLIC]), inner=inner)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get(url)
    assert inner.requests == []


@pytest.mark.parametrize("url", ["file:///etc/passwd", "gopher://127.0.0.1:70/x", "ftp://x/"])
async def test_other_schemes_go_nowhere(url):
    async with outbound_client() as client:
        with pytest.raises((UrlNotAllowed, httpx.UnsupportedProtocol)):
            await client.get(url)


async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    inner = Recorder()
    transport = OutboundTransport(resolve=resolving([PUBLIC, "10.0.0.1"]), inner=inner)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get("https://rebinding.example/")
    assert inner.requests == []


async def test_connection_goes_to_the_address_that_was_checked():
    inner = Recorder()
    transport = OutboundTransport(resolve=resolving([PUBLIC], ["127.0.0.1"]), inner=inner)
    async with httpx.AsyncClient(transport=transport) as client:
        await client.get("https://rebinding.example/path")
        with pytest.raises(UrlNotAllowed):
            await client.get("https://rebinding.example/path")
    (request,) = inner.requests
    assert request.url.host == PUBLIC
    assert request.headers["host"] == "rebinding.example"
    assert request.extensions["sni_hostname"] == "rebinding.example"


async def test_redirect_inside_is_not_followed():
    moved = httpx.Response(302, headers={"Location": "http://127.0.0.1/"})
    inner = Recorder(moved)
    client = outbound_client(resolve=resolving([PUBLIC], ["127.0.0.1"]))
    client._transport = OutboundTransport(resolve=resolving([PUBLIC]), inner=inner)
    async with client:
        response = await client.get("https://vendor.example/")
    assert response.status_code == 302
    assert len(inner.requests) == 1


async def test_answer_that_is_too_large_is_cut_off():
    async def endless():
        while True:
            yield b"x" * 40

    inner = Recorder(httpx.Response(200, content=endless()))
    transport = OutboundTransport(resolve=resolving([PUBLIC]), inner=inner, max_bytes=100)
    async with httpx.AsyncClient(transport=transport) as client:
        with pytest.raises(ResponseTooLarge):
            await client.get("https://vendor.example/")


async def test_vendor_of_this_deployment_is_reached_by_exactly_its_address():
    async with Canary() as canary, outbound_client(allow=[f"127.0.0.1:{canary.port}"]) as client:
        assert (await client.get(f"http://127.0.0.1:{canary.port}/")).text == "ok"
        with pytest.raises(UrlNotAllowed):
            await client.get(f"http://localhost:{canary.port}/")
        with pytest.raises(UrlNotAllowed):
            await client.get("http://127.0.0.1:1/")
        assert len(canary.seen) == 1


async def test_name_that_does_not_resolve_is_refused():
    async def nothing(host, port):
        raise OSError("no such name")

    async with outbound_client(resolve=nothing) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get("https://nowhere.example/")
