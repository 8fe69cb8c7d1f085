"""What collectors have of the shop's money, and what they hand in."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from commercekit.kernel import Money, Page, PageRequest
from commercekit.payments.errors import HandInNotFound
from commercekit.payments.models import CashHeld, CashSum, HandIn, HandInWish
from commercekit.payments.service.hand_in import cancel_hand_in, record_hand_in
from commercekit.payments.service.keep_books import KeepBooks
from commercekit.platform.security import EVERYWHERE, narrowed_page

if TYPE_CHECKING:
    from commercekit.platform.security import Reach

__all__ = ["KeepCash"]


class KeepCash(KeepBooks):
    """From "the courier was paid" to "the shop has it": hand-ins, by slip."""

    async def cash_page(
        self,
        page: PageRequest,
        *,
        gateway: str | None = None,
        account: str | None = None,
        reference: str | None = None,
        reach: Reach = EVERYWHERE,
    ) -> Page[CashHeld]:
        """Payments that were collected and are not wholly handed in, oldest first."""

        async def read(limit: int, after: UUID | None) -> list[CashHeld]:
            return await self._desk.rows.cash_held(
                self._desk.db,
                limit=limit,
                after=after,
                gateway=gateway,
                account=account,
                reference=reference,
            )

        return await narrowed_page(page, read, reach, self._references)

    async def cash_sums(
        self, *, gateway: str | None = None, account: str | None = None
    ) -> list[CashSum]:
        """What is still with collectors, by account and currency, and since when."""
        return await self._desk.rows.cash_sums(self._desk.db, gateway=gateway, account=account)

    async def record_hand_in(
        self,
        hand_in_id: UUID,
        *,
        gateway: str,
        account: str = "default",
        slip: str,
        wanted: Sequence[HandInWish],
        amount: Money,
        fee: Money | None = None,
        actor: str,
        note: str = "",
        reach: Reach = EVERYWHERE,
    ) -> HandIn:
        """Book what a collector handed in for the payments that its slip names. Audited.

        ``amount`` and ``fee``, what the collector kept of it, are what the lines sum to. ``hand_in_id``
        is made before the work: repeating it books nothing twice. Raises
        :class:`~commercekit.payments.PaymentNotFound`, beyond ``reach`` too,
        :class:`~commercekit.payments.NotCollectable`, :class:`~commercekit.payments.MoreThanHeld`,
        :class:`~commercekit.payments.PaymentTwice`, :class:`~commercekit.payments.HandInDiffers`, and
        :class:`~commercekit.payments.SlipKnown` for a slip that was booked.
        """
        for wish in wanted if not reach.everything else ():
            await self.payment(wish.payment_id, reach=reach)
        return await record_hand_in(
            self._desk,
            hand_in_id,
            gateway=gateway,
            account=account,
            slip=slip,
            wanted=wanted,
            amount=amount,
            fee=fee or Money.zero(amount.currency),
            actor=actor,
            note=note,
        )

    async def cancel_hand_in(self, hand_in_id: UUID, *, actor: str, reason: str) -> HandIn:
        """Take a hand-in back that was booked wrongly; its slip may be booked again. Audited.

        Cancelling again changes nothing. Raises :class:`~commercekit.payments.HandInNotFound`.
        """
        return await cancel_hand_in(self._desk, hand_in_id, actor=actor, reason=reason)

    async def hand_in(self, hand_in_id: UUID) -> HandIn:
        """One hand-in, or :class:`~commercekit.payments.HandInNotFound`."""
        found = await self._desk.rows.hand_in(self._desk.db, hand_in_id)
        if found is None:
            raise HandInNotFound(hand_in_id)
        return found

    async def hand_in_page(
        self, page: PageRequest, *, gateway: str | None = None, account: str | None = None
    ) -> Page[HandIn]:
        """Hand-ins, newest first, cancelled ones too."""
        items = await self._desk.rows.hand_ins(
            self._desk.db,
            limit=page.limit + 1,
            before=None if page.after is None else UUID(page.after[0]),
            gateway=gateway,
            account=account,
        )
        more = len(items) > page.limit
        items = items[: page.limit]
        return Page(items=items, next_cursor=str(items[-1].id) if more else None)
