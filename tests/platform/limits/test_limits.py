"""So many and no more, whoever counts: one process, two, PostgreSQL, Valkey, or a store that is away."""

from __future__ import annotations

import asyncio
import sys
import textwrap
import time

import pytest

from commercekit.errors import ConfigurationError
from commercekit.platform.cache import CacheSettings, cache_of
from commercekit.platform.http import behind_proxies, networks_of
from commercekit.platform.limits import (
    Addresses,
    CacheCounters,
    Limiter,
    LimitGate,
    LimitSettings,
    LimitsSettings,
    PostgresCounters,
    RoutedRule,
    Rule,
    rules_of,
)
from commercekit.platform.limits.counters import HereCounters, Take
from commercekit.platform.limits.rules import DEFAULTS, cell
from commercekit.platform.settings import Secret

GUESSES = Rule("guesses", 10, 3600, exact=True)
MANY = Rule("many", 320, 3600)


def cache_settings(url):
    return CacheSettings(url=Secret(url))


@pytest.fixture(params=["postgres", "valkey", "here"])
async def counters(request, database, cache_url):
    if request.param == "here":
        yield HereCounters()
    elif request.param == "postgres":
        yield PostgresCounters(database)
    else:
        cache = cache_of(cache_settings(cache_url))
        async with cache.running():
            yield CacheCounters(cache)


async def test_so_many_pass_and_no_more_and_one_grows_back_at_a_time(counters):
    rule = Rule("quick", 3, 0.6)
    told = [(await counters.take([Take("a", rule, 0, 1)]))[0] for _ in range(5)]
    assert [one.fits for one in told] == [True, True, True, False, False]
    assert (await counters.take([Take("b", rule, 0, 1)]))[0].fits, "another key is another count"
    await asyncio.sleep(0.2)
    again = [(await counters.take([Take("a", rule, 0, 1)]))[0].fits for _ in range(2)]
    assert again[0] is True


async def test_debts_are_charged_whatever_becomes_of_the_rest_and_many_go_together(counters):
    takes = [Take("x", GUESSES, 10, 0), Take("y", GUESSES, 9, 1), Take("z", GUESSES, 10, 1)]
    assert [one.fits for one in await counters.take(takes)] == [True, True, False]
    after = await counters.take([Take(key, GUESSES, 0, 1) for key in "xyz"])
    assert [one.fits for one in after] == [False, False, False]
    assert after[0].ahead > 3500 * 1_000_000
    await counters.prune()


def test_a_clock_that_was_set_back_costs_one_window_at_most():
    tat, fits = cell(10**15, 10**9, GUESSES, 0, 1)
    assert not fits
    assert tat == 10**9 + GUESSES.window
    assert cell(tat, 10**9 + GUESSES.interval, GUESSES, 0, 1)[1]


async def test_a_small_limit_is_exact_and_a_refusal_is_known_here_afterwards(database):
    limiter = Limiter(PostgresCounters(database))
    verdicts = [
        limiter.quick(GUESSES, "1.2.3.4") or await limiter.ask(GUESSES, "1.2.3.4")
        for _ in range(14)
    ]
    assert [one.allowed for one in verdicts] == [True] * 10 + [False] * 4
    assert [one.left for one in verdicts[:10]] == list(range(9, -1, -1))
    assert verdicts[-1].retry_after in {359, 360}

    async def broken(_wanted):
        pytest.fail("a flood reached the store")

    limiter._counters.take = broken
    assert limiter.quick(GUESSES, "1.2.3.4").allowed is False


async def test_the_first_of_many_pass_without_a_round_trip_and_are_told_after(database):
    store = PostgresCounters(database)
    limiter = Limiter(store)
    for _ in range(MANY.slack):
        assert limiter.quick(MANY, "net").allowed
    assert limiter.quick(MANY, "net") is None, "more is untold than may be"
    assert await database.fetchval("SELECT count(*) FROM platform_rate") == 0
    await limiter.tell()
    other = Limiter(store)
    assert (await other.ask(MANY, "net")).left == MANY.requests - MANY.slack - 1


