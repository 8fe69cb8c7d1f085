"""The vendor as a whole: who may ask, what a key was used for, the page, and the postman's list."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Final
from urllib.parse import quote

import httpx
import msgspec

from commercekit.testing.vendors import Delivery, FakeVendor
from commercekit_payment_stripe.fake.api import Api
from commercekit_payment_stripe.fake.books import Books, Kept, Session, Way
from commercekit_payment_stripe.fake.dashboard import act, dashboard_page
from commercekit_payment_stripe.fake.moves import Moves
from commercekit_payment_stripe.fake.page import HEADERS, language_of, message_page, payment_page
from commercekit_payment_stripe.fake.params import Params, Refused
from commercekit_payment_stripe.fake.reading import Reading
from commercekit_payment_stripe.signing import HEADER, signature_header

__all__ = ["FakeStripe", "Way"]

_VERSION: Final = re.compile(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?")
_KEYS_KEPT: Final = 86_400
_FIRST_RETRY: Final = 10
_THREE_DAYS: Final = 3 * 86_400


class FakeStripe(FakeVendor):
    """Plays one account in test mode.

    ``secrets`` sign the webhooks, the newest first: while one is rolled there are two. What happens "a
    while later" (a slow bank, a refund that comes back) happens ``settle`` seconds later.
    """

    def __init__(
        self,
        *,
        now: Callable[[], datetime],
        api_key: str,
        publishable_key: str,
        secrets: Sequence[str],
        address: str = "http://127.0.0.1:8813",
        webhook: str = "http://127.0.0.1:8000/webhooks/payments/stripe/default",
        settle: int = 10,
    ) -> None:
        self.secrets = list(secrets)
        self._now = now
        self._api_key = api_key
        self._publishable_key = publishable_key
        self._address = address
        self._webhook = webhook
        self._settle = settle
        self._open(Books())

    def _open(self, books: Books) -> None:
        self.kept = books
        self.moves = Moves(books, self._address, self._seconds, self._settle)
        self._api = Api(self.moves, self._seconds)
        self._reading = Reading(self.moves, self._seconds)

    # ---------------------------------------------------------------------------- what a server needs

    def answer(self, request: httpx.Request) -> httpx.Response:
        """The interface below ``/v1``, the page below ``/c/pay``, a little dashboard at ``/``."""
        self.moves.tick()
        path = request.url.path.strip("/").split("/")
        if path[0] == "v1":
            return self._answer_api(request, path[1:])
        if path[:2] == ["c", "pay"] and len(path) == 3:
            return self._answer_page(request, path[2])
        return self._answer_dashboard(request, path)

    def settings(self) -> str:
        """An account that fits, and a way to pay by it."""
        return f"""\
[payments.methods.stripe]
gateway = "stripe"
label = {{ en = "Card (Stripe, played on this machine)", zh = "银行卡（Stripe 本机模拟）" }}

