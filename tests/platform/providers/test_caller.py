import asyncio
from datetime import timedelta

import pytest
import structlog

from commercekit.platform.providers import (
    Breaker,
    BreakerState,
    CallOutcome,
    FailurePolicy,
    PluginFailed,
    PluginFailedMidway,
    ProviderCaller,
    ProviderConfigError,
    ProviderRejected,
    ProviderUnavailable,
    ProviderUnknown,
    SignatureInvalid,
    Verb,
)

READ = Verb[int](
    "carriers",
    "rates",
    returns=int,
    deadline=timedelta(milliseconds=30),
    policies=(FailurePolicy.OPEN, FailurePolicy.CLOSED),
)
MOVE = Verb[int](
    "payments", "create", returns=int, effectful=True, deadline=timedelta(milliseconds=30)
)


@pytest.fixture
def seen() -> list[CallOutcome]:
    return []


@pytest.fixture
def caller(seen) -> ProviderCaller:
    return ProviderCaller(observe=seen.append)


def answers(value):
    async def work():
        return value

    return work


def raises(error):
    async def work():
        raise error

    return work


async def hang():
    await asyncio.Event().wait()


async def test_an_answer_of_the_promised_type_comes_back(caller, seen):
    assert await caller.call(READ, "x", answers(3)) == 3
    assert [outcome[:4] for outcome in seen] == [("carriers", "x", "rates", "ok")]


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (ProviderRejected("bad-address", "vendor text"), "rejected"),
        (ProviderUnavailable(3), "unavailable"),
        (ProviderUnknown("timeout"), "unknown"),
        (ProviderConfigError("revoked"), "misconfigured"),
        (SignatureInvalid("digest"), "signature-invalid"),
    ],
)
async def test_what_a_provider_may_raise_passes_through(caller, seen, error, outcome):
    with pytest.raises(type(error)) as caught:
        await caller.call(MOVE, "x", raises(error))
    assert caught.value is error
    assert seen[0].outcome == outcome


async def test_anything_else_that_a_plugin_raises_is_its_failure(caller, seen):
    with structlog.testing.capture_logs() as logs, pytest.raises(PluginFailed) as caught:
        await caller.call(READ, "x", raises(KeyError("canary")))
    assert caught.value.slug == "plugin-failed"
    assert "canary" not in caught.value.detail
    assert seen[0].outcome == "failed"
    assert [(log["event"], log["provider"]) for log in logs] == [("provider-raised", "x")]


async def test_a_failure_while_moving_something_leaves_the_outcome_unknown(caller):
    with pytest.raises(ProviderUnknown) as caught:
        await caller.call(MOVE, "x", raises(KeyError("a")))
    assert isinstance(caught.value, PluginFailedMidway)
    assert caught.value.slug == "plugin-failed"


@pytest.mark.parametrize("value", ["3", None, 3.5])
async def test_an_answer_of_another_type_is_a_failure_of_the_plugin(caller, value):
    with pytest.raises(PluginFailed, match="The plugin behind x failed in carriers.rates"):
        await caller.call(READ, "x", answers(value))


async def test_a_read_that_hangs_is_cut_at_its_deadline(caller, seen):
    with pytest.raises(ProviderUnavailable, match=r"x did not answer within 0\.03 s"):
        await caller.call(READ, "x", hang)
    assert seen[0].outcome == "timeout"
    assert seen[0].seconds < 1


async def test_an_effect_that_hangs_becomes_unknown_never_failed(caller):
    with pytest.raises(ProviderUnknown) as caught:
        await caller.call(MOVE, "x", hang)
    assert caught.value.code == "timeout"


async def test_a_plugin_that_swallows_its_cancellation_is_not_waited_for(caller):
    freed = asyncio.Event()

    async def stubborn():
        while not freed.is_set():
            try:
                await freed.wait()
            except asyncio.CancelledError:
                continue
        return 1

    with pytest.raises(ProviderUnavailable):
        await caller.call(READ, "x", stubborn)
    freed.set()
    await asyncio.sleep(0)


async def test_a_caller_who_hangs_up_cancels_the_plugin_and_blames_nobody(caller):
    cancelled = []

    async def work():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    task = asyncio.ensure_future(caller.call(MOVE, "x", work))
    await asyncio.sleep(0.005)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await asyncio.sleep(0)
    assert cancelled == [True]
    assert caller.states() == {"payments/x": BreakerState.CLOSED}


async def test_a_plugin_that_cancels_itself_has_failed(caller):
    with pytest.raises(PluginFailed):
        await caller.call(READ, "x", raises(asyncio.CancelledError()))


@pytest.mark.parametrize("work", [hang, raises(ValueError()), raises(ProviderConfigError("x"))])
async def test_a_declared_substitute_stands_in_for_a_broken_provider(caller, work):
    assert await caller.call(READ, "x", work, instead=0) == 0


async def test_a_refused_request_is_not_replaced_by_the_substitute(caller):
    with pytest.raises(ProviderRejected):
        await caller.call(READ, "x", raises(ProviderRejected("bad-address")), instead=0)


async def test_after_five_failures_the_provider_is_left_alone(caller, seen):
    for _ in range(5):
        with pytest.raises(PluginFailed):
            await caller.call(READ, "x", raises(ValueError()))
    calls = []

    async def work():
        calls.append(1)
        return 1

    with pytest.raises(ProviderUnavailable) as caught:
        await caller.call(READ, "x", work)
    assert calls == []
    assert caught.value.retry_after == 30
    assert seen[-1].outcome == "skipped"
    assert caller.states() == {"carriers/x": BreakerState.OPEN}
    assert await caller.call(READ, "y", work) == 1


async def test_refusals_never_open_the_breaker(caller):
    for _ in range(9):
        with pytest.raises(ProviderRejected):
            await caller.call(READ, "x", raises(ProviderRejected("no")))
    assert await caller.call(READ, "x", answers(1)) == 1


class Time:
    now = 100.0

    def __call__(self) -> float:
        return self.now


def opened() -> tuple[Breaker, Time]:
    time = Time()
    breaker = Breaker(limit=2, window=60, rest=30, now=time)
    assert breaker.failed() is False
    assert breaker.failed() is True
    return breaker, time


def test_an_open_breaker_says_when_to_ask_again():
    breaker, time = opened()
    time.now += 10
    assert breaker.admit() == 20


def test_a_half_open_breaker_lets_one_call_through():
    breaker, time = opened()
    time.now += 30
    assert breaker.state is BreakerState.HALF_OPEN
    assert breaker.admit() == 0
    assert breaker.admit() > 0


def test_a_trial_that_succeeds_closes_the_breaker():
    breaker, time = opened()
    time.now += 30
    breaker.admit()
    breaker.succeeded()
    assert breaker.state is BreakerState.CLOSED
    assert breaker.admit() == 0


def test_a_trial_that_fails_opens_it_for_the_whole_rest_again():
    breaker, time = opened()
    time.now += 30
    breaker.admit()
    breaker.failed()
    assert breaker.admit() == 30


def test_a_trial_whose_caller_vanished_does_not_block_the_next():
    breaker, time = opened()
    time.now += 30
    breaker.admit()
    breaker.released()
    assert breaker.admit() == 0


def test_failures_far_apart_do_not_open_it():
    time = Time()
    breaker = Breaker(limit=2, window=60, rest=30, now=time)
    breaker.failed()
    time.now += 61
    assert breaker.failed() is False
    assert breaker.admit() == 0
