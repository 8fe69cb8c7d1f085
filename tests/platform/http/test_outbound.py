"""Calls to the outside cannot be turned against what stands beside the shop."""

from __future__ import annotations

import asyncio

import httpcore
import httpx
import pytest

from commercekit.platform.http import (
    Reach,
    UrlNotAllowed,
    check_reach,
    check_url,
    outbound_client,
    status_of,
)
from commercekit.platform.http.outbound import (
    OutboundTransport,
    PostFailed,
    ResponseTooLarge,
    UnaskedEncoding,
    post,
)
from commercekit.platform.http.outbound.addresses import is_public
from tests.receiver import OK, Receiver, answer, trusted

PUBLIC = "93.184.215.14"
LOOPBACK = ("127.0.0.0/8",)
NOT_PUBLIC = {
    "loopback": "127.0.0.1",
    "loopback of another number": "127.255.255.254",
    "loopback of IPv6": "[::1]",
    "private, class A": "10.0.0.1",
    "private, class B": "172.16.0.1",
    "private, class C": "192.168.1.1",
    "unique local": "[fc00::1]",
    "site local": "[fec0::1]",
    "link-local": "169.254.1.1",
    "link-local of IPv6": "[fe80::1]",
    "metadata service": "169.254.169.254",
    "metadata service of IPv6": "[fd00:ec2::254]",
    "metadata service in shared space": "100.100.100.200",
    "metadata service that looks public": "168.63.129.16",
    "carrier-grade NAT": "100.64.0.1",
    "unspecified": "0.0.0.0",
    "unspecified of IPv6": "[::]",
    "this network": "0.1.2.3",
    "multicast": "224.0.0.1",
    "multicast of IPv6": "[ff02::1]",
    "broadcast": "255.255.255.255",
    "reserved": "240.0.0.1",
    "documentation": "192.0.2.1",
    "documentation of IPv6": "[2001:db8::1]",
    "benchmarks": "198.18.0.1",
    "protocol assignments": "192.0.0.8",
    "6to4 relay": "192.88.99.1",
    "IPv4-mapped": "[::ffff:127.0.0.1]",
    "IPv4-mapped and public": "[::ffff:93.184.215.14]",
    "IPv4-compatible": "[::127.0.0.1]",
    "NAT64": "[64:ff9b::7f00:1]",
    "NAT64 of a network's own": "[64:ff9b:1::7f00:1]",
    "6to4": "[2002:7f00:1::1]",
    "Teredo": "[2001:0:7f00:1::]",
    "decimal": "2130706433",
    "decimal and public": "1572395022",
    "hexadecimal": "0x7f000001",
    "hexadecimal in parts": "0x7f.1",
    "hexadecimal at the end": "93.184.215.0x0e",
    "octal": "0177.0.0.1",
    "short": "127.1",
    "with a dot behind it": "127.0.0.1.",
    "name of loopback": "localhost",
    "name of loopback with a dot": "localhost.",
}


def resolving(*answers):
    """A name server that gives these answers, one after the other."""
    given = iter(answers)

    async def resolve(host, port):
        return list(next(given))

    return resolve