async def test_keys_in_the_store_tell_nobody_the_address(database):
    await Limiter(PostgresCounters(database), secret=b"s" * 32).ask(GUESSES, "203.0.113.9")
    [row] = await database.fetch("SELECT key FROM platform_rate")
    assert "203.0.113.9" not in row["key"]
    assert row["key"].startswith("guesses:")


PROCESS = textwrap.dedent("""
    import asyncio, sys
    from commercekit.kernel import SystemClock
    from commercekit.platform.db import Database
    from commercekit.platform.cache import CacheSettings, cache_of
    from commercekit.platform.limits import CacheCounters, Limiter, PostgresCounters, Rule
    from commercekit.platform.settings import Secret

    async def main(kind, url, rule):
        if kind == "postgres":
            db = Database(url, clock=SystemClock()); await db.open()
            limiter = Limiter(PostgresCounters(db))
        else:
            cache = cache_of(CacheSettings(url=Secret(url)))
            limiter = Limiter(CacheCounters(cache))
        print("ready", flush=True); sys.stdin.readline()
        passed = 0
        async with limiter.running():
            async def one():
                return (limiter.quick(rule, "1.2.3.4") or await limiter.ask(rule, "1.2.3.4")).allowed
            for _ in range(60):
                passed += sum(await asyncio.gather(*(one() for _ in range(10))))
        print(passed, flush=True)

    name, requests, exact = sys.argv[3:6]
    asyncio.run(main(sys.argv[1], sys.argv[2], Rule(name, int(requests), 36000, exact=exact == "1")))
""")


async def crowd(kind, url, rule):
    """How many two processes let pass of 600 each."""
    arguments = (kind, url, rule.name, str(rule.requests), "1" if rule.exact else "0")
    pipe = asyncio.subprocess.PIPE
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable, "-c", PROCESS, *arguments, stdin=pipe, stdout=pipe
        )
        for _ in range(2)
    ]
    for process in processes:
        assert (await process.stdout.readline()).strip() == b"ready"
    for process in processes:
        process.stdin.write(b"go\n")
    told = [int((await process.communicate())[0]) for process in processes]
    return sum(told)


@pytest.mark.parametrize("kind", ["postgres", "valkey"])
async def test_two_processes_together_let_exactly_so_many_pass(kind, request):
    url = request.getfixturevalue("dsn" if kind == "postgres" else "cache_url")
    assert await crowd(kind, url, Rule("guesses", 100, 36000, exact=True)) == 100
    loose = Rule("many", 320, 36000)
    assert 320 <= await crowd(kind, url, loose) <= 320 + 2 * loose.slack


async def test_a_store_that_dies_leaves_each_process_counting_and_says_so(cache_server, cache_url):
    told = []
    cache = cache_of(cache_settings(cache_url))
    async with cache.running():
        limiter = Limiter(CacheCounters(cache), on_away=told.append)
        assert (await limiter.ask(GUESSES, "a")).allowed
        cache_server.stop()
        try:
            passed = [(await limiter.ask(GUESSES, "a")).allowed for _ in range(12)]
            assert passed == [True] * 10 + [False] * 2
            assert told == [1]
        finally:
            cache_server.start()
        until = time.monotonic() + 10
        while limiter.is_away and time.monotonic() < until:
            await limiter.ask(GUESSES, "b")
            await asyncio.sleep(0.1)
        assert told == [1, 0]


# ------------------------------------------------------------------------------------- addresses


def scope(peer, *forwarded, path="/store/x", method="POST", **headers):
    fields = [(b"x-forwarded-for", value.encode()) for value in forwarded]
    fields += [(name.encode(), value.encode()) for name, value in headers.items()]
    return {
        "type": "http",
        "client": peer and (peer, 1),
        "headers": fields,
        "path": path,
        "method": method,
    }


