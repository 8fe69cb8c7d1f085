"""Setting promotions up, and trying them on a basket.

Each process keeps the promotions it last read, ready to evaluate, with the number of their edition. Every
evaluation first asks PostgreSQL for that number (one row, by far the cheapest query there is) and reads
anew when it changed: a committed change counts at once in every process, without a broadcast that could
get lost.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

from commercekit.errors import Conflict, FieldError, Forbidden
from commercekit.kernel import Page, PageRequest
from commercekit.platform.security import EVERYWHERE
from commercekit.promotions import repository
from commercekit.promotions.errors import (
    DuplicatePromotion,
    UnacceptablePromotion,
    UnknownPromotion,
)
from commercekit.promotions.events import PromotionChanged
from commercekit.promotions.models import (
    PricedBasket,
    Promotion,
    PromotionOutcome,
    RunningPromotion,
)
from commercekit.promotions.rules import (
    Book,
    RegisteredRule,
    RuleAsker,
    evaluate,
    open_book,
    taking_part,
)
from commercekit.promotions.service.runner import RuleRunner

if TYPE_CHECKING:
    from datetime import datetime

    from commercekit.kernel import Clock
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.providers import ProviderCaller
    from commercekit.platform.security import Reach

__all__ = ["Evaluator", "PromotionService"]


class Evaluator:
    """Tries promotions on a basket; pure, so it may be called as often as needed."""

    def __init__(self, book: Book, asker: RuleAsker) -> None:
        self._book = book
        self._asker = asker

    def __call__(self, basket: PricedBasket, *, explain: bool = False) -> PromotionOutcome:
        """What the promotions make of ``basket``."""
        return evaluate(self._book, basket, self._asker, explain=explain)

    def is_idle(self, market: str, coupons: Sequence[str], at: datetime) -> bool:
        """Whether no promotion takes part, whatever is in the basket, and no coupon waits for a word."""
        return not coupons and not taking_part(self._book, market, coupons, at)


class PromotionService:
    """The shop's promotions."""

    def __init__(
        self,
        db: Database,
        clock: Clock,
        rules: Iterable[RegisteredRule],
        *,
        caller: ProviderCaller | None = None,
    ) -> None:
        self._db = db
        self._clock = clock
        self._rules = {registered.rule.code: registered for registered in rules}
        self._runner = RuleRunner(caller)
        self._edition = -1
        self._book = Book()

    async def evaluate(self, basket: PricedBasket, *, explain: bool = False) -> PromotionOutcome:
        """What the shop's promotions make of ``basket`` at ``basket.now``.

        Never fails because of a promotion: a rule that misbehaves is left out. With ``explain`` the
        outcome also says of every promotion why it applied or did not.
        """
        return (await self.evaluator())(basket, explain=explain)

    async def evaluator(self) -> Evaluator:
        """:meth:`evaluate` with the promotions as they are now, for baskets that belong together.

        A quote looks at its basket before and after the freight is known; both times the same
        promotions must count, and asking once is enough.
        """
        return Evaluator(await self._current(), self._runner)

    async def applicable(self, now: datetime) -> list[Promotion]:
        """Promotions that are on at ``now`` and whose rule is there, in the order they are looked at."""
        return [p for p in (await self._current()).promotions if p.is_on(now)]

    async def running(self, now: datetime) -> list[RunningPromotion]:
        """What the storefront may announce: on at ``now``, and for everybody."""
        return [
            RunningPromotion(
                code=entry.promotion.code,
                name=entry.promotion.name,
                rule=entry.promotion.rule,
                description=self._runner.describe(entry),
                starts_at=entry.promotion.starts_at,
                ends_at=entry.promotion.ends_at,
                scope=entry.promotion.scope,
            )
            for entry in (await self._current()).entries
            if entry.promotion.is_on(now) and not entry.promotion.coupons
        ]

    def rules(self) -> list[RegisteredRule]:
        """The kinds of promotions that staff may set up, by code."""
        return [self._rules[code] for code in sorted(self._rules)]

    async def create(
        self, uow: UnitOfWork, promotion: Promotion, *, reach: Reach = EVERYWHERE
    ) -> Promotion:
        """A new promotion, at work as soon as the caller's transaction commits.

        Raises :class:`UnacceptablePromotion` naming what its rule does not accept, and
        :class:`DuplicatePromotion` for a taken code, and :class:`~commercekit.errors.Forbidden` for one
        that would count beyond ``reach``. The same id again gives what is there.
        """
        if not _is_within(promotion, reach):
            raise _beyond()
        checked = self._checked(promotion)
        if not await repository.add(uow, checked):
            existing = await repository.find(uow, promotion.code)
            if existing is not None and existing.id == promotion.id:
                return existing
            message = f"There is a promotion {promotion.code} already."
            raise DuplicatePromotion(message)
        uow.publish(PromotionChanged(promotion_id=checked.id, code=checked.code))
        return await self._known(uow, checked.code)

    async def created(self, promotion: Promotion, *, reach: Reach = EVERYWHERE) -> Promotion:
        """:meth:`create` in a transaction of its own."""
        return await self._db.run(lambda uow: self.create(uow, promotion, reach=reach))

    async def change(
        self, promotion: Promotion, *, expected: int, reach: Reach = EVERYWHERE
    ) -> Promotion:
        """Replace a promotion that is still at version ``expected``; its code stays.

        It stays within ``reach``, too: one that would count beyond it is refused.
        """
        checked = self._checked(promotion)
        async with self._db.unit_of_work() as uow:
            current = await self._known(uow, promotion.code, reach)
            if not _is_within(promotion, reach):
                raise _beyond()
            checked = msgspec.structs.replace(checked, id=current.id)
            if not await repository.change(uow, checked, expected):
                message = f"The promotion {promotion.code} was changed by somebody else."
                raise Conflict(message)
            uow.publish(PromotionChanged(promotion_id=current.id, code=current.code))
            return await self._known(uow, promotion.code)

    async def delete(self, code: str, *, expected: int, reach: Reach = EVERYWHERE) -> None:
        """Remove a promotion; orders keep what it gave them."""
        async with self._db.unit_of_work() as uow:
            current = await self._known(uow, code, reach)
            if not await repository.delete(uow, current.id, expected):
                message = f"The promotion {code} was changed by somebody else."
                raise Conflict(message)
            uow.publish(PromotionChanged(promotion_id=current.id, code=code, deleted=True))

    async def made_of(self, rules: Collection[str]) -> list[str]:
        """Codes of the promotions whose rule is one of ``rules``, in use or not."""
        return await repository.made_of(self._db, rules)

    async def promotion(self, code: str, *, reach: Reach = EVERYWHERE) -> Promotion:
        """The promotion with this code. Raises :class:`UnknownPromotion`, beyond ``reach`` too."""
        return await self._known(self._db, code, reach)

    async def promotions(self, page: PageRequest, *, reach: Reach = EVERYWHERE) -> Page[Promotion]:
        """Promotions within ``reach`` by code; the cursor is the last code."""
        after = page.after[0] if page.after else ""
        rows = await repository.listed(self._db, after, page.limit + 1, reach.market_codes)
        shown = rows[: page.limit]
        return Page(shown, shown[-1].code if len(rows) > page.limit else None)

    async def _current(self) -> Book:
        if await repository.edition(self._db) != self._edition:
            number, promotions = await repository.read_all(self._db)
            # Both in one step: a slower reader may bring an older book back, but never under a newer
            # number, so the next evaluation reads again.
            self._book = open_book(promotions, self._rules)
            self._edition = number
        return self._book

    def _checked(self, promotion: Promotion) -> Promotion:
        """The promotion with its settings as its rule understands them, defaults written out."""
        errors: list[FieldError] = []
        config = promotion.config
        registered = self._rules.get(promotion.rule)
        if registered is None:
            known = ", ".join(sorted(self._rules)) or "none"
            errors.append(
                FieldError("/rule", "unknown-rule", f"No plugin brings it; there are: {known}.")
            )
        else:
            try:
                decoded: Any = msgspec.json.decode(config, type=registered.rule.config_type)
            except msgspec.MsgspecError as error:
                errors.append(_config_error(error))
            else:
                config = msgspec.Raw(msgspec.json.encode(decoded))
        if (
            promotion.starts_at is not None
            and promotion.ends_at is not None
            and promotion.starts_at >= promotion.ends_at
        ):
            errors.append(FieldError("/ends_at", "not-after-start", "It must end after it starts."))
        if errors:
            message = f"The promotion {promotion.code} is not acceptable: {errors[0].message}"
            raise UnacceptablePromotion(message, errors=tuple(errors))
        coupons = tuple(dict.fromkeys(promotion.coupons))
        return msgspec.structs.replace(promotion, config=config, coupons=coupons)

    @staticmethod
    async def _known(db: repository.Source, code: str, reach: Reach = EVERYWHERE) -> Promotion:
        found = await repository.find(db, code)
        if found is None or not _is_within(found, reach):
            message = f"There is no promotion {code}."
            raise UnknownPromotion(message)
        return found


def _is_within(promotion: Promotion, reach: Reach) -> bool:
    """Whether it counts nowhere but where ``reach`` goes; as :func:`repository.listed` has it in SQL."""
    markets = promotion.scope.markets
    return reach.everything or (bool(markets) and all(reach.has_market(code) for code in markets))


def _beyond() -> Forbidden:
    message = "Name the markets in scope.markets, and none beyond the limit that you have."
    return Forbidden(message)


def _config_error(error: msgspec.MsgspecError) -> FieldError:
    """What the rule's settings type says, with a pointer into the body that staff sent."""
    sentence, _, path = str(error).partition(" - at `$")
    pointer = path.rstrip("`").replace("[", "/").replace("]", "").replace(".", "/")
    return FieldError(f"/config{pointer}", "invalid", sentence)
