"""Genuine notifications: once, twice, late and in any order."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec

from commercekit.payments import EventKind, GatewayEvent, PaymentState
from commercekit.platform.providers import RawRequest
from commercekit.testing.conformance.gateways.rules import hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.vendor import Asked
from commercekit.testing.conformance.gateways.words import premise
from commercekit.testing.conformance.verdicts import NotAsked

__all__ = ["HearingRules", "essence"]

_TOLD = ("vendor", "webhook")


class HearingRules:
    """Rules of ``parse_notification`` about what the vendor did say."""

    @rule("accepts-its-own", needs=_TOLD)
    async def test_a_genuine_notification_is_taken_in(self, trial: Trial) -> None:
        """Rule ``accepts-its-own``: what it says, about which payment, when."""
        asked = await _busy(trial)
        events = await _events(trial, asked)
        hold("accepts-its-own", bool(events), "no notification tells of anything")
        paid = False
        for event in events:
            hold("accepts-its-own", bool(event.event_id), "an event has no id")
            aware = event.occurred_at.utcoffset() is not None
            hold("accepts-its-own", aware, f"{event.occurred_at} is in no time zone")
            told: Any = None
            if event.kind is EventKind.PAYMENT:
                told = event.payment
                paid |= told is not None and told.state is PaymentState.PAID
            elif event.kind is EventKind.REFUND:
                told = event.refund
            else:
                continue
            about = told is not None and told.payment_id == asked.payment_id
            hold("accepts-its-own", about, f"{event} is not about {asked.payment_id}")
        hold("accepts-its-own", paid, "nothing tells that it is paid")

    @rule("names-its-account", needs=_TOLD)
    async def test_news_names_the_account_it_is_for(self, trial: Trial) -> None:
        """Rule ``names-its-account``: as ``merchant_account`` names it, or not at all."""
        wanted = trial.gateway.merchant_account(trial.context.config)
        named = {event.merchant_account for event in await _events(trial, await _busy(trial))}
        fits = named <= {wanted, None} if wanted else named == {None}
        hold("names-its-account", fits, f"events are for {named}, the account is {wanted!r}")

    @rule("reads-without-effects", needs=_TOLD)
    async def test_reading_it_twice_says_the_same_and_does_nothing(self, trial: Trial) -> None:
        """Rule ``reads-without-effects``."""
        asked = await _busy(trial)
        before = await trial.books(asked)
        for raw in await trial.told(asked):
            first, again = await trial.read(raw), await trial.read(raw)
            hold("reads-without-effects", first == again, f"{first}, then {again}")
        after = await trial.books(asked)
        hold("reads-without-effects", before == after, f"{before}, then {after}")

    @rule("reads-without-calls", needs=(*_TOLD, "line"))
    async def test_reading_it_calls_nobody(self, trial: Trial) -> None:
        """Rule ``reads-without-calls``: at most for the vendor's keys, where they change."""
        asked = await _busy(trial)
        raws = await trial.told(asked)
        before = len(trial.line.requests)
        for raw in raws:
            await trial.read(raw)
        calls = [
            f"{request.method} {request.url.path}"
            for request in trial.line.requests[before:]
            if not (trial.contract.fetches_keys and request.method == "GET")
        ]
        hold("reads-without-calls", not calls, f"{calls}")

    @rule("resends-under-one-id", needs=_TOLD)
    async def test_what_is_told_again_has_the_same_id(self, trial: Trial) -> None:
        """Rule ``resends-under-one-id``: also when it was signed anew."""
        asked = await _busy(trial)
        first = [event.event_id for event in await _events(trial, asked)]
        trial.clock.advance(minutes=4)
        again = [event.event_id for event in await _events(trial, asked)]
        hold("resends-under-one-id", first == again, f"{first}, then {again}")

    @rule("takes-late-news", needs=_TOLD)
    async def test_news_that_comes_days_later_is_taken_in(self, trial: Trial) -> None:
        """Rule ``takes-late-news``: signed anew, about a payment whose time is long over."""
        asked = await _busy(trial)
        first = [_content(event) for event in await _events(trial, asked)]
        trial.clock.advance(days=3)
        late = [await trial.parse(raw) for raw in await trial.told(asked)]
        again = [_content(event) for news in late for event in news.events]
        hold("takes-late-news", first == again, f"{first}, then {again}")

    @rule("tells-events-apart", needs=_TOLD)
    async def test_different_news_have_different_ids(self, trial: Trial) -> None:
        """Rule ``tells-events-apart``: of one payment, and of two."""
        ids: dict[str, Any] = {}
        for _ in range(2):
            for event in await _events(trial, await _busy(trial)):
                same = ids.setdefault(event.event_id, essence(event)) == essence(event)
                hold("tells-events-apart", same, f"{event.event_id!r} means two things")

    @rule("reads-in-any-order", needs=_TOLD)
    async def test_the_order_of_arrival_changes_nothing(self, trial: Trial) -> None:
        """Rule ``reads-in-any-order``: forwards, backwards, and with another's in between."""
        asked, other = await _busy(trial), await _busy(trial)
        raws, others = await trial.told(asked), await trial.told(other)
        forwards = [await trial.read(raw) for raw in raws]
        backwards = []
        for raw in reversed(raws):
            await trial.read(others[-1])
            backwards.append(await trial.read(raw))
        same = forwards == backwards[::-1]
        hold("reads-in-any-order", same, f"{forwards}, but backwards {backwards[::-1]}")

    @rule("answers-both-ways", needs=_TOLD)
    async def test_it_knows_how_to_say_yes_and_no(self, trial: Trial) -> None:
        """Rule ``answers-both-ways``: two answers that the vendor can tell apart."""
        asked = await _busy(trial)
        for raw in await trial.told(asked):
            news = await trial.read(raw)
            yes = 200 <= news.ack.status < 300
            no = not 200 <= news.nack.status < 300 or news.nack.body != news.ack.body
            hold("answers-both-ways", yes and no, f"{news.ack} or {news.nack}")

    @rule("reads-the-exact-bytes", needs=_TOLD)
    async def test_the_very_bytes_are_verified(self, trial: Trial) -> None:
        """Rule ``reads-the-exact-bytes``: the same JSON, written in another way and signed so."""

        def oddly(body: bytes) -> bytes:
            return json.dumps(json.loads(body), indent=3, ensure_ascii=True).encode() + b"\r\n"

        await _means_the_same("reads-the-exact-bytes", trial, oddly)

    @rule("takes-added-fields", needs=_TOLD)
    async def test_a_field_nobody_knows_is_passed_over(self, trial: Trial) -> None:
        """Rule ``takes-added-fields``: beside all others, and inside of what it tells."""

        def more(body: bytes) -> bytes:
            said = json.loads(body)
            for inner in (said, *said.values()):
                if isinstance(inner, dict):
                    inner["added_in_2031"] = {"by": ["the vendor"]}
            return json.dumps(said, separators=(",", ":")).encode()

        await _means_the_same("takes-added-fields", trial, more)