@pytest.mark.parametrize(
    ("peer", "forwarded", "expected"),
    [
        ("198.51.100.7", ["203.0.113.5"], "198.51.100.7"),  # no proxy of ours: it is not believed
        ("10.0.0.2", ["203.0.113.5"], "203.0.113.5"),
        ("10.0.0.2", ["1.1.1.1, 203.0.113.5"], "203.0.113.5"),  # what the client wrote stands left
        ("10.0.0.2", ["127.0.0.1, 203.0.113.5, 10.0.0.3"], "203.0.113.5"),
        ("2001:db8:1:2:3:4:5:6", [], "2001:db8:1:2::/64"),
        ("10.0.0.2", ["2001:db8:1:2:ffff::1"], "2001:db8:1:2::/64"),
        ("::ffff:203.0.113.5", [], "203.0.113.5"),
        ("127.0.0.1", [], None),
        ("::1", [], None),
        (None, [], None),
    ],
)
async def test_a_visitor_is_an_address_that_only_trusted_proxies_tell(peer, forwarded, expected):
    addresses = Addresses(("127.0.0.0/8", "::1"))
    seen = []

    async def app(at, _receive, _send):
        seen.append(addresses.subject(at))

    front = behind_proxies(app, networks_of(("10.0.0.0/8",)))
    for _ in range(2):
        await front(scope(peer, *forwarded), None, None)
    assert seen == [expected, expected]


def test_a_network_that_is_none_stops_the_start():
    with pytest.raises(ConfigurationError, match=r"limits\.exempt"):
        Addresses(("10.0.0.0/99",))


# ------------------------------------------------------------------------------------- the gate


class Refusal(Exception):
    headers: dict[str, str]


async def ask(gate, at):
    sent = []

    async def send(message):
        sent.append(message)

    try:
        await gate(at, None, send)
    except Refusal as error:
        return 429, error.headers
    return sent[0]["status"], dict(sent[0].get("headers", ()))


def made(rules, status=200, routed=()):
    answers = {"status": status}

    async def app(_scope, _receive, send):
        await send({"type": "http.response.start", "status": answers["status"], "headers": []})

    counted = []
    gate = LimitGate(
        app,
        Limiter(HereCounters()),
        {rule.name: rule for rule in rules},
        Addresses(("127.0.0.0/8",)),
        routed=routed,
        refuse=lambda message, _seconds: Refusal(message),
        count=counted.append,
    )
    return gate, counted, answers


async def test_the_gate_turns_away_with_fields_that_say_when(monkeypatch):
    gate, counted, _ = made([Rule("checkout", 2, 60)])
    at = scope("203.0.113.5", path="/store/carts/7/checkout")
    assert await ask(gate, at) == (
        200,
        {b"ratelimit-policy": b'"checkout";q=2;w=60', b"ratelimit": b'"checkout";r=1;t=30'},
    )
    assert (await ask(gate, at))[0] == 200
    status, headers = await ask(gate, at)
    assert status == 429
    assert headers == {
        "RateLimit-Policy": '"checkout";q=2;w=60',
        "RateLimit": '"checkout";r=0;t=30',
    }
    assert counted == ["checkout"]
    assert (await ask(gate, scope("203.0.113.6", path="/store/checkout")))[0] == 200
    for _ in range(5):
        assert (await ask(gate, scope("127.0.0.1", path="/store/checkout")))[0] == 200


async def test_misses_are_counted_and_finding_is_free_until_too_many_missed():
    gate, _, answers = made([Rule("order-misses", 3, 60, misses=True, exact=True)])
    at = scope("203.0.113.5", path="/store/orders/261123-X", method="GET")
    for _ in range(20):
        assert (await ask(gate, at))[0] == 200
    answers["status"] = 404
    assert [(await ask(gate, at))[0] for _ in range(5)] == [404, 404, 404, 429, 429]
    answers["status"] = 200
    assert (await ask(gate, at))[0] == 429, "one who guessed too often is not told a hit either"
    assert (await ask(gate, scope("203.0.113.9", path=at["path"], method="GET")))[0] == 200


