"""What a gateway must not tell, and what it must tell an operator."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any, Final

import msgspec

from commercekit.payments import PaymentSnapshot
from commercekit.platform.providers import (
    ProviderConfigError,
    ProviderError,
    SignatureInvalid,
    TokenCache,
)
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.gateways.doubting import forged_bodies
from commercekit.testing.conformance.gateways.line import Fault
from commercekit.testing.conformance.gateways.rules import fail, hold, rule
from commercekit.testing.conformance.gateways.senses import (
    overheard,
    remembered,
    spellings,
    told_by,
)
from commercekit.testing.conformance.gateways.trial import Trial
from commercekit.testing.conformance.gateways.vendor import CARD_NUMBER, Asked
from commercekit.testing.conformance.gateways.words import outcome

__all__ = ["SecrecyRules"]

_NAMED_LIKE_SECRETS = re.compile(
    r"(^|_)(secret|password|passphrase|private_key|api_key|token)(_|$)", re.IGNORECASE
)
_CARD: Final = re.compile(r"[ -]?".join(CARD_NUMBER[at : at + 4] for at in range(0, 16, 4)))


class SecrecyRules:
    """Rules about secrets, cards and settings."""

    @rule("types-its-secrets")
    async def test_secrets_have_the_type_of_secrets(self, trial: Trial) -> None:
        """Rule ``types-its-secrets``: ``Secret`` is not shown by anything that prints settings."""
        for field in msgspec.structs.fields(trial.gateway.config_type):
            value = getattr(trial.context.config, field.encode_name, None)
            plain = _NAMED_LIKE_SECRETS.search(field.name) and isinstance(value, str | bytes)
            hold("types-its-secrets", not plain, f"{field.name} is plain text, not a Secret")

    @rule("keeps-secrets", needs=("secrets",))
    async def test_secrets_are_told_to_nobody(self, trial: Trial) -> None:
        """Rule ``keeps-secrets``: not in logs, answers, errors, nor in what it is printed as."""
        with overheard() as heard:
            answers = await _everything(trial)
        told = {
            "a log line": heard,
            "an answer or an error": [_text(answer) for answer in answers],
            "the gateway's repr": [repr(trial.gateway), str(trial.gateway)],
            "the settings' repr": [repr(trial.context.config), repr(trial.context)],
        }
        for name, secret in trial.secrets.items():
            for where, texts in told.items():
                for spelling in spellings(secret):
                    said = next((text for text in texts if spelling in text), None)
                    # The text itself would be told once more by this very message.
                    hold("keeps-secrets", said is None, f"{where} contains the secret {name}")

    @rule("keeps-no-card-number", needs=("vendor",))
    async def test_no_card_number_is_kept(self, trial: Trial) -> None:
        """Rule ``keeps-no-card-number``: neither in logs, nor in memory, nor in answers."""
        cache = _WatchedCache()
        trial.context = dataclasses.replace(trial.context, cache=cache)
        with overheard() as heard:
            answers = await _everything(trial)
        told = {
            "a log line": heard,
            "an answer or an error": [_text(answer) for answer in answers],
            "what it remembers": [remembered(trial.gateway)],
            "the cache": cache.kept,
        }
        for where, texts in told.items():
            found = any(_CARD.search(text) for text in texts)
            hold("keeps-no-card-number", not found, f"{where} contains the shopper's card")

    # -------------------------------------------------------------------------------------- settings

    @rule("names-what-is-not-set", needs=("secrets",))
    async def test_a_secret_that_is_not_set_is_named(self, trial: Trial) -> None:
        """Rule ``names-what-is-not-set``: ``ProviderConfigError`` with the setting's name."""
        async for name, what, answer in _without(trial, empty=True):
            if isinstance(answer, ProviderConfigError):
                named = name in told_by(answer)
                hold("names-what-is-not-set", named, f"{what}: {answer}")
            else:
                fine = not isinstance(answer, ProviderError)
                hold("names-what-is-not-set", fine, f"{what} without {name}: {answer!r}")

    @rule("reports-a-revoked-key", needs=("secrets", "vendor"))
    async def test_a_secret_that_does_not_work_calls_an_operator(self, trial: Trial) -> None:
        """Rule ``reports-a-revoked-key``: ``ProviderConfigError``, which does not show it."""
        async for name, what, answer in _without(trial, empty=False):
            if isinstance(answer, ProviderError):
                fits = isinstance(answer, ProviderConfigError)
                hold("reports-a-revoked-key", fits, f"{what} with a wrong {name}: {answer!r}")
                shown = _wrong(trial.secrets[name]) in told_by(answer)
                hold("reports-a-revoked-key", not shown, f"{what} shows the wrong {name}")

    @rule("trusts-no-empty-secret", needs=("secrets", "vendor", "webhook"))
    async def test_an_empty_secret_verifies_nothing(self, trial: Trial) -> None:
        """Rule ``trusts-no-empty-secret``: it is a mistake in the settings, not a key."""
        raw = (await trial.told(await trial.paid()))[-1]
        await trial.read(raw)
        for name in trial.secrets:
            context = trial.with_secrets({name: ""})
            answer = await outcome(trial.parse(raw, context))
            if isinstance(answer, SignatureInvalid):
                detail = f"verified with an empty {name}; an operator should hear of it"
                fail("trusts-no-empty-secret", detail)
            for body in forged_bodies(raw.body):
                forged = msgspec.structs.replace(raw, body=body)
                if not isinstance(await outcome(trial.parse(forged)), ProviderError):
                    continue  # It is believed in any case, which is another rule's business.
                answer = await outcome(trial.parse(forged, context))
                refused = isinstance(answer, ProviderError)
                hold("trusts-no-empty-secret", refused, f"without {name} a forgery is believed")


