"""Use cases of customers: address books, segments, and who they are for staff."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from commercekit.customers.errors import (
    AddressNotFound,
    SegmentExists,
    SegmentNotFound,
    TooManyAddresses,
)
from commercekit.customers.models import (
    MAX_ADDRESSES,
    BookedAddress,
    Customer,
    Segment,
)
from commercekit.customers.repository import CustomerRepository
from commercekit.customers.rules import masked, masked_email
from commercekit.identity import Account, AccountNotFound, PersonalRecords, Realm
from commercekit.kernel import new_id
from commercekit.platform.security import EVERYWHERE, AuditEntry

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    from commercekit.identity import IdentityService
    from commercekit.kernel import Address, Clock, PageRequest, Translations
    from commercekit.platform.db import Database, UnitOfWork
    from commercekit.platform.security import Principal, Reach, Sealer

__all__ = ["CustomerService"]


class CustomerService(PersonalRecords):
    """Customers of one shop; also what it keeps about each of them."""

    name = "customers"

    def __init__(
        self, db: Database, clock: Clock, sealer: Sealer, identity: IdentityService
    ) -> None:
        self._db = db
        self._clock = clock
        self._identity = identity
        self._repository = CustomerRepository(db, sealer)

    # ---------------------------------------------------------------------------- address books

    async def addresses(self, customer_id: UUID) -> list[BookedAddress]:
        """The customer's book, the first choice first."""
        return await self._repository.addresses(self._db, customer_id)

    async def add_address(
        self, customer_id: UUID, address: Address, *, is_default: bool = False
    ) -> BookedAddress:
        """Write an address into the book; the first one is the first choice.

        Raises :class:`~commercekit.customers.errors.TooManyAddresses`.
        """
        async with self._db.unit_of_work() as uow:
            book = await self._locked(uow, customer_id)
            if len(book) >= MAX_ADDRESSES:
                message = f"An address book has at most {MAX_ADDRESSES}; remove one first."
                raise TooManyAddresses(message)
            booked = BookedAddress(id=new_id(), address=address, is_default=is_default or not book)
            await self._put(uow, customer_id, booked)
        return booked

    async def change_address(
        self, customer_id: UUID, address_id: UUID, address: Address, *, is_default: bool
    ) -> BookedAddress:
        """Replace an address. The first choice stays it until another becomes it.

        Raises :class:`~commercekit.customers.errors.AddressNotFound`, for somebody else's too.
        """
        async with self._db.unit_of_work() as uow:
            known = _one_of(await self._locked(uow, customer_id), address_id)
            booked = BookedAddress(
                id=address_id, address=address, is_default=is_default or known.is_default
            )
            await self._put(uow, customer_id, booked)
        return booked

    async def remove_address(self, customer_id: UUID, address_id: UUID) -> None:
        """Take an address out of the book; if it was the first choice, the latest becomes it."""
        async with self._db.unit_of_work() as uow:
            _one_of(await self._locked(uow, customer_id), address_id)
            await self._repository.delete_address(uow, customer_id, address_id)
            await self._repository.choose_latest(uow, customer_id)

    # --------------------------------------------------------------------------------- segments

    async def segments(self, *, reach: Reach = EVERYWHERE) -> list[Segment]:
        """Segments within ``reach``, by code."""
        found = await self._repository.segments()
        return [each for each in found if reach.has_segment(each.code)]

    async def segment(self, code: str, *, reach: Reach = EVERYWHERE) -> Segment:
        """One segment; raises :class:`~commercekit.customers.errors.SegmentNotFound`, beyond ``reach`` too."""
        segment = await self._repository.segment(code)
        if segment is None or not reach.has_segment(code):
            message = "There is no such segment."
            raise SegmentNotFound(message)
        return segment

    async def add_segment(
        self, actor: Principal, code: str, name: Translations, *, request_id: str = ""
    ) -> Segment:
        """Another segment; raises :class:`~commercekit.customers.errors.SegmentExists`."""
        segment = Segment(
            id=new_id(), code=code, name=name, created_at=self._clock.now(), version=1
        )
        async with self._db.unit_of_work() as uow:
            if not await self._repository.insert_segment(uow, segment):
                message = "Another segment has this code."
                raise SegmentExists(message)
            await self._note(uow, actor, "segments:create", f"segment/{code}", request_id)
        return segment

    async def remove_segment(self, actor: Principal, code: str, *, request_id: str = "") -> None:
        """Forget a segment and who was in it; prices and promotions that name it hold for nobody."""
        segment = await self.segment(code)
        async with self._db.unit_of_work() as uow:
            await self._repository.delete_segment(uow, segment.id)
            await self._note(uow, actor, "segments:delete", f"segment/{code}", request_id)

    async def put_in(
        self, uow: UnitOfWork, code: str, customers: Sequence[UUID], *, source: str
    ) -> None:
        """Put customers into a segment, as ``source`` found; who is in it stays in it."""
        segment = await self.segment(code)
        await self._repository.join(uow, segment.id, customers, source, self._clock.now())

    async def take_out(self, uow: UnitOfWork, code: str, customers: Sequence[UUID]) -> None:
        """Take customers out of a segment."""
        segment = await self.segment(code)
        await self._repository.leave(uow, segment.id, customers)

    async def set_member(
        self,
        actor: Principal,
        code: str,
        customer_id: UUID,
        *,
        member: bool,
        request_id: str = "",
        reach: Reach = EVERYWHERE,
    ) -> None:
        """Put one customer in or take one out, as staff decided; raises where there is no such one.

        Whoever is limited to segments does it in those, with customers whose id they were given; a segment
        beyond ``reach`` is none.
        """
        await self.segment(code, reach=reach)
        await self._identity.accounts.get(customer_id, Realm.CUSTOMER)
        async with self._db.unit_of_work() as uow:
            if member:
                await self.put_in(uow, code, [customer_id], source="staff")
            else:
                await self.take_out(uow, code, [customer_id])
            action = "segments:join" if member else "segments:leave"
            await self._note(uow, actor, action, f"account/{customer_id}", request_id, segment=code)

    async def members(
        self, code: str, page: PageRequest, *, reach: Reach = EVERYWHERE
    ) -> tuple[list[UUID], tuple[str, ...] | None]:
        """Who is in a segment, and the place to go on from."""
        segment = await self.segment(code, reach=reach)
        found = await self._repository.members(segment.id, page)
        more = len(found) > page.limit
        found = found[: page.limit]
        return found, (str(found[-1]),) if more else None

    async def segments_of(self, customer_id: UUID) -> tuple[str, ...]:
        """The codes of the segments a customer is in."""
        return (await self._repository.segments_of([customer_id])).get(customer_id, ())

    # ---------------------------------------------------------------------------- for the staff

    async def customers(
        self, page: PageRequest, *, email: str | None = None, reach: Reach = EVERYWHERE
    ) -> tuple[list[Customer], tuple[str, ...] | None]:
        """Customers within ``reach``, newest first, masked; with ``email`` the one who has this address."""
        after: tuple[str, ...] | None = None
        accounts = self._identity.accounts
        if email is not None:
            one = await accounts.find(Realm.CUSTOMER, email)
            found = [] if one is None else [one]
        elif reach.everything:
            found, after = await accounts.list_customers(page)
        else:
            ids = await self._repository.in_segments(sorted(reach.segments), page)
            more = len(ids) > page.limit
            ids = ids[: page.limit]
            found = await accounts.several(ids, Realm.CUSTOMER)
            after = (str(ids[-1]),) if more else None
        segments = await self._repository.segments_of([each.id for each in found])
        seen = [_masked(each, segments) for each in found]
        return [each for each in seen if reach.has_segment(*each.segments)], after

    async def customer(self, customer_id: UUID, *, reach: Reach = EVERYWHERE) -> Customer:
        """One customer, masked; one beyond ``reach`` looks like none at all."""
        account = await self._identity.accounts.get(customer_id, Realm.CUSTOMER)
        customer = _masked(account, await self._repository.segments_of([customer_id]))
        if not reach.has_segment(*customer.segments):
            message = "There is no such account."
            raise AccountNotFound(message)
        return customer

    async def unmask(
        self,
        actor: Principal,
        customer_id: UUID,
        reason: str,
        *,
        request_id: str = "",
        reach: Reach = EVERYWHERE,
    ) -> tuple[Account, list[BookedAddress]]:
        """Who a customer is, for somebody who says why; that they looked is written down first."""
        await self.customer(customer_id, reach=reach)
        account = await self._identity.accounts.get(customer_id, Realm.CUSTOMER)
        async with self._db.unit_of_work() as uow:
            await self._note(
                uow, actor, "customers:unmask", f"account/{customer_id}", request_id, reason=reason
            )
        return account, await self.addresses(customer_id)

    # ------------------------------------------------------------------------ about one person

    async def export(self, account: Account) -> Any:
        """The address book and the segments, for their owner."""
        return {
            "addresses": await self.addresses(account.id),
            "segments": await self.segments_of(account.id),
        }

    async def erase(self, uow: UnitOfWork, account: Account) -> None:
        """Forget the address book and the segments, with the account."""
        await self._repository.erase(uow, account.id)

    async def _locked(self, uow: UnitOfWork, customer_id: UUID) -> list[BookedAddress]:
        """The book; nobody else writes in it until ``uow`` is over."""
        await uow.lock(f"addresses-of:{customer_id}")
        return await self._repository.addresses(uow, customer_id)

    async def _put(self, uow: UnitOfWork, customer_id: UUID, booked: BookedAddress) -> None:
        if booked.is_default:
            await self._repository.no_first_choice(uow, customer_id)
        await self._repository.put_address(uow, customer_id, booked, self._clock.now())

    async def _note(
        self,
        uow: UnitOfWork,
        actor: Principal,
        action: str,
        subject: str,
        request_id: str,
        *,
        reason: str = "",
        **details: str,
    ) -> None:
        entry = AuditEntry(
            actor=actor.id,
            action=action,
            subject=subject,
            reason=reason,
            request_id=request_id,
            details=details,
        )
        await self._identity.record(uow, entry)


def _one_of(book: Sequence[BookedAddress], address_id: UUID) -> BookedAddress:
    for booked in book:
        if booked.id == address_id:
            return booked
    message = "There is no such address."
    raise AddressNotFound(message)


def _masked(account: Account, segments: Mapping[UUID, tuple[str, ...]]) -> Customer:
    return Customer(
        id=account.id,
        email=masked_email(account.email),
        name=None if account.name is None else masked(account.name),
        is_email_proven=account.email_proven_at is not None,
        locale=account.locale,
        segments=segments.get(account.id, ()),
        created_at=account.created_at,
        disabled_at=account.disabled_at,
    )