async def test_staff_are_counted_by_their_whole_token_wherever_they_are():
    gate, _, _ = made([Rule("staff", 2, 60)])
    one = [
        scope(f"203.0.113.{n}", path="/admin/orders", authorization="Bearer ck_a.secret")
        for n in range(3)
    ]
    assert [(await ask(gate, at))[0] for at in one] == [200, 200, 429]
    other = scope("203.0.113.1", path="/admin/orders", authorization="Bearer ck_a.guess")
    assert (await ask(gate, other))[0] == 200


async def test_a_plugin_has_limits_of_its_own():
    own = RoutedRule(Rule("acme-quotes", 1, 60), "/plugins/acme/quotes", frozenset({"POST"}))
    gate, counted, _ = made([Rule("plugins", 2, 60), own.rule], routed=[own])
    quote = scope("203.0.113.5", path="/plugins/acme/quotes/9")
    assert [(await ask(gate, quote))[0] for _ in range(2)] == [200, 429]
    page = scope("203.0.113.5", path="/plugins/acme/quotesque")
    assert [(await ask(gate, page))[0] for _ in range(3)] == [200, 200, 429]
    assert counted == ["acme-quotes", "plugins"]


def test_settings_change_figures_take_limits_away_and_name_what_is_unknown():
    five = LimitSettings(requests=5)
    none = LimitSettings(requests=0)
    rules = rules_of(LimitsSettings(rules={"checkout": five, "carts": none}))
    assert rules["checkout"].requests == 5
    assert "carts" not in rules
    assert rules_of(LimitsSettings(enabled=False)) == {}
    with pytest.raises(ConfigurationError, match=r"limits\.rules\.checkouts .* checkout"):
        rules_of(LimitsSettings(rules={"checkouts": five}))


def test_deciding_here_costs_a_few_microseconds():
    limiter = Limiter(HereCounters())
    addresses = Addresses(("127.0.0.0/8",))
    at = scope("203.0.113.5", path="/store/checkout")
    rule = Rule("free", 10**9, 60)

    def once():
        subject = addresses.subject(at)
        return limiter.quick(rule, subject)

    best = min(_seconds(once) for _ in range(5))
    assert best < 20e-6, f"{best * 1e6:.1f} µs"


def _seconds(work, times=2000):
    started = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - started) / times


async def test_whoever_guesses_coupon_codes_waits_after_twenty():
    gate, counted, _ = made(DEFAULTS)
    tried = scope("203.0.113.5", path="/store/carts/7/coupons")
    for _ in range(20):
        assert (await ask(gate, tried))[0] == 200
    assert (await ask(gate, tried))[0] == 429
    assert counted == ["coupons"]
    # The cart itself goes on, and so does everybody else.
    assert (await ask(gate, scope("203.0.113.5", path="/store/carts/7/lines")))[0] == 200
    assert (await ask(gate, scope("203.0.113.6", path="/store/carts/7/coupons")))[0] == 200
    without = [rule for rule in DEFAULTS if rule.name != "coupons"]
    gate, counted, _ = made(without)
    for _ in range(30):
        assert (await ask(gate, tried))[0] == 200


async def test_an_address_made_up_at_every_request_is_counted_as_the_one_it_comes_from():
    gate, *_ = made([Rule("checkout", 3, 60, exact=True)])
    behind = behind_proxies(gate, networks_of(["10.0.0.0/8"]))
    statuses = [
        (await ask(behind, scope("203.0.113.5", f"198.51.100.{n}", path="/store/checkout")))[0]
        for n in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]
    told = scope("10.0.0.1", "198.51.100.7", path="/store/checkout")
    assert (await ask(behind, told))[0] == 200
