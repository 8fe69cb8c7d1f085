"""Behind a balancer the client is whom it names, and nobody can name himself."""

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.http.forwarded import behind_proxies, networks_of

OURS = networks_of(["10.0.0.0/24", "10.9.9.9", "fd00::/8"])


async def seen_by_the_app(near, *forwarded, networks=OURS, kind="http"):
    seen = {}

    async def app(scope, receive, send):
        seen.update(scope)

    headers = [(b"host", b"shop.example"), *((b"x-forwarded-for", each) for each in forwarded)]
    scope = {"type": kind, "client": near and (near, 4711), "headers": headers}
    await behind_proxies(app, networks)(scope, None, None)
    return seen["client"] and seen["client"][0]


@pytest.mark.parametrize(
    ("near", "forwarded", "client"),
    [
        # Our balancer names its client.
        ("10.0.0.7", [b"203.0.113.5"], "203.0.113.5"),
        ("10.9.9.9", [b" 203.0.113.5 "], "203.0.113.5"),
        ("fd00::1", [b"2001:db8::5"], "2001:db8::5"),
        ("::ffff:10.0.0.7", [b"203.0.113.5"], "203.0.113.5"),
        # Two of ours behind one another; the header may come in two.
        ("10.0.0.7", [b"203.0.113.5, 10.0.0.8"], "203.0.113.5"),
        ("10.0.0.7", [b"203.0.113.5", b"10.0.0.8"], "203.0.113.5"),
        # A client that claims to be somebody stands behind what the balancer saw.
        ("10.0.0.7", [b"127.0.0.1, 203.0.113.5"], "203.0.113.5"),
        ("10.0.0.7", [b"10.0.0.3, 203.0.113.5"], "203.0.113.5"),
        # A stranger is believed nothing.
        ("203.0.113.5", [b"127.0.0.1"], "203.0.113.5"),
        ("10.0.1.7", [b"203.0.113.9"], "10.0.1.7"),
        # Nothing, or nothing legible, is nobody.
        ("10.0.0.7", [], "10.0.0.7"),
        ("10.0.0.7", [b""], "10.0.0.7"),
        ("10.0.0.7", [b"unknown"], "10.0.0.7"),
        ("10.0.0.7", [b"203.0.113.5, unknown, 10.0.0.8"], "10.0.0.8"),
        ("10.0.0.7", [b"\xff\xfe"], "10.0.0.7"),
        # Only ours: the farthest of them asked.
        ("10.0.0.7", [b"10.0.0.9, 10.0.0.8"], "10.0.0.9"),
        # A socket of the machine's own has no address.
        ("", [b"203.0.113.5"], ""),
        ("granian", [b"203.0.113.5"], "granian"),
    ],
)
async def test_the_client_is_the_first_stranger_on_the_way(near, forwarded, client):
    assert await seen_by_the_app(near, *forwarded) == client


async def test_without_proxies_nothing_stands_in_front_and_nobody_is_believed():
    async def app(scope, receive, send): ...

    assert behind_proxies(app, ()) is app
    assert await seen_by_the_app("10.0.0.7", b"203.0.113.5", networks=()) == "10.0.0.7"


async def test_the_start_of_a_server_passes_through():
    seen = []

    async def app(scope, receive, send):
        seen.append(scope)

    await behind_proxies(app, OURS)({"type": "lifespan"}, None, None)
    assert seen == [{"type": "lifespan"}]


@pytest.mark.parametrize("told", ["balancer.internal", "10.0.0.0/33", "10.0.0.7/24", ""])
def test_what_is_no_network_is_refused_with_an_example(told):
    with pytest.raises(ConfigurationError, match=r'trusted_proxies: .* write "10.0.0.7"'):
        networks_of([told])


@pytest.mark.parametrize("told", ["0.0.0.0/0", "::/0"])
def test_everybody_is_refused(told):
    with pytest.raises(ConfigurationError, match="is everybody"):
        networks_of([told])
