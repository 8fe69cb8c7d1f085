"""The gate in front of what costs something: counts, and turns away with 429."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from msgspec import Struct

from commercekit.platform.limits.addresses import Addresses
from commercekit.platform.limits.limiter import Limiter, Verdict
from commercekit.platform.limits.rules import Rule

__all__ = ["LimitGate", "RouteLimit", "RoutedRule"]

_App = Callable[[Any, Any, Any], Awaitable[None]]
_READS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
_MISSES: Final = frozenset({401, 403, 404})


class RouteLimit(Struct, frozen=True, kw_only=True):
    """What a plugin asks for: at most so many requests of one address to some of its routes."""

    name: str
    """Short, such as ``quotes``; the shop's settings know it as ``<code>-quotes``."""
    path: str
    """Below the plugin's own prefix, ``/quotes``; it counts for everything below that, too."""
    requests: int
    seconds: float = 60.0
    methods: frozenset[str] = frozenset()
    """Empty: all of them."""
    exact: bool = False
    """Count each with all other processes before it passes, whatever that costs."""

    def rule(self, code: str) -> Rule:
        """The rule, as the shop's settings name it."""
        return Rule(f"{code}-{self.name}", self.requests, self.seconds, exact=self.exact)


class RoutedRule(NamedTuple):
    """A rule of a plugin's own, for its routes below ``path``."""

    rule: Rule
    path: str
    """Such as ``/plugins/acme/quotes``."""
    methods: frozenset[str] = frozenset()
    """Empty: all of them."""


class LimitGate:
    """``app`` behind the limits. What is answered from memory stands in front and is not counted."""

    def __init__(
        self,
        app: _App,
        limiter: Limiter,
        rules: Mapping[str, Rule],
        addresses: Addresses,
        *,
        routed: Sequence[RoutedRule] = (),
        refuse: Callable[[str, int], Exception],
        count: Callable[[str], None] = lambda _rule: None,
    ) -> None:
        """``refuse`` makes the error from a sentence and the seconds to wait; ``count`` hears the rule."""
        self._app = app
        self._limiter = limiter
        self._addresses = addresses
        self._refuse = refuse
        self._count = count
        get = rules.get
        self._reads, self._writes = get("store-reads"), get("store-writes")
        self._carts, self._checkout = get("carts"), get("checkout")
        self._coupons = get("coupons") or self._carts
        self._order_misses = get("order-misses")
        self._staff, self._staff_misses = get("staff"), get("staff-misses")
        self._webhooks, self._plugins = get("webhooks"), get("plugins")
        # The longest path first, so that the closest rule is the one that counts.
        self._routed = sorted(
            (each for each in routed if each.rule.name in rules),
            key=lambda each: -len(each.path),
        )
        self._own = {each.rule.name: rules[each.rule.name] for each in self._routed}
        self._policies = {
            name: f'"{name}";q={rule.requests};w={max(1, round(rule.seconds))}'.encode()
            for name, rule in rules.items()
        }

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        """Serve one request, or raise what ``refuse`` makes."""
        rule, misses, subject = self._of(scope)
        if subject is None or (rule is None and misses is None):
            await self._app(scope, receive, send)
            return
        verdict = None
        if rule is not None:
            verdict = self._limiter.quick(rule, subject)
            if verdict is None:
                verdict = await self._limiter.ask(rule, subject)
            if not verdict.allowed:
                raise self._refused(verdict)
        if misses is None:
            await self._app(scope, receive, self._telling(send, verdict))
            return
        address = self._addresses.subject(scope)
        if address is None:
            await self._app(scope, receive, self._telling(send, verdict))
            return
        known = self._limiter.peek(misses, address)
        if known is not None:
            raise self._refused(known)
        await self._app(scope, receive, self._watching(send, misses, address, verdict))

    def _of(self, scope: Any) -> tuple[Rule | None, Rule | None, str | None]:
        """The rule for a request, the rule for its failing, and whom it is counted for."""
        path: str = scope["path"]
        if path.startswith("/store/"):
            return *self._of_store(path, scope["method"]), self._addresses.subject(scope)
        if path.startswith("/admin/"):
            token = next((v for n, v in scope["headers"] if n == b"authorization"), None)
            if token is not None and self._addresses.subject(scope) is not None:
                # The whole of it: who knows less than all of a token cannot use up what it may do.
                return self._staff, self._staff_misses, token[-512:].decode("latin-1")
            return self._staff, self._staff_misses, self._addresses.subject(scope)
        if path.startswith("/webhooks/"):
            return self._webhooks, None, self._addresses.subject(scope)
        if path.startswith("/plugins/"):
            subject = self._addresses.subject(scope)
            for each in self._routed:
                if _below(path, each.path) and (
                    not each.methods or scope["method"] in each.methods
                ):
                    return self._own[each.rule.name], None, subject
            return self._plugins, None, subject
        return None, None, None

    def _of_store(self, path: str, method: str) -> tuple[Rule | None, Rule | None]:
        misses = self._order_misses if path.startswith("/store/orders/") else None
        if method in _READS:
            return self._reads, misses
        if path.endswith("/checkout"):
            return self._checkout, None
        if path.startswith("/store/carts"):
            return self._coupons if path.endswith("/coupons") else self._carts, None
        return self._writes, misses

    def _refused(self, verdict: Verdict) -> Exception:
        self._count(verdict.rule.name)
        rule = verdict.rule
        message = (
            f"More than {rule.requests} requests in {rule.seconds:g} seconds ({rule.name}); "
            f"come back in {verdict.retry_after} seconds."
        )
        error = self._refuse(message, verdict.retry_after)
        error.headers = {  # type: ignore[attr-defined] # the web reads them from the error
            "RateLimit-Policy": self._policies[rule.name].decode(),
            "RateLimit": f'"{rule.name}";r=0;t={verdict.retry_after}',
        }
        return error

    def _telling(self, send: Any, verdict: Verdict | None) -> Any:
        """``send``, with the fields that tell where a visitor stands once that gets tight."""
        if verdict is None or verdict.left * 2 > verdict.rule.requests:
            return send
        name = verdict.rule.name
        fields = (
            (b"ratelimit-policy", self._policies[name]),
            (b"ratelimit", f'"{name}";r={verdict.left};t={max(0, round(verdict.reset))}'.encode()),
        )

        async def telling(message: Any) -> None:
            if message["type"] == "http.response.start":
                message = {**message, "headers": [*message.get("headers", ()), *fields]}
            await send(message)

        return telling

    def _watching(self, send: Any, misses: Rule, subject: str, verdict: Verdict | None) -> Any:
        """``send``, which counts an answer that says no, and says 429 in its place once those are many."""
        telling = self._telling(send, verdict)

        async def watching(message: Any) -> None:
            if message["type"] == "http.response.start" and message["status"] in _MISSES:
                missed = await self._limiter.ask(misses, subject)
                if not missed.allowed:
                    raise self._refused(missed)
            await telling(message)

        return watching


def _below(path: str, prefix: str) -> bool:
    return path == prefix or path.startswith(prefix.rstrip("/") + "/")