[payments.accounts.stripe.default]
api_key = "{self._api_key}"
publishable_key = "{self._publishable_key}"
webhook_secret = "{self.secrets[0]}"
endpoint = "{self._address}"
"""

    def due(self) -> Sequence[Delivery]:
        """Every event that was not taken in yet, and whose time has come."""
        self.moves.tick()
        now = self._seconds()
        return [
            Delivery(event.id, self.told(event.body))
            for event in self.kept.events.values()
            if event.due is not None and event.due <= now
        ]

    def delivered(self, key: str, answer: httpx.Response | None) -> None:
        """Any 2xx will do; else again, each time twice as late, for three days."""
        event = self.kept.events[key]
        event.attempts += 1
        wait = _FIRST_RETRY * 2 ** (event.attempts - 1)
        taken = answer is not None and answer.is_success
        over = self._seconds() + wait > event.created + _THREE_DAYS
        event.due = None if taken or over else self._seconds() + wait

    def remember(self) -> bytes:
        """The books."""
        return msgspec.json.encode(self.kept)

    def recall(self, books: bytes) -> None:
        """Go on with them."""
        self._open(msgspec.json.decode(books, type=Books))

    # -------------------------------------------------------------------------------- for tests

    def told(self, body: bytes) -> httpx.Request:
        """A webhook with this body, signed now with every secret there is."""
        header = signature_header(self.secrets, self._seconds(), body)
        return httpx.Request(
            "POST",
            self._webhook,
            headers={
                "content-type": "application/json; charset=utf-8",
                "user-agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
                HEADER: header,
            },
            content=body,
        )

    # ------------------------------------------------------------------------------- the interface

    def _answer_api(self, request: httpx.Request, path: list[str]) -> httpx.Response:
        try:
            self._check(request, path)
            if request.method == "GET":
                return _json(200, self._reading.get(path, Params.read(request.url.query.decode())))
            if request.method == "POST":
                return self._post(request, path)
            message = f"Unrecognized request URL ({request.method}: {request.url.path})."
            raise Refused(404, message)
        except Refused as refused:
            return _json(refused.status, refused.body)

    def _check(self, request: httpx.Request, path: list[str]) -> None:
        key = request.headers.get("authorization", "").removeprefix("Bearer ")
        # In a browser the publishable key may confirm, with the client secret.
        confirms = path[-1:] == ["confirm"] and key == self._publishable_key
        if key != self._api_key and not confirms:
            shown = f"{key[:8]}{'*' * 8}{key[-4:]}" if len(key) > 20 else ""
            raise Refused(401, f"Invalid API Key provided: {shown}")
        version = request.headers.get("stripe-version")
        if version is not None and not _VERSION.fullmatch(version):
            raise Refused(400, f"Invalid Stripe API version: {version[:40]}")

    def _post(self, request: httpx.Request, path: list[str]) -> httpx.Response:
        """Once for each key: the first answer is kept, a 500 too, and given again for a day."""
        key, now = request.headers.get("idempotency-key", ""), self._seconds()
        if len(key) > 255:
            raise Refused(400, "Idempotency keys are at most 255 characters.")
        asked = f"{request.url.path}?{request.content.decode('utf-8', 'replace')}"
        kept = self.kept.keys.get(key) if key else None
        if kept is not None and now - kept.at <= _KEYS_KEPT:
            if kept.asked != asked:
                message = (
                    f"Keys for idempotent requests can only be used with the same parameters they"
                    f" were first used with. Try using a key other than '{key}'."
                )
                raise Refused(400, message, kind="idempotency_error")
            headers = {"idempotent-replayed": "true", "idempotency-key": key}
            return _json(kept.status, kept.body, headers)
        try:
            status, body = 200, msgspec.json.encode(self._api.post(path, self._form(request)))
        except Refused as refused:
            if not refused.begun:
                raise
            status, body = refused.status, msgspec.json.encode(refused.body)
        if key:
            self.kept.keys[key] = Kept(asked=asked, at=now, status=status, body=body)
        return _json(status, body, {"idempotency-key": key} if key else {})

    def _form(self, request: httpx.Request) -> Params:
        try:
            return Params.read(request.content.decode())
        except UnicodeDecodeError:
            raise Refused(400, "Invalid request: the form is not UTF-8.") from None

    # ------------------------------------------------------------------------------------- the page

    def _answer_page(self, request: httpx.Request, key: str) -> httpx.Response:
        session = self.kept.sessions.get(key)
        if session is None:
            return _html(404, message_page("missing", None))
        if session.status != "open":
            paid = session.status == "complete"
            return _html(200 if paid else 410, message_page("done" if paid else "over", session))
        if request.method != "POST":
            return _html(200, payment_page(session, declined=False))
        said = Params.read(request.content.decode("utf-8", "replace"))
        action, way = said.text("action"), said.text("way") or Way.CARD
        if action == "decline":
            way = Way.DECLINED
        if action not in ("pay", "decline") or way not in set(Way):
            return _html(400, payment_page(session, declined=False))
        if not self.moves.pay_session(session, Way(way)):
            return _html(402, payment_page(session, declined=True))
        return httpx.Response(303, headers={"location": self._back(session)})

    def _answer_dashboard(self, request: httpx.Request, path: list[str]) -> httpx.Response:
        charge = self.kept.charges.get("/".join(path))
        language = language_of(request.headers.get("accept-language", ""))
        if request.method == "GET" and path == [""]:
            return _html(200, dashboard_page(self.kept, language))
        if request.method != "POST" or charge is None:
            return _html(404, message_page("missing", None))
        action = Params.read(request.content.decode("utf-8", "replace")).text("action") or ""
        done = act(self.moves, charge, action, self._seconds())
        if not done:
            return _html(409, dashboard_page(self.kept, language))
        return httpx.Response(303, headers={"location": f"{self._address}/"})

    def _back(self, session: Session) -> str:
        return session.success_url.replace("{CHECKOUT_SESSION_ID}", quote(session.id))

    def _seconds(self) -> int:
        return int(self._now().timestamp())


def _json(
    status: int, said: Mapping[str, object] | bytes, headers: dict[str, str] | None = None
) -> httpx.Response:
    body = said if isinstance(said, bytes) else msgspec.json.encode(said)
    return httpx.Response(
        status, headers={"content-type": "application/json", **(headers or {})}, content=body
    )


def _html(status: int, page: str) -> httpx.Response:
    return httpx.Response(status, headers=HEADERS, content=page.encode())
