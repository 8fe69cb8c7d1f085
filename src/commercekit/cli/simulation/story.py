"""One story from a seed: who does what next, and whether the books are right after it."""

from __future__ import annotations

import random
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, TypeVar

from commercekit.cli.simulation.books import close_the_books
from commercekit.cli.simulation.cash import Cash
from commercekit.cli.simulation.claims import Claims
from commercekit.cli.simulation.diary import Diary, SimulatedClock
from commercekit.cli.simulation.edits import Edits
from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.returns import Returns
from commercekit.cli.simulation.shoppers import Shoppers
from commercekit.cli.simulation.staff import Staff
from commercekit.cli.simulation.world import World

if TYPE_CHECKING:
    from commercekit.app import ShopConfiguration

__all__ = ["Story"]

T = TypeVar("T")

_AUDIT_EVERY = 10
_PAUSES = (
    (6, timedelta(seconds=2)),
    (5, timedelta(seconds=40)),
    (4, timedelta(minutes=4)),
    (2, timedelta(minutes=16)),
    (1, timedelta(hours=3)),
)
"""How long nothing happens, and how often: most orders are to be paid before their time is over."""
_TRIES = 5


class Story:
    """Plays ``steps`` steps with the dice of ``seed``.

    Shoppers, staff, time and the gateway's lies all throw dice that the seed sets, and one thing
    happens after the other: the same seed with the same code writes the same lines, byte for byte.
    A shorter story is the beginning of a longer one, so the shortest that fails is found by its step.
    """

    def __init__(self, seed: int, steps: int, write: Callable[[str], None]) -> None:
        self.seed = seed
        self.steps = steps
        self._write = write
        self.reached = 0
        """The step it came to."""

    async def play(self, configuration: ShopConfiguration, dsn: str) -> None:
        """Play on an empty, migrated database.

        Raises :class:`~commercekit.cli.simulation.failures.Broken` where the shop was wrong.
        """
        before = random.getstate()
        # What the house itself spreads by chance, such as pauses between tries, is chance no more.
        random.seed(self.seed)
        try:
            await self._play(configuration, dsn)
        finally:
            random.setstate(before)

    async def _play(self, configuration: ShopConfiguration, dsn: str) -> None:
        dice = random.Random(self.seed)
        clock = SimulatedClock(datetime.now(UTC))
        diary = Diary(clock, self._write)
        async with World(configuration, dsn, dice, diary, clock).opened() as world:
            await _promote(world)
            shoppers = Shoppers(world)
            staff = Staff(world, shoppers)
            acts = _acts(world, shoppers, staff)
            world.interruptions, world.crashes, world.losses = 0.15, 0.08, 0.2
            world.interlude = lambda: _one_of(world, acts)
            try:
                for step in range(1, self.steps + 1):
                    self.reached = diary.step = step
                    await _one_of(world, acts)
                    if dice.random() < 0.6:
                        await world.settle()
                    if step % _AUDIT_EVERY == 0:
                        await world.audit()
                await close_the_books(world, staff)
            except Broken as error:
                diary.say("BROKEN", str(error))
                raise
            except Exception as error:
                # What nobody expected ends the story as well, and is found again by its seed.
                diary.say("BROKEN", type(error).__name__)
                message = f"{type(error).__name__}: {error}"
                raise Broken(message) from error


_Act = Callable[[], Awaitable[None]]


def _acts(world: World, shoppers: Shoppers, staff: Staff) -> list[tuple[int, _Act]]:
    """What may happen, and how often."""
    claims, returns = Claims(world, shoppers), Returns(world)
    edits, cash = Edits(world, shoppers), Cash(world)

    async def time_passes() -> None:
        if world.diary.depth:
            return
        pause = _drawn(world.dice, _PAUSES)
        world.diary.say("time", f"passes: {pause}")
        await world.pass_time(pause)

    return [
        (8, shoppers.fill_cart),
        (3, shoppers.change_cart),
        (7, shoppers.check_out),
        (7, shoppers.order_at_once),
        (14, shoppers.pay),
        (4, shoppers.pay_again),
        (4, shoppers.cancel),
        (6, claims.ask_back),
        (5, claims.send_back),
        (3, claims.post_parcel),
        (4, claims.withdraw),
        (8, staff.ship),
        (6, staff.move_parcel),
        (2, staff.call_back_parcel),
        (5, staff.treat_payment),
        (6, staff.decide),
        (7, returns.handle),
        (5, edits.edit),
        (3, cash.hand_in),
        (1, cash.take_back),
        (1, staff.cancel),
        (2, staff.mend_refunds),
        (3, staff.restock),
        (2, staff.reprice),
        (8, time_passes),
    ]


async def _one_of(world: World, acts: list[tuple[int, _Act]]) -> None:
    """One act; another one when there was nothing to act on."""
    said = world.diary.lines
    for _ in range(_TRIES):
        await _drawn(world.dice, acts)()
        if world.diary.lines > said:
            return


def _drawn(dice: random.Random, weighed: Sequence[tuple[int, T]]) -> T:
    (drawn,) = dice.choices([one for _, one in weighed], [weight for weight, _ in weighed])
    return drawn


async def _promote(world: World) -> None:
    """An odd discount for everybody, and a coupon: so that cents have to be shared."""
    currency = (await world.shop.markets.default()).currency
    save = {"amount": 777, "currency": currency}
    spend = {"amount": 20_000, "currency": currency}
    for body in (
        {
            "code": "odd",
            "name": {"en": "Odd"},
            "rule": "percentage-off",
            "config": {"basis_points": 777},
            "lane": 200,
        },
        {
            "code": "save",
            "name": {"en": "Save"},
            "rule": "spend-and-save",
            "config": {"tiers": [{"spend": spend, "save": save}]},
            "lane": 300,
            "coupons": ["SAVE"],
        },
    ):
        answer = await world.admin(
            "POST", "/admin/promotions", json=body, headers={"Idempotency-Key": str(body["code"])}
        )
        if not answer.ok:
            message = f"a promotion could not be set up: {answer}"
            raise Broken(message)
