"""Notifications that are not genuine, not in time, or not in their senses."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final
from urllib.parse import parse_qsl, urlencode

import msgspec

from commercekit.payments import Notification
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderError,
    ProviderRejected,
    RawRequest,
    SignatureInvalid,
)
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.gateways.hearing import essence
from commercekit.testing.conformance.gateways.rules import fail, hold, rule
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.words import outcome
from commercekit.testing.conformance.verdicts import NotAsked

__all__ = ["DoubtingRules", "forged_bodies"]

_TOLD = ("vendor", "webhook")
_POSITIONS = 120
_PLAIN_HEADERS = frozenset(
    {"accept", "accept-encoding", "connection", "content-length", "date", "host", "user-agent"}
)
_ODD_VALUES: Final = ("", " ", "é", "=", ",", "t=,v1=", "t=²,v1=00", "-1", "9" * 400, "\x00")
_NONSENSE: Final[tuple[Any, ...]] = (None, [], {}, "x", -1, 10**30, "é" * 300)
_STRANGE: Final[dict[str, bytes]] = {
    "nothing": b"",
    "no UTF-8": b"\xff\xfe\x00\x80" * 8,
    "zeros": b"\x00" * 1000,
    "null": b"null",
    "a list": b"[]",
    "a text": b'"paid"',
    "a number of 5,000 digits": b"1" * 5000,
    "an empty object": b"{}",
    "half an object": b'{"id":',
    "not a number": b'{"amount": NaN, "id": 1e999}',
    "100,000 lists in each other": b"[" * 100_000,
    "50,000 objects in each other": b'{"a":' * 50_000 + b"1" + b"}" * 50_000,
    "a megabyte": b'{"id": "' + b"y" * 1_000_000 + b'"}',
    "a form": b"a=1&b=%ff&c",
}


class DoubtingRules:
    """Rules of ``parse_notification`` about what the vendor did not say."""

    @rule("refuses-forgeries")
    async def test_forged_notifications_are_refused(self, trial: Trial) -> None:
        """Rule ``refuses-forgeries``: without proof, with odd proof, with another's."""
        if trial.lacks(_TOLD):
            # Nobody tells anything: whatever arrives is a forgery.
            await _refused(trial, "refuses-forgeries", "anything", _nobodys(trial))
            return
        for raw in await _genuine(trial):
            for body in forged_bodies(raw.body):
                forged = _changed(raw, body=body)
                bare = _changed(forged, headers={}, query=[])
                await _refused(trial, "refuses-forgeries", "another body without headers", bare)
                for name, value in raw.headers.items():
                    if name.lower() in _PLAIN_HEADERS:
                        continue
                    for odd in (*_ODD_VALUES, f"{value}é", f"{value[:-1]}é", value.upper()):
                        what = f"another body with {name}: {odd[:40]!r}"
                        proof = _changed(forged, headers={**raw.headers, name: odd})
                        await _refused(trial, "refuses-forgeries", what, proof)
            if trial.contract.verifies_by_secret:
                other = trial.stranger()
                answer = await outcome(trial.parse(raw, other))
                no = isinstance(answer, SignatureInvalid | ProviderConfigError)
                hold("refuses-forgeries", no, "took what was signed for another account")

    @rule("refuses-alterations", needs=_TOLD)
    async def test_one_changed_byte_is_refused(self, trial: Trial) -> None:
        """Rule ``refuses-alterations``: any byte of the body and of the proof; or it is harmless."""
        for raw in await _genuine(trial):
            for position in _spread(len(raw.body)):
                body = bytearray(raw.body)
                body[position] ^= 1
                what = f"byte {position} of the body changed"
                altered = _changed(raw, body=bytes(body))
                await _doubted(trial, "refuses-alterations", what, altered, raw)
            for other in (raw.body[:-1], raw.body[1:], raw.body + b"0", raw.body * 2):
                altered = _changed(raw, body=other)
                await _doubted(trial, "refuses-alterations", "another length", altered, raw)
            for what, altered in _other_proof(raw):
                await _doubted(trial, "refuses-alterations", what, altered, raw)

    @rule("refuses-what-expired", needs=(*_TOLD, "window"))
    async def test_what_was_signed_at_another_time_is_refused(self, trial: Trial) -> None:
        """Rule ``refuses-what-expired``: outside of the window, either way; not within."""
        window = trial.contract.replay_window or timedelta()
        for raw in await _genuine(trial):
            for within in (timedelta(), window / 2):
                await trial.parse(_changed(raw), trial.at(within))
            for outside in (window + timedelta(minutes=1), timedelta(days=30), -2 * window):
                at = trial.at(outside)
                answer = await outcome(trial.parse(_changed(raw, received_at=at.now()), at))
                stale = isinstance(answer, SignatureInvalid)
                hold("refuses-what-expired", stale, f"read {outside} later: {answer!r}")

    @rule("refuses-strange-bodies")
    async def test_unsigned_bodies_of_any_kind_are_refused(self, trial: Trial) -> None:
        """Rule ``refuses-strange-bodies``: always ``SignatureInvalid``, before anything is parsed."""
        told = not trial.lacks(_TOLD)
        raw = (await _genuine(trial))[0] if told else _nobodys(trial)
        for what, body in _STRANGE.items():
            strange = _changed(raw, body=body)
            await _refused(trial, "refuses-strange-bodies", what, strange)

    @rule("survives-strange-bodies", needs=_TOLD)
    async def test_signed_nonsense_is_refused_in_our_words(self, trial: Trial) -> None:
        """Rule ``survives-strange-bodies``: what the vendor signed and nobody can read."""
        genuine = await _genuine(trial)
        strange = dict(_STRANGE)
        for raw in genuine:
            strange.update(_distorted(raw.body))
        bodies = {what: trial.vendor.signed(body) for what, body in strange.items()}
        if not any(bodies.values()):
            message = "the vendor's `signed` signs no body that it did not make"
            raise NotAsked(message)
        for what, signed in bodies.items():
            if signed is None:
                continue
            try:
                answer = await outcome(trial.parse(signed))
            except RuleBroken as stranger:
                fail("survives-strange-bodies", f"{what}: {stranger.detail}", stranger)
            fits = isinstance(answer, Notification | ProviderRejected | SignatureInvalid)
            hold("survives-strange-bodies", fits, f"{what}: {answer!r}")


