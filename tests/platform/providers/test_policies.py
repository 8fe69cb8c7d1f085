"""What kinds declare and settings change; everything that is wrong is told at once."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest

from commercekit.app.providers import KINDS
from commercekit.errors import Unavailable
from commercekit.platform.providers import (
    BreakerSettings,
    FailurePolicy,
    KindSettings,
    PluginFailed,
    PluginFailedMidway,
    Policies,
    ProviderCaller,
    ProviderKind,
    ProviderSettings,
    ProviderUnavailable,
    ProviderUnknown,
    Verb,
    VerbSettings,
)
from commercekit.platform.settings import SettingsError

OPEN, CLOSED, LATER = FailurePolicy.OPEN, FailurePolicy.CLOSED, FailurePolicy.RETRY_LATER
RATES = Verb[int]("post", "rates", int, policies=(OPEN, CLOSED))
SEND = Verb[int]("post", "send", int, effectful=True, policies=(LATER,))
BOOK = Verb[int]("post", "book", int, effectful=True, repeatable=True)
PARSE = Verb[int]("post", "parse", int, from_strangers=True)
POST = ProviderKind("post", "post office", (RATES, SEND, BOOK, PARSE))
SECOND = timedelta(seconds=1)


def settings(**verbs: VerbSettings) -> dict[str, KindSettings]:
    return {"post": KindSettings(verbs=verbs)}


def guard(**verbs: VerbSettings) -> ProviderCaller:
    return ProviderCaller(policies=Policies([POST], settings(**verbs)))


def test_without_a_word_the_declaration_holds():
    line = Policies([POST]).line(RATES, "acme")
    assert (line.deadline, line.retries, line.policy) == (2 * SECOND, 0, OPEN)
    assert Policies([POST]).line(SEND, "acme").deadline == 5 * SECOND


def test_what_is_said_of_one_provider_goes_before_what_is_said_of_its_kind():
    policies = Policies(
        [POST],
        {
            "post": KindSettings(
                verbs={"rates": VerbSettings(deadline=3 * SECOND, retries=1)},
                breaker=BreakerSettings(failures=9),
                only={
                    "acme": ProviderSettings(
                        verbs={"rates": VerbSettings(deadline=SECOND)},
                        breaker=BreakerSettings(rest=SECOND),
                    )
                },
            )
        },
    )
    acme, other = policies.line(RATES, "acme"), policies.line(RATES, "other")
    assert (acme.deadline, acme.retries) == (SECOND, 1)
    assert other.deadline == 3 * SECOND
    assert policies.breaker("post", "acme").failures == 9
    assert policies.breaker("post", "acme").rest == SECOND
    assert policies.breaker("post", "other").rest == 30 * SECOND


def test_everything_that_is_wrong_is_told_at_once_and_in_words():
    with pytest.raises(SettingsError) as caught:
        Policies(
            [POST],
            {
                "pots": KindSettings(),
                "post": KindSettings(
                    verbs={
                        "rate": VerbSettings(),
                        "rates": VerbSettings(policy=LATER, deadline=timedelta()),
                        "send": VerbSettings(retries=2),
                    },
                    breaker=BreakerSettings(rest=timedelta()),
                    only={"acme": ProviderSettings(verbs={"fly": VerbSettings()})},
                ),
            },
        )
    told = [str(problem) for problem in caught.value.problems]
    assert told == [
        "providers.pots: is no kind of providers; there are: post; did you mean providers.post?",
        "providers.post.breaker.rest: is not longer than nothing",
        "providers.post.verbs.rate: is nothing that a post office is asked; there are: rates, send, "
        "book, parse; did you mean providers.post.verbs.rates?",
        "providers.post.verbs.rates.deadline: is not between nothing and two minutes",
        "providers.post.verbs.rates.policy: is 'retry-later'; rates of a post office may be open or "
        "closed",
        "providers.post.verbs.send.retries: would repeat send of a post office, and that twice is not "
        "as good as once; take it out",
        "providers.post.only.acme.verbs.fly: is nothing that a post office is asked; there are: rates, "
        "send, book, parse",
    ]


def test_a_provider_that_nobody_brings_is_told():
    policies = Policies([POST], {"post": KindSettings(only={"amce": ProviderSettings()})})
    with pytest.raises(SettingsError, match="did you mean providers.post.only.acme") as caught:
        policies.check_codes({"post": ["acme"]})
    assert "no enabled plugin brings a post office 'amce'; there are: acme" in str(caught.value)
    policies.check_codes({"post": ["amce"]})


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
def test_every_kind_declares_verbs_that_can_be_kept(kind):
    assert len({verb.name for verb in kind.verbs}) == len(kind.verbs)
    for verb in kind.verbs:
        assert verb.family == kind.code
        assert verb.policies
        # Somebody waits for all of them but for a day's statement, which a job reads.
        longest = timedelta(minutes=2) if verb.name == "reconcile" else timedelta(seconds=15)
        assert timedelta() < verb.within <= longest
        assert verb.may_repeat or not verb.retries


FALLBACK = 7


async def _fails():
    raise KeyError


async def _answers():
    return 3


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.code)
async def test_every_policy_of_every_kind_is_kept_when_it_fails_and_idle_when_it_works(kind):
    for declared in kind.verbs:
        for policy in declared.policies:
            verb = Verb[int](
                kind.code,
                declared.name,
                int,
                effectful=declared.effectful,
                policies=declared.policies,
            )
            said = {kind.code: KindSettings(verbs={verb.name: VerbSettings(policy=policy)})}
            caller = ProviderCaller(policies=Policies([kind], said))
            assert await caller.call(verb, "acme", _answers, instead=FALLBACK) == 3
            assert caller.call_sync(verb, "acme", lambda: 3, instead=FALLBACK) == 3
            if policy is OPEN:
                assert await caller.call(verb, "acme", _fails, instead=FALLBACK) == FALLBACK
                assert caller.call_sync(verb, "acme", lambda: None, instead=FALLBACK) == FALLBACK
                continue
            failure = PluginFailedMidway if verb.effectful else PluginFailed
            with pytest.raises(failure) as caught:
                await caller.call(verb, "acme", _fails, instead=FALLBACK)
            assert caught.value.slug == "plugin-failed"
            assert isinstance(caught.value, Unavailable), "which is 503"
            with pytest.raises(failure):
                caller.call_sync(verb, "acme", lambda: None, instead=FALLBACK)


class Flaky:
    def __init__(self, *answers):
        self.answers = list(answers)
        self.calls = 0

    async def __call__(self):
        self.calls += 1
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


@pytest.mark.parametrize("error", [ProviderUnavailable(), ProviderUnknown()])
async def test_a_question_is_asked_again_within_its_deadline(error):
    work = Flaky(error, 3)
    assert await guard(rates=VerbSettings(retries=1)).call(RATES, "acme", work) == 3
    assert work.calls == 2


async def test_an_effect_is_repeated_only_when_surely_nothing_was_done():
    caller = guard(book=VerbSettings(retries=2))
    work = Flaky(ProviderUnavailable(), 3)
    assert await caller.call(BOOK, "acme", work) == 3
    unknown = Flaky(ProviderUnknown(), 3)
    with pytest.raises(ProviderUnknown):
        await caller.call(BOOK, "acme", unknown)
    assert unknown.calls == 1


async def test_a_bug_and_a_hang_are_not_tried_again():
    caller = guard(rates=VerbSettings(retries=3, deadline=timedelta(milliseconds=50)))
    bug = Flaky(KeyError("x"), 3)
    with pytest.raises(PluginFailed):
        await caller.call(RATES, "acme", bug)
    assert bug.calls == 1
    asked = []

    async def hang():
        asked.append(1)
        await asyncio.Event().wait()

    with pytest.raises(PluginFailed, match=r"did not answer within 0\.05 s"):
        await caller.call(RATES, "acme", hang)
    assert asked == [1]


async def test_what_strangers_send_opens_no_circuit():
    caller = guard()
    for _ in range(20):
        with pytest.raises(PluginFailed):
            await caller.call(PARSE, "acme", _fails)
    assert caller.states() == {"post/acme": "closed"}
    assert await caller.call(RATES, "acme", _answers) == 3


async def test_a_task_that_is_deaf_is_left_to_itself_and_counted():
    caller = guard(rates=VerbSettings(deadline=timedelta(milliseconds=20)))
    leave = asyncio.Event()

    async def deaf():
        while not leave.is_set():
            try:
                await leave.wait()
            except asyncio.CancelledError:
                continue
        return 1

    with pytest.raises(PluginFailed):
        await caller.call(RATES, "acme", deaf)
    [known] = caller.providers()
    assert known.lingering == 1
    leave.set()
    await asyncio.sleep(0.01)
    assert known.lingering == 0


async def test_a_provider_that_leaves_the_process_only_fails():
    async def leave():
        raise SystemExit(3)

    with pytest.raises(PluginFailed):
        await guard().call(RATES, "acme", leave)


async def test_what_it_leaves_in_its_context_stays_there():
    import contextvars

    word = contextvars.ContextVar("word", default="clean")

    async def dirty():
        word.set("dirty")
        return 3

    await guard().call(RATES, "acme", dirty)
    assert word.get() == "clean"