def essence(event: GatewayEvent) -> GatewayEvent:
    """An event without the bytes it was read from."""
    return msgspec.structs.replace(
        event,
        payment=event.payment and msgspec.structs.replace(event.payment, raw=b""),
        refund=event.refund and msgspec.structs.replace(event.refund, raw=b""),
        dispute=event.dispute and msgspec.structs.replace(event.dispute, raw=b""),
    )


def _content(event: GatewayEvent) -> GatewayEvent:
    """An event without its id, which is another rule's business."""
    return msgspec.structs.replace(essence(event), event_id="")


async def _means_the_same(rule: str, trial: Trial, write: Callable[[bytes], bytes]) -> None:
    """What the vendor tells, written in another way and signed so, is the same news."""
    asked_any = False
    for raw in await trial.told(await _busy(trial)):
        try:
            signed = trial.vendor.signed(write(raw.body))
        except (ValueError, AttributeError):
            continue  # No object in JSON.
        if signed is None:
            continue
        asked_any = True
        wanted = [_content(event) for event in (await trial.read(raw)).events]
        got = [_content(event) for event in (await trial.parse(signed)).events]
        hold(rule, got == wanted, f"{got}, not {wanted}")
    if not asked_any:
        message = "the vendor's bodies are no JSON, or `signed` cannot sign any body"
        raise NotAsked(message)


async def _busy(trial: Trial) -> Asked:
    """A payment about which as much was told as can be."""
    asked = await trial.paid()
    if trial.able.refund:
        request = trial.refund_request(asked)
        with premise("refunding"):
            await trial.refund(request)
        if trial.able.refund_async:
            await trial.vendor.settle_refund(request.refund_id, succeeds=True)
    trial.clock.advance(timedelta(seconds=1))
    return asked


async def _events(trial: Trial, asked: Asked) -> list[GatewayEvent]:
    raws: list[RawRequest] = list(await trial.told(asked))
    return [event for raw in raws for event in (await trial.read(raw)).events]