async def _genuine(trial: Trial) -> list[RawRequest]:
    """The notifications on one paid payment, the first and the last if there are many."""
    raws = list(await trial.told(await trial.paid()))
    raws = raws if len(raws) < 3 else [raws[0], raws[-1]]
    for raw in raws:
        await trial.read(raw)
    return raws


async def _refused(trial: Trial, name: str, what: str, raw: RawRequest) -> None:
    try:
        answer = await outcome(trial.parse(raw))
    except RuleBroken as stranger:
        fail(name, f"{what}: {stranger.detail}", stranger)
    hold(name, isinstance(answer, SignatureInvalid), f"{what}: {answer!r}")


async def _doubted(
    trial: Trial, name: str, what: str, altered: RawRequest, raw: RawRequest
) -> None:
    """Refused; or what was altered means nothing, and the news are the same."""
    answer: Notification | ProviderError
    try:
        answer = await outcome(trial.parse(altered))
    except RuleBroken as stranger:
        fail(name, f"{what}: {stranger.detail}", stranger)
    if isinstance(answer, Notification):
        said = [essence(event) for event in (await trial.parse(raw)).events]
        same = [essence(event) for event in answer.events] == said
        hold(name, same, f"{what}: took {answer.events}")
    else:
        hold(name, isinstance(answer, SignatureInvalid), f"{what}: {answer!r}")


def forged_bodies(body: bytes, most: int = 5) -> list[bytes]:
    """``body`` with one digit changed, here or there: as readable as before, and not the vendor's."""
    digits = [position for position, byte in enumerate(body) if 0x30 <= byte <= 0x39]
    forged = []
    for position in (digits or list(range(len(body))))[:: max(1, len(digits) // most)][:most]:
        changed = bytearray(body)
        changed[position] ^= 1
        forged.append(bytes(changed))
    return forged


def _other_proof(raw: RawRequest) -> Iterator[tuple[str, RawRequest]]:
    for name, value in raw.headers.items():
        if name.lower() in _PLAIN_HEADERS:
            continue
        for position in _spread(len(value), 40):
            flipped = value[:position] + chr(ord(value[position]) ^ 1) + value[position + 1 :]
            yield (
                f"character {position} of {name} changed",
                _changed(raw, headers={**raw.headers, name: flipped}),
            )
    for index, (name, value) in enumerate(raw.query):
        query = [*raw.query[:index], (name, f"{value}0"), *raw.query[index + 1 :]]
        yield f"{name} changed", _changed(raw, query=query)


def _distorted(body: bytes) -> Iterator[tuple[str, bytes]]:
    """A genuine body with one value after the other missing, or nonsense."""
    try:
        said, write = json.loads(body), _as_json
    except ValueError:
        said, write = dict(parse_qsl(body.decode("latin-1"), keep_blank_values=True)), _as_form
    for path in list(_paths(said))[:40]:
        for value in _NONSENSE:
            yield f"{'.'.join(map(str, path))} is {value!r:.20}", write(_with(said, path, value))
        yield f"{'.'.join(map(str, path))} is missing", write(_with(said, path, _MISSING))


def _as_json(said: Any) -> bytes:
    return json.dumps(said).encode()


def _as_form(said: dict[str, Any]) -> bytes:
    return urlencode(
        {name: "" if value is None else str(value) for name, value in said.items()}
    ).encode()


_MISSING: Final = object()


def _paths(said: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    items: Any = ()
    if isinstance(said, dict):
        items = said.items()
    elif isinstance(said, list):
        items = enumerate(said)
    for key, value in items:
        yield (*path, key)
        yield from _paths(value, (*path, key))


def _with(said: Any, path: tuple[Any, ...], value: Any) -> Any:
    copy = json.loads(json.dumps(said))
    inner = copy
    for key in path[:-1]:
        inner = inner[key]
    if value is _MISSING:
        del inner[path[-1]]
    else:
        inner[path[-1]] = value
    return copy


def _spread(length: int, most: int = _POSITIONS) -> list[int]:
    """Positions all over ``length``, the first and the last among them."""
    if length <= most:
        return list(range(length))
    return sorted({round(step * (length - 1) / (most - 1)) for step in range(most)})


def _changed(raw: RawRequest, **changes: Any) -> RawRequest:
    return msgspec.structs.replace(raw, **changes)


def _nobodys(trial: Trial) -> RawRequest:
    return RawRequest(
        method="POST",
        url="https://shop.test/",
        path="/",
        query=[],
        headers={"content-type": "application/json"},
        body=b"{}",
        received_at=trial.context.now(),
    )
