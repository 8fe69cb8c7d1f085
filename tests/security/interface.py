"""The whole OpenAPI document, asked about by schemathesis through the shop's own HTTP interface.

Schemathesis makes up requests, good ones and bad ones, and judges the answers; they travel over the same
client as those of every other test, on the loop of the shop.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

import httpx
import requests
import schemathesis
from hypothesis import HealthCheck, Phase, given, reject, seed, settings
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import run_state_machine_as_test
from schemathesis import Case
from schemathesis.checks import CHECKS, load_all_checks
from schemathesis.core.failures import FailureGroup
from schemathesis.core.transport import Response
from schemathesis.generation import GenerationMode
from schemathesis.schemas import APIOperation

from tests.security.visitors import Neighbourhood, Visitor
from tests.shop import SHIPPING

__all__ = ["BAD", "GOOD", "PARTING", "Interface"]

GOOD, BAD = GenerationMode.POSITIVE, GenerationMode.NEGATIVE
CHECKED = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
)
# A visitor who does this is nobody afterwards.
PARTING = frozenset(
    {
        "POST /admin/auth/logout",
        "POST /store/auth/logout",
        "DELETE /admin/auth/sessions",
        "DELETE /admin/auth/sessions/{session_id}",
        "DELETE /store/me/sessions",
        "DELETE /store/me/sessions/{session_id}",
    }
)
_JOURNEY = 2
"""Hypothesis tries the simplest way there is, and then one that it makes up."""
TEXTS = frozenset({"name", "label", "title", "description", "seo_title", "seo_description"})
# A choice among a few words, which are good as they were made up.
CHOSEN = frozenset({"kind", "status", "code"})
LIKELY = {
    "email": "wang.fang@example.com",
    "phone": "+8613800138001",
    "country": "CN",
    "currency": "CNY",
    "payment_method": "sandbox",
    "shipping": SHIPPING,
    "carrier": "sandbox",
    "service": "standard",
    "password": "violet engine carries nine",
    "reason": "Somebody asked",
}


class Interface:
    """What the shop says it answers, what it was asked, and where the two differ."""

    def __init__(self, here: Neighbourhood, document: dict[str, Any], *, salt: int = 1) -> None:
        """``salt`` decides which requests are made up: the same ones for the same salt."""
        load_all_checks()
        self.here = here
        self.document = document
        self.schema = schemathesis.openapi.from_dict(document)
        self.operations: list[APIOperation] = sorted(
            (found.ok() for found in self.schema.get_all_operations()), key=_turn
        )
        self.asked: Counter[tuple[str, str, int]] = Counter()
        self.wandered = 0
        self.found: dict[tuple[str, ...], str] = {}
        self._checks = CHECKS.get_by_names(list(CHECKED))
        self._loop = asyncio.get_running_loop()
        self._random = random.Random(salt)
        self._salt = salt

    async def ask(
        self,
        visitor: Visitor,
        operations: Iterable[APIOperation],
        mode: GenerationMode,
        examples: int,
    ) -> None:
        """Have ``visitor`` try each operation so often, with what is right or with what is wrong."""

        def all_of_them() -> None:
            for operation in operations:
                self._try(visitor, operation, mode, examples)

        await asyncio.to_thread(all_of_them)

    def _try(
        self, visitor: Visitor, operation: APIOperation, mode: GenerationMode, examples: int
    ) -> None:
        if operation.label in PARTING or (mode is BAD and not can_be_wrong(operation)):
            return

        @seed(self._salt)
        @settings(
            max_examples=examples,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )
        @given(operation.as_strategy(generation_mode=mode))
        def one(case: Case) -> None:
            if mode is GOOD:
                self._name_what_is_there(case)
                case.body = self._make_sense(case.body)
            self.put(visitor, case, mode)

        one()

    def _name_what_is_there(self, case: Case, often: float = 0.9) -> None:
        """Mostly ask about things that exist; invented names find nothing."""
        for name, value in (case.path_parameters or {}).items():
            known = self.here.known(case.operation.path, name)
            if known and (self._random.random() < often or not str(value)):
                case.path_parameters[name] = self._random.choice(known)
            elif not str(value):
                case.path_parameters[name] = "x"
        if "If-Match" in case.headers and self._random.random() < 0.5:
            case.headers["If-Match"] = '"1"'

    def _make_sense(self, body: Any, name: str = "") -> Any:
        """Put names of things that exist, and texts that could be meant, where their fields ask for them.

        One time in four a text stays as it was made up.
        """
        if isinstance(body, dict):
            if name in TEXTS and body:
                return {"en": "Paper lantern", "zh": "纸灯笼"}
            return {each: self._make_sense(value, each) for each, value in body.items()}
        if isinstance(body, list):
            return [self._make_sense(value, name) for value in body]
        if not isinstance(body, str) or self._random.random() < 0.25:
            return body
        if name in LIKELY:
            return LIKELY[name]
        if name in CHOSEN:
            return body
        known = (
            self.here.seen.get((f"{name.removesuffix('_id')}s", "id"))
            if name.endswith("_id")
            else self.here.seen.get((f"{name}s", "code")) or self.here.seen.get(("", name))
        )
        return self._random.choice(known) if known else body

    def put(self, visitor: Visitor, case: Case, mode: GenerationMode) -> Response | None:
        """Send one request and judge the answer; ``None`` for what no client could send."""
        arguments = case.as_transport_kwargs(base_url="http://shop.test")
        try:
            prepared = requests.Request(
                **{
                    name: arguments.get(name)
                    for name in (
                        "method",
                        "url",
                        "headers",
                        "params",
                        "cookies",
                        "json",
                        "data",
                        "files",
                    )
                }
            ).prepare()
        except (ValueError, UnicodeError, requests.RequestException):
            return None
        answer = asyncio.run_coroutine_threadsafe(self._send(prepared, visitor), self._loop).result(
            60
        )
        self._judge(visitor, case, mode, answer)
        return Response.from_httpx(answer, verify=False)

    async def _send(self, prepared: requests.PreparedRequest, visitor: Visitor) -> httpx.Response:
        body = prepared.body.encode() if isinstance(prepared.body, str) else prepared.body
        headers = {
            name.lower(): value
            for name, value in prepared.headers.items()
            if name.lower() not in {"authorization", "cookie"}
        }
        shown = {name.lower(): value for name, value in visitor.headers.items()}
        client = self.here.shop.client
        client.cookies.clear()
        return await client.request(
            str(prepared.method), str(prepared.url), headers={**headers, **shown}, content=body
        )

    def _judge(
        self, visitor: Visitor, case: Case, mode: GenerationMode, answer: httpx.Response
    ) -> None:
        label = case.operation.label
        self.asked[label, mode.value, answer.status_code] += 1
        request = answer.request
        told = f"{visitor}: {request.method} {request.url} {request.content[:300]!r} -> {answer.status_code} {answer.text[:500]}"
        for mark in visitor.never:
            if mark in answer.text:
                self.found.setdefault(("what is somebody else's", label, visitor.name, mark), told)
        if answer.status_code < 300 and answer.headers.get("content-type", "").startswith(
            "application/json"
        ):
            parts = [part for part in case.operation.path.split("/") if not part.startswith("{")]
            self.here.note(answer.json(), parts[-1])
        try:
            case.validate_response(Response.from_httpx(answer, verify=False), checks=self._checks)
        except FailureGroup as group:
            for failure in group.exceptions:
                name = type(failure).__name__
                if name == "AcceptedNegativeData" and not (
                    mode is BAD and wrong_in_what_is_read(case)
                ):
                    continue
                self.found.setdefault((name, label, str(failure)[:200]), told)

    def labels(self) -> set[str]:
        """Operations that were asked at all."""
        return {label for label, _, _ in self.asked}

    def reached(self) -> set[str]:
        """Operations that did what they are for at least once."""
        return {label for label, mode, status in self.asked if mode == GOOD.value and status < 300}

    async def wander(self, visitor: Visitor, journeys: int, steps: int) -> None:
        """Have ``visitor`` follow links: what one answer names is what the next request asks about."""
        interface = self

        class Wandering(self.schema.as_state_machine()):  # type: ignore[misc]  # made at run time
            def call(self, case: Case, **_: Any) -> Response:
                if case.operation.label in PARTING:
                    reject()
                interface._name_what_is_there(case, often=0.3)
                answer = interface.put(visitor, case, GOOD)
                if answer is None:
                    reject()
                interface.wandered += 1
                return answer

            def validate_response(self, response: Response, case: Case, **_: Any) -> None:
                """``put`` has done it, and keeps what it finds for the report."""

        # The shop remembers, so that the same steps lead elsewhere the next time. Hypothesis takes that for a
        # machine that cannot make up its mind: each journey is a run of its own, and ends where it is noticed.
        chosen = settings(
            max_examples=_JOURNEY,
            stateful_step_count=steps,
            deadline=None,
            database=None,
            phases=[Phase.generate],
            suppress_health_check=list(HealthCheck),
        )

        def all_of_them() -> None:
            for number in range(journeys):
                journey = seed(self._salt * 1000 + number)(Wandering)
                with suppress(FlakyStrategyDefinition):
                    run_state_machine_as_test(journey, settings=chosen)

        await asyncio.to_thread(all_of_them)

    def report(self) -> str:
        """Everything that was found, to be read by who has to mend it."""
        return "\n\n".join(f"{' | '.join(key)}\n    {told}" for key, told in self.found.items())


def _turn(operation: APIOperation) -> tuple[int, int, str]:
    """What makes things comes before what reads and changes them, and what takes them away last."""
    method, depth = operation.method.upper(), operation.path.count("{")
    first = ("POST", "PUT", "GET", "PATCH", "DELETE").index(method)
    return (int(method == "DELETE"), depth, f"{first} {operation.path}")


def can_be_wrong(operation: APIOperation) -> bool:
    """Whether there is a body or a parameter of the query, or a path that is more than text."""
    raw = operation.definition.raw
    return "requestBody" in raw or any(
        parameter["in"] == "query" for parameter in raw.get("parameters", ())
    )


def wrong_in_what_is_read(case: Case) -> bool:
    """Whether a bad request is bad in its query or body: any header or path is text."""
    meta = case.meta
    if meta is None:
        return True
    parts = {part.value: bool(kind.mode is BAD) for part, kind in meta.components.items()}
    return any(bad for part, bad in parts.items() if part in {"query", "body"})
