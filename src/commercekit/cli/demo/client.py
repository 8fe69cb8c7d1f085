"""The shop over HTTP, as the demo sees it: an answer is what was expected, or the demo ends."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any, TypeVar
from uuid import uuid4

import httpx

from commercekit.cli.exits import Failed, NotReachable

__all__ = ["ShopClient", "StepFailed", "new_key"]

T = TypeVar("T")


class StepFailed(Failed):
    """A step of the demo did not hold; the sentence says which request and what came instead."""


class ShopClient:
    """One shopper, and the staff member who serves them."""

    def __init__(
        self,
        base_url: str,
        *,
        staff_token: str,
        lang: str,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self._staff = {"Authorization": f"Bearer {staff_token}"}
        self._http = httpx.Client(
            base_url=base_url,
            timeout=20.0,
            headers={"Accept-Language": lang},
            transport=transport,
        )

    def close(self) -> None:
        """Give the connections back."""
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        expect: int = 200,
        token: tuple[str, str] | None = None,
        key: str | None = None,
        staff: bool = False,
    ) -> Any:
        """The decoded answer; raises :class:`StepFailed` unless its status is ``expect``.

        ``key`` is the idempotency key; ``token`` the header and value of a cart or an order.
        """
        headers = dict([token] if token else []) | (self._staff if staff else {})
        if key is not None:
            headers["Idempotency-Key"] = key
        answer = self._send(method, path, headers=headers, json=body)
        if answer.status_code != expect:
            message = (
                f"{method} {path} answered {answer.status_code}, not {expect}: {_said(answer)}"
            )
            raise StepFailed(message)
        return answer.json() if answer.content else None

    def page(self, method: str, url: str, form: dict[str, str] | None = None) -> httpx.Response:
        """A page for people, as a browser would get it; redirects away from it are not followed."""
        answer = self._send(method, url, data=form)
        if method == "GET" and answer.has_redirect_location:  # a short link, as in codes to scan
            url = str(answer.url.join(answer.headers["Location"]))
            answer = self._send(method, url)
        if answer.status_code not in {200, 302, 303}:
            message = f"{method} {url} answered {answer.status_code}: {answer.text[:200]}"
            raise StepFailed(message)
        return answer

    def wait_for(
        self, what: str, look: Callable[[], T], good: Callable[[T], bool], *, seconds: float = 30.0
    ) -> T:
        """Look again and again until it is good; what the shop does later takes a moment."""
        until = time.monotonic() + seconds
        while True:
            seen = look()
            if good(seen):
                return seen
            if time.monotonic() > until:
                message = f"{what} did not happen within {seconds:g} s"
                raise StepFailed(message)
            time.sleep(0.2)

    def _send(self, method: str, url: str, **options: Any) -> httpx.Response:
        given = {name: value for name, value in options.items() if value is not None}
        try:
            return self._http.request(method, url, **given)
        except httpx.HTTPError as error:
            message = f"The shop does not answer at {self._http.base_url}: {error}"
            raise NotReachable(message) from error


def new_key() -> str:
    """An idempotency key nobody used before."""
    return f"demo-{uuid4()}"


def _said(answer: httpx.Response) -> str:
    try:
        problem = answer.json()
    except ValueError:
        return answer.text[:200]
    if not isinstance(problem, dict):
        return str(problem)[:200]
    errors = "; ".join(f"{e.get('pointer')}: {e.get('message')}" for e in problem.get("errors", []))
    return f"{problem.get('detail') or problem.get('title')} {errors}".strip()
