"""The shop that is simulated: in this process, on a real database, asked over its own HTTP interface."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import random
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final, TypeVar
from uuid import UUID

import httpx

from commercekit.app import Shop, build_application, piccolo_apps
from commercekit.catalog import NewProduct, NewVariant, ProductStatus
from commercekit.cli.simulation.failures import Broken
from commercekit.identity import NewToken
from commercekit.kernel import Money, new_id
from commercekit.platform.db import audit, invariants_of
from commercekit.platform.failpoints import FailpointReached, watching
from commercekit.platform.providers import Breaker, ProviderCaller, Verb
from commercekit.platform.security import Principal

if TYPE_CHECKING:
    from commercekit.app import ShopConfiguration
    from commercekit.cli.simulation.diary import Diary, SimulatedClock

__all__ = ["GOODS", "Answer", "World"]

T = TypeVar("T")

GOODS: Final = (
    # SKU, price in minor units, pieces: some are dear, some are cheap, some are the last ones.
    ("POSTCARD", 333, 40),
    ("MUG", 4500, 12),
    ("SHIRT", 19_900, 6),
    ("LAMP", 6_999, 2),
    ("LAST", 12_345, 1),
)
_URL: Final = "http://shop.test"
_ROUNDS: Final = 40
_SERVER_ERROR: Final = 500
_PATIENT: Final = 10**9
"""The breaker works on real time, which stands still here: it must never open."""


class Answer:
    """What the shop said to one request."""

    def __init__(self, response: httpx.Response) -> None:
        self.status = response.status_code
        self.content = response.content
        self.headers = response.headers
        is_json = "json" in response.headers.get("content-type", "")
        self.body: Any = response.json() if is_json and response.content else None

    @property
    def ok(self) -> bool:
        """Whether it was done."""
        return self.status < httpx.codes.BAD_REQUEST

    def __str__(self) -> str:
        """The status, and the kind of problem if there was one."""
        if self.ok or not isinstance(self.body, dict):
            return str(self.status)
        return f"{self.status} {str(self.body.get('type', '')).rpartition('/')[2]}"


class _BadPost(httpx.AsyncBaseTransport):
    """Carries what vendors send to the shop, badly: lost, twice, or without bringing the answer back."""

    inner: httpx.ASGITransport

    def __init__(self, world: World) -> None:
        self._world = world

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        world = self._world
        if world.losses == 0 or world.dice.random() >= world.losses:
            return await self.inner.handle_async_request(request)
        fate = world.dice.choice(("lost", "doubled", "unanswered"))
        world.diary.say("post", f"a vendor's message is {fate}")
        if fate == "lost":
            raise httpx.ConnectError(fate, request=request)
        answer = await self.inner.handle_async_request(request)
        if fate == "doubled":
            return await self.inner.handle_async_request(request)
        await answer.aread()
        raise httpx.ReadTimeout(fate, request=request)


class _CrowdedCaller(ProviderCaller):
    """Lets somebody else act just before a provider is asked: the worst moment, every time."""

    def __init__(self, world: World) -> None:
        super().__init__(breaker=lambda: Breaker(limit=_PATIENT))
        self._world = world

    async def call(
        self, verb: Verb[T], provider: str, work: Callable[[], Awaitable[T]], **options: Any
    ) -> T:
        await self._world.interrupt(f"{verb.family}.{verb.name}")
        answer: T = await super().call(verb, provider, work, **options)
        return answer


class World:
    """The shop, its clock, its client, and the dice of the story."""

    def __init__(
        self,
        configuration: ShopConfiguration,
        dsn: str,
        dice: random.Random,
        diary: Diary,
        clock: SimulatedClock,
    ) -> None:
        self._post = _BadPost(self)
        self.shop = Shop(
            configuration,
            dsn,
            clock=clock,
            http=httpx.AsyncClient(transport=self._post),
            caller=_CrowdedCaller(self),
        )
        self._post.inner = httpx.ASGITransport(build_application(self.shop))
        self._invariants = invariants_of(piccolo_apps(configuration))
        self._staff = ""
        self.dice = dice
        self.diary = diary
        self.clock = clock
        self.interlude: Callable[[], Awaitable[None]] | None = None
        """What somebody else does while a provider is about to be asked."""
        self.interruptions = 0.0
        self.crashes = 0.0
        self.losses = 0.0
        """How likely each is, once there is an opportunity."""
        self._client: httpx.AsyncClient

    @contextlib.asynccontextmanager
    async def opened(self) -> AsyncIterator[World]:
        """Open the shop and put its goods on the shelf."""
        async with (
            self.shop.opened(),
            httpx.AsyncClient(transport=self._post.inner, base_url=_URL) as client,
        ):
            self._client = client
            operator = Principal(id="sim", scopes=frozenset({"*:*"}))
            token = NewToken(name="sim", scopes=operator.scopes)
            self._staff = (await self.shop.identity.create_token(operator, token)).secret
            for sku, price, pieces in GOODS:
                await self._sell(sku, price, pieces)
            await self.settle()
            yield self

    async def _sell(self, sku: str, price: int, pieces: int) -> None:
        await self.shop.catalog.create_product(
            NewProduct(
                slug=sku.lower(),
                name={"en": sku.title()},
                status=ProductStatus.ACTIVE,
                variants=(NewVariant(sku=sku, weight_grams=200),),
            )
        )
        market = await self.shop.markets.default()
        async with self.shop.db.unit_of_work() as uow:
            await self.shop.pricing.set_price(uow, market, sku, Money(price, market.currency))
            await self.shop.inventory.receive(uow, new_id(), sku, pieces)

    # ---------------------------------------------------------------------------- asking the shop

    async def ask(self, method: str, path: str, **request: Any) -> Answer:
        """One request; an answer that no client should ever get ends the story."""
        answer = Answer(await self._client.request(method, path, **request))
        if answer.status >= _SERVER_ERROR and not _is_planned(answer):
            message = f"{method} {_nameless(path)} answered {answer}: {answer.content[:500]!r}"
            raise Broken(message)
        return answer

    async def admin(self, method: str, path: str, **request: Any) -> Answer:
        """The same as staff who may do everything."""
        headers = {"Authorization": f"Bearer {self._staff}", **request.pop("headers", {})}
        return await self.ask(method, path, headers=headers, **request)

    async def pages(self, path: str) -> AsyncIterator[dict[str, Any]]:
        """Everything that staff find in a list, page by page."""
        cursor = ""
        while cursor is not None:
            page = await self.admin("GET", f"{path}?limit=100{cursor and f'&cursor={cursor}'}")
            for item in page.body["items"]:
                yield item
            cursor = page.body["next_cursor"]

    async def post(
        self,
        path: str,
        body: Any,
        *,
        headers: dict[str, str] | None = None,
        staff: bool = False,
        remembered: bool = True,
    ) -> Answer | None:
        """A repeatable POST. The shop may die on the way, and its answer may get lost.

        Then it is asked again with the same key, as good clients do, and must say what it said before,
        unless it answers anew each time (not ``remembered``).
        ``None`` when this client has given up: what was done, if anything, stays done.
        """
        key = UUID(int=self.dice.getrandbits(128), version=4).hex
        sent = {**(headers or {}), "Idempotency-Key": key}
        send = self.admin if staff else self.ask

        async def once() -> Answer:
            return await send("POST", path, json=body, headers=sent)

        if self.diary.depth == 0 and self.dice.random() < self.crashes:
            answer = await self._dying(once)
            if answer is not None:
                return answer
            if self.dice.random() < 0.2:
                self.diary.say("client", "gives up")
                return None
            answer = await once()
            self.diary.say("client", "asks again with the same key")
            return answer
        answer = await once()
        if answer.ok and self.dice.random() < 0.1:
            again = await once()
            self.diary.say("client", "loses the answer and asks again")
            if remembered and (again.status, again.content) != (answer.status, answer.content):
                message = f"the same key was answered {answer} and then {again}: {_nameless(path)}"
                raise Broken(message)
        return answer

    async def _dying(self, once: Callable[[], Awaitable[Answer]]) -> Answer | None:
        """Ask, and let the shop die at one of the next failpoints; the answer if it never got there."""
        fuse = self.dice.randint(1, 3)
        reached: list[str] = []

        def burn(name: str) -> None:
            nonlocal fuse
            fuse -= 1
            if fuse == 0:
                reached.append(name)
                raise FailpointReached(name)

        try:
            with watching(burn):
                answer = await once()
        except Broken:
            if not reached:
                raise
            self.diary.say("shop", f"dies at {reached[0]}")
            return None
        if reached:
            # It died where somebody else goes on without it, as the sender of a mail would.
            self.diary.say("shop", f"stumbles at {reached[0]}")
        return answer

    async def interrupt(self, where: str) -> None:
        """Before a provider is asked somebody else may act, to the end."""
        act = self.interlude
        if act is None or self.diary.depth or self.dice.random() >= self.interruptions:
            return
        self.diary.depth += 1
        self.diary.say("meanwhile", f"before {where}")
        try:
            with watching(lambda _: None):
                # Somebody else: not in this request, and not in its unit of work.
                task = asyncio.create_task(_run(act), context=contextvars.Context())
                await asyncio.wait([task])
        finally:
            self.diary.depth -= 1
        task.result()

    # --------------------------------------------------------------------------- time goes by

    async def pass_time(self, by: timedelta) -> None:
        """Let time pass, and let the shop do what is due by then."""
        self.clock.advance(by)
        await self.settle()

    async def settle(self) -> None:
        """Everything due: facts to consumers, jobs, questions to gateways, and what follows from it."""
        for _ in range(_ROUNDS):
            moved = await self.shop.bus.drain()
            swept = await self.shop.payments.sweep()
            done = await self.shop.jobs.run_due()
            if not moved and not swept and not done:
                return
        message = f"the shop does not come to rest within {_ROUNDS} rounds"
        raise Broken(message)

    async def audit(self) -> None:
        """Every invariant that ``commercekit doctor --invariants`` asks."""
        breaches = await audit(self.shop.db, self._invariants)
        if breaches:
            raise Broken("\n".join(str(breach) for breach in breaches))


async def _run(act: Callable[[], Awaitable[None]]) -> None:
    await act()


def _is_planned(answer: Answer) -> bool:
    """A 503 that says when to come again is an answer; the shop says it of a gateway that is silent."""
    return answer.status == httpx.codes.SERVICE_UNAVAILABLE and "retry-after" in answer.headers


def _nameless(path: str) -> str:
    """The path without what differs from run to run."""
    return "/".join(part if part.replace("-", "").isalpha() else "…" for part in path.split("/"))