def _wrong(text: str) -> str:
    """As long as ``text``, and not it."""
    return f"wrong{text[::-1]}"[: max(len(text), 8)]


async def _everything(trial: Trial) -> list[Any]:
    """Everything that can be said in a course, with its mishaps."""
    said: list[Any] = []
    trial.heard = said
    asked, request = await trial.course()
    vendor = not trial.lacks(("vendor",))
    if vendor and trial.contract.speaks_http:
        for fault in (Fault.UNREACHABLE, Fault.UNANSWERED, Fault.SERVER_ERROR, Fault.NONSENSE):
            with trial.line.failing(fault, reads=True):
                await _quietly(trial.asked())
                await _quietly(trial.query(asked))
                if request is not None:
                    await _quietly(trial.refund(request))
    if vendor:
        for text in ("", "wrong"):
            texts = {name: text and _wrong(secret) for name, secret in trial.secrets.items()}
            context = trial.with_secrets(texts)
            await _quietly(trial.create(trial.request(), context))
            await _quietly(trial.query(asked, context))
        if trial.able.webhook:
            for raw in await trial.told(asked):
                await _quietly(trial.parse(msgspec.structs.replace(raw, body=raw.body + b"0")))
    trial.heard = None
    return said


async def _quietly(call: Awaitable[Any]) -> None:
    try:
        await outcome(call)
    except RuleBroken:
        return  # Another rule's business; what it said was heard.


async def _without(trial: Trial, *, empty: bool) -> Any:
    """Each secret missing or wrong, and what each call says then."""
    for name, text in trial.secrets.items():
        paid = None if trial.lacks(("vendor",)) else await trial.paid()
        context = trial.with_secrets({name: "" if empty else _wrong(text)})
        for what, call in _calls(trial, context, paid):
            try:
                answer = await outcome(call())
            except RuleBroken as stranger:
                if stranger.rule != "fails-in-our-words":
                    raise
                answer = _Stranger(stranger.detail)
            yield name, what, answer


class _Stranger(ProviderError):
    """What a gateway raised that is not one of the core's."""


def _calls(
    trial: Trial, context: Any, paid: Asked | None
) -> Iterator[tuple[str, Callable[[], Awaitable[Any]]]]:
    yield "create", lambda: trial.create(trial.request(), context)
    if paid is None:
        return
    if trial.able.query:
        yield "query", lambda: trial.query(paid, context)
    if trial.able.close:
        call = trial.gateway.close
        yield (
            "close",
            lambda: trial.spoken(call(context, paid.payment_id, trial.ref(paid)), PaymentSnapshot),
        )
    if trial.able.refund:
        yield "refund", lambda: trial.refund(trial.refund_request(paid), context)


def _text(answer: Any) -> str:
    """What an answer or an error says, without the vendor's own bytes: the core only hashes those."""
    if isinstance(answer, BaseException):
        return told_by(answer)
    return repr(_without_raw(msgspec.to_builtins(answer)))


def _without_raw(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _without_raw(inner) for key, inner in value.items() if key != "raw"}
    if isinstance(value, list):
        return [_without_raw(inner) for inner in value]
    return value


class _WatchedCache(TokenCache):
    """Keeps nothing back of what it was given to keep."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: list[str] = []

    async def set(self, key: str, value: Any, ttl: Any) -> None:
        self.kept.append(f"{key} {value!r}")
        await super().set(key, value, ttl)