class Wire(httpcore.AsyncMockBackend):
    """A network on which everybody answers the same; remembers where connections led."""

    def __init__(self, *said):
        super().__init__([*(said or (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",))])
        self.led = []

    async def connect_tcp(self, host, port, *rest, **more):
        self.led.append((host, port))
        return await super().connect_tcp(host, port, *rest, **more)


def client_on(wire, *, resolve, **more):
    return httpx.AsyncClient(
        transport=OutboundTransport(network=wire, resolve=resolve, **more), trust_env=False
    )


# ------------------------------------------------------------------------- what is not called at all


@pytest.mark.parametrize("host", NOT_PUBLIC.values(), ids=NOT_PUBLIC)
async def test_no_packet_leaves_for_what_is_not_public(host):
    async with Receiver() as canary:
        reach = Reach(ports=[canary.port])
        async with outbound_client(reach=reach) as client:
            with pytest.raises((UrlNotAllowed, httpx.InvalidURL)):
                await client.get(f"https://{host}:{canary.port}/")
        assert canary.connections == 0


async def test_each_of_them_is_the_same_problem_when_it_is_written_down():
    for host in NOT_PUBLIC.values():
        with pytest.raises(UrlNotAllowed) as refusal:
            await check_reach(f"https://{host}/hook", Reach())
        assert refusal.value.slug == "url-not-allowed", host
        assert status_of(type(refusal.value)) == 422


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("http://vendor.example/", "Only https addresses are allowed."),
        ("ftp://vendor.example/", "Only https addresses are allowed."),
        ("file:///etc/passwd", "Only https addresses are allowed."),
        ("gopher://127.0.0.1:70/x", "Only https addresses are allowed."),
        ("javascript:alert(1)", "Only https addresses are allowed."),
        ("//vendor.example/", "Only https addresses are allowed."),
        ("vendor.example", "Only https addresses are allowed."),
        ("https:///path", "Only https addresses are allowed."),
        ("https://vendor.example:22/", "This port is not allowed; allowed: 443."),
        ("https://vendor.example:0/", "This port is not allowed; allowed: 443."),
        ("https://vendor.example:99999/", "This is no address."),
        ("https://[::1/", "This is no address."),
        ("https://a:b@vendor.example/", "An address holds no name and no password."),
        ("https://a@vendor.example/", "An address holds no name and no password."),
        ("https://@vendor.example/", "An address holds no name and no password."),
        (
            "https://vendor.example\\@127.0.0.1/",
            "An address is written in ASCII, without blanks or backslashes.",
        ),
        (
            "https://vendor.example/a b",
            "An address is written in ASCII, without blanks or backslashes.",
        ),
        (
            "https://①②⑦.⓪.⓪.①/",
            "An address is written in ASCII, without blanks or backslashes.",
        ),
        (
            "https://vendor.example/\r\nHost: inside",
            "An address is written in ASCII, without blanks or backslashes.",
        ),
        (
            "https://0x7f.1/",
            "A number is written as an address, in four decimal parts, or not at all.",
        ),
        (
            "https://[fe80::1%25eth0]/",
            "The address does not lead to the public internet.",
        ),
        ("https://10.0.0.1/", "The address does not lead to the public internet."),
    ],
)
def test_an_address_that_looks_wrong_is_refused_before_it_is_resolved(url, sentence):
    with pytest.raises(UrlNotAllowed) as refusal:
        check_url(url, Reach())
    assert refusal.value.detail == sentence
    assert refusal.value.slug == "url-not-allowed"


@pytest.mark.parametrize(
    "url",
    [
        "https://vendor.example",
        "https://vendor.example:443/hook?x=1",
        "https://xn--bcher-kva.example/",
        "https://web2/",
        "https://example.com2/",
        "https://0xcafe.example/",
        f"https://{PUBLIC}/",
        "https://[2606:4700::1111]/",
    ],
)
def test_a_plain_https_address_is_fine(url):
    assert check_url(url, Reach())[0::2] == ("https", 443)


@pytest.mark.parametrize("address", ["8.8.8.8", PUBLIC, "2606:4700::1111", "2a00:1450::1"])
def test_public_addresses_are_public(address):
    assert is_public(address)


async def test_one_private_address_among_public_ones_is_enough_to_refuse():
    wire = Wire()
    async with client_on(wire, resolve=resolving([PUBLIC, "10.0.0.1"])) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get("https://rebinding.example/")
    assert wire.led == []


async def test_a_name_that_does_not_resolve_is_refused():
    async def nothing(host, port):
        raise OSError("no such name")

    wire = Wire()
    async with client_on(wire, resolve=nothing) as client:
        with pytest.raises(UrlNotAllowed, match="does not resolve"):
            await client.get("https://nowhere.example/")
    async with client_on(wire, resolve=resolving([])) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get("https://nowhere.example/")
    assert wire.led == []


# ------------------------------------------------------------------- to where the connections lead


async def test_a_connection_goes_to_the_address_that_was_checked_and_the_name_is_asked_for_once():
    """A name server that says something else the second time is asked for every connection anew."""
    wire = Wire()
    resolve = resolving([PUBLIC], ["127.0.0.1"])
    async with client_on(wire, resolve=resolve) as client:
        assert (await client.get("https://rebinding.example/path")).text == "ok"
        await client.aclose()
    assert wire.led == [(PUBLIC, 443)]


async def test_a_name_that_leads_inside_the_second_time_is_refused_then():
    said = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok"
    wire = Wire(said)
    async with client_on(wire, resolve=resolving([PUBLIC], ["127.0.0.1"])) as client:
        await client.get("https://rebinding.example/path")
        with pytest.raises(UrlNotAllowed):
            await client.get("https://rebinding.example/path")
    assert wire.led == [(PUBLIC, 443)]


async def test_no_packet_reaches_a_listener_by_rebinding():
    """With real sockets: what was checked is where it goes, and the second answer leads nowhere."""
    async with Receiver(host="127.0.0.2") as meant, Receiver(port=meant.port) as canary:
        reach = Reach(networks=["127.0.0.2/32"], development=True)
        asked = []

        async def resolve(host, port):
            asked.append(host)
            return ["127.0.0.2"] if len(asked) == 1 else ["127.0.0.1"]

        async with outbound_client(reach=reach, resolve=resolve) as client:
            url = f"http://rebinding.example:{canary.port}/"
            assert (await client.get(url)).text == "ok"
            with pytest.raises(UrlNotAllowed):
                await client.get(url)
        assert (meant.connections, canary.connections) == (1, 0)
        assert asked == ["rebinding.example"] * 2


async def test_the_next_address_is_tried_when_one_does_not_answer():
    class Half(Wire):
        async def connect_tcp(self, host, port, *rest, **more):
            if host == "93.184.215.15":
                self.led.append((host, port))
                raise httpcore.ConnectError(host)
            return await super().connect_tcp(host, port, *rest, **more)

    wire = Half()
    async with client_on(wire, resolve=resolving(["93.184.215.15", PUBLIC])) as client:
        assert (await client.get("https://vendor.example/")).text == "ok"
    assert wire.led == [("93.184.215.15", 443), (PUBLIC, 443)]


async def test_redirects_are_answers_and_whoever_follows_has_every_hop_checked():
    moved = answer(302, Location="https://127.0.0.1/")
    wire = Wire(moved)
    async with client_on(wire, resolve=resolving([PUBLIC], [PUBLIC])) as client:
        assert (await client.get("https://vendor.example/")).status_code == 302
        with pytest.raises(UrlNotAllowed):
            await client.get("https://vendor.example/", follow_redirects=True)
    assert {host for host, _ in wire.led} == {PUBLIC}


@pytest.mark.parametrize(
    "place", ["http://vendor.example/", "file:///etc/passwd", "https://rebinding.example/"]
)
async def test_a_redirect_to_what_is_not_allowed_ends_there(place):
    moved = answer(307, Location=place)
    wire = Wire(moved)
    async with client_on(wire, resolve=resolving([PUBLIC], ["10.1.2.3"])) as client:
        with pytest.raises((UrlNotAllowed, httpx.UnsupportedProtocol)):
            await client.get("https://vendor.example/", follow_redirects=True)
    assert wire.led == [(PUBLIC, 443)]


async def test_proxies_of_the_environment_are_ignored(monkeypatch):
    async with Receiver() as proxy, Receiver() as vendor:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "HTTPS_PROXY"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        reach = Reach(networks=LOOPBACK, development=True)
        async with outbound_client(reach=reach) as client:
            assert (await client.get(vendor.url())).text == "ok"
        assert (proxy.connections, vendor.connections) == (0, 1)


# ------------------------------------------------------------------------------- named networks


async def test_a_vendor_of_this_deployment_is_reached_by_exactly_its_address():
    async with Receiver() as vendor, outbound_client(allow=[f"127.0.0.1:{vendor.port}"]) as client:
        assert (await client.get(vendor.url())).text == "ok"
        with pytest.raises(UrlNotAllowed):
            await client.get(vendor.url(host="localhost"))
        with pytest.raises(UrlNotAllowed):
            await client.get("http://127.0.0.1:1/")
        assert vendor.connections == 1


async def test_a_named_network_is_open_by_plain_http_in_development_only():
    async with Receiver() as vendor:
        reach = Reach(networks=LOOPBACK, development=True)
        async with outbound_client(reach=reach) as client:
            assert (await client.get(vendor.url())).text == "ok"
            assert (await client.get(vendor.url(host="localhost"))).text == "ok"
            with pytest.raises(UrlNotAllowed):
                await client.get("http://10.0.0.1/")
        async with outbound_client(reach=Reach(networks=LOOPBACK)) as client:
            with pytest.raises(UrlNotAllowed, match="Only https"):
                await client.get(vendor.url())
        assert vendor.connections == 2


async def test_plain_http_never_leaves_the_named_networks():
    wire = Wire()
    reach = Reach(networks=LOOPBACK, development=True)
    async with client_on(wire, reach=reach, resolve=resolving([PUBLIC], [PUBLIC])) as client:
        with pytest.raises(UrlNotAllowed):
            await client.get("http://vendor.example/")
        with pytest.raises(UrlNotAllowed):
            await client.get("https://vendor.example:8080/")
    assert wire.led == []


def test_a_network_that_is_none_is_refused_at_once():
    with pytest.raises(ValueError, match="10.0.0.0/99"):
        Reach(networks=["10.0.0.0/99"])


# ----------------------------------------------------------------------------------------- TLS


async def test_tls_is_verified_for_the_name_although_the_connection_goes_to_an_address(tmp_path):
    trust = trusted(tmp_path, "receiver.example")

    async def resolve(host, port):
        return ["127.0.0.1"]

    async with Receiver(tls=trust.server) as vendor:
        reach = Reach(ports=[vendor.port], networks=LOOPBACK)
        async with outbound_client(reach=reach, resolve=resolve, tls=trust.client) as client:
            assert (await client.get(vendor.url(host="receiver.example"))).text == "ok"
            with pytest.raises(httpx.ConnectError, match="receiver.example|mismatch"):
                await client.get(vendor.url(host="other.example"))
            # Nor may a caller have another name verified than the one that is called.
            with pytest.raises(httpx.ConnectError, match="mismatch"):
                await client.get(
                    vendor.url(host="other.example"),
                    extensions={"sni_hostname": "receiver.example"},
                )
        async with outbound_client(reach=reach, resolve=resolve) as client:
            with pytest.raises(httpx.ConnectError, match="self-signed"):
                await client.get(vendor.url(host="receiver.example"))
        assert [each.headers["host"] for each in vendor.seen] == [f"receiver.example:{vendor.port}"]


async def test_a_connection_that_was_verified_for_one_name_never_serves_another(tmp_path):
    """Both names lead to one address; only one of them is in the certificate."""
    trust = trusted(tmp_path, "receiver.example")
    stays = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

    async def patient(writer):
        writer.write(stays)
        await asyncio.sleep(0.2)

    async def resolve(host, port):
        return ["127.0.0.1"]

    async with Receiver(tls=trust.server, answers=[patient]) as vendor:
        reach = Reach(ports=[vendor.port], networks=LOOPBACK)
        async with outbound_client(reach=reach, resolve=resolve, tls=trust.client) as client:
            assert (await client.get(vendor.url(host="receiver.example"))).text == "ok"
            with pytest.raises(httpx.ConnectError):
                await client.get(vendor.url(host="victim.example"))
        assert len(vendor.seen) == 1


# -------------------------------------------------------------------------------- bounds


def local(**more):
    return outbound_client(reach=Reach(networks=LOOPBACK, development=True), **more)


async def test_an_answer_that_is_too_large_is_cut_off():
    async with Receiver([answer(200, b"x" * 101)]) as vendor, local(max_bytes=100) as client:
        with pytest.raises(ResponseTooLarge):
            await client.get(vendor.url())


async def test_one_request_may_know_that_its_file_is_larger():
    async with Receiver([answer(200, b"x" * 101)] * 2) as vendor, local(max_bytes=100) as client:
        given = await client.get(vendor.url(), extensions={"max_bytes": 101})
        assert len(given.content) == 101
        with pytest.raises(ResponseTooLarge):
            await client.get(vendor.url())


async def test_an_answer_that_comes_byte_by_byte_is_cut_off_in_time():
    async def trickle(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n")
        for _ in range(100):
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.05)

    async with Receiver([trickle]) as vendor, local(total=0.3) as client:
        with pytest.raises(httpx.ReadTimeout, match="all in all"):
            await client.get(vendor.url())


async def test_a_header_that_never_ends_is_cut_off():
    async def endless(writer):
        writer.write(b"HTTP/1.1 200 OK\r\n")
        for number in range(5000):
            writer.write(f"X-{number}: {'y' * 100}\r\n".encode())
            await writer.drain()

    async with Receiver([endless]) as vendor, local(total=3) as client:
        with pytest.raises(httpx.RemoteProtocolError):
            await client.get(vendor.url())


async def test_an_answer_that_was_compressed_unasked_is_not_unpacked():
    bomb = answer(200, b"\x1f\x8b" + b"\x00" * 40, Content_Encoding="gzip")
    async with Receiver([bomb]) as vendor, local() as client:
        with pytest.raises(UnaskedEncoding):
            await client.get(vendor.url())


# ------------------------------------------------------------------------------- one POST


async def posted(client, url, seconds=2.0):
    return await post(client, url, content=b"{}", headers={"X-A": "b"}, seconds=seconds)


async def test_a_post_gives_status_headers_and_the_first_bytes():
    said = answer(503, b"y" * 5000, Retry_After="7")
    async with Receiver([said]) as vendor, local() as client:
        got = await posted(client, vendor.url())
        assert (got.status, got.headers["retry-after"], got.body) == (503, "7", b"y" * 2048)
        assert vendor.seen[0].line == "POST /hook HTTP/1.1"
        assert (vendor.seen[0].headers["x-a"], vendor.seen[0].body) == ("b", b"{}")


async def test_a_body_that_breaks_off_is_not_missed():
    async def breaks(writer):
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf")
        await writer.drain()

    async with Receiver([breaks]) as vendor, local() as client:
        got = await posted(client, vendor.url())
        assert (got.status, got.body) == (200, b"half")


@pytest.mark.parametrize(
    ("said", "code", "sentence"),
    [
        (b"", "broken", "The connection broke off (RemoteProtocolError)."),
        (b"SSH-2.0-OpenSSH\r\n", "broken", "The connection broke off (RemoteProtocolError)."),
        (
            answer(200, b"zz", Content_Encoding="br"),
            "unasked-encoding",
            "The answer was compressed, which nobody asked for.",
        ),
    ],
)
async def test_what_is_no_answer_is_told_in_a_sentence(said, code, sentence):
    async with Receiver([said]) as vendor, local() as client:
        with pytest.raises(PostFailed) as failure:
            await posted(client, vendor.url())
        assert (failure.value.code, str(failure.value)) == (code, sentence)


async def test_silence_a_closed_port_and_a_private_place_are_told_apart():
    async def silence(writer):
        await asyncio.sleep(5)

    async with local() as client:
        async with Receiver([silence]) as vendor:
            with pytest.raises(PostFailed, match=r"No answer within 0.2 seconds\.") as slow:
                await posted(client, vendor.url(), 0.2)
        async with Receiver([OK]) as gone:
            pass
        with pytest.raises(PostFailed) as closed:
            await posted(client, gone.url())
        with pytest.raises(PostFailed) as private:
            await posted(client, "https://10.0.0.1/")
    codes = [each.value.code for each in (slow, closed, private)]
    assert codes == ["timeout", "connect", "url-not-allowed"]


async def test_a_certificate_that_does_not_fit_is_told_as_such(tmp_path):
    trust = trusted(tmp_path, "receiver.example")
    async with Receiver(tls=trust.server) as vendor:
        async with local() as client:
            with pytest.raises(PostFailed) as failure:
                await posted(client, vendor.url(host="localhost"))
        assert failure.value.code == "tls"
        assert vendor.seen == []


@pytest.mark.parametrize(
    ("url", "is_named"),
    [
        ("https://api.example.com/pay", True),
        ("https://API.Example.com./pay", True),
        ("https://mch.weixin.example/v3", True),
        ("https://a.b.weixin.example/v3", True),
        ("https://weixin.example/v3", False),
        ("https://evilweixin.example/v3", False),
        ("https://api.example.com.evil.example/", False),
        ("https://evil.example/?api.example.com", False),
        (f"https://{PUBLIC}/", False),
    ],
)
async def test_only_named_hosts_are_called_where_any_is_named(url, is_named):
    reach = Reach(hosts=["api.example.com", "*.weixin.example"])
    asked = []

    async def resolve(host, port):
        asked.append(host)
        return ["127.0.0.1"]

    if is_named:
        assert check_url(url, reach).port == 443
    else:
        with pytest.raises(UrlNotAllowed, match="not among those"):
            check_url(url, reach)
    async with outbound_client(reach=reach, resolve=resolve) as client:
        # A name that is listed leads nowhere private all the same.
        with pytest.raises(UrlNotAllowed):
            await client.get(url)
    assert bool(asked) == is_named


@pytest.mark.parametrize("host", ["*", "", "a b", "https://api.example.com", "a*.example.com"])
def test_what_is_no_host_is_not_named(host):
    with pytest.raises(ValueError, match="is no host"):
        Reach(hosts=[host])
