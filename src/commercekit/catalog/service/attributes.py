"""Use cases of attribute definitions, of the schedule, and reading the history."""

from __future__ import annotations

import logging
from datetime import timedelta
from uuid import UUID

import msgspec
from msgspec import UNSET

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import (
    AttributeInUse,
    AttributeNotFound,
    AttributeTaken,
    ProductRefused,
    StaleVersion,
)
from commercekit.catalog.events import AttributeChanged, ProductPublished, ProductUnpublished
from commercekit.catalog.models import (
    Attribute,
    AttributeChange,
    AttributeKind,
    NewAttribute,
    ProductHistoryEntry,
    ProductStatus,
)
from commercekit.catalog.service.products import ProductUseCases
from commercekit.catalog.service.saving import as_wanted, save
from commercekit.errors import FieldError, Refused
from commercekit.kernel import new_id
from commercekit.platform.db import UnitOfWork
from commercekit.platform.jobs import JobContext, JobKind, Schedule

__all__ = ["SCHEDULED", "AttributeUseCases"]

SCHEDULED = "catalog.scheduled-products"

_log = logging.getLogger("commercekit.catalog")


class AttributeUseCases(ProductUseCases):
    """Define attributes; let products appear and disappear; tell who changed what."""

    async def attributes(
        self, *, product_type: str | None = None, after: UUID | None = None, limit: int = 100
    ) -> list[Attribute]:
        """Definitions, newest first."""
        return await repository.attributes.page(self._db, product_type, after, limit)

    async def attribute(self, attribute_id: UUID) -> Attribute:
        """The definition of that id; ``AttributeNotFound`` otherwise."""
        found = await repository.attributes.one(self._db, attribute_id)
        if found is None:
            raise AttributeNotFound(attribute_id=str(attribute_id))
        return found

    async def define_attribute(self, new: NewAttribute) -> Attribute:
        """Define one; ``AttributeTaken`` when the type has one of that code."""
        return await self._db.run(lambda uow: self.define_attribute_in(uow, new))

    async def define_attribute_in(self, uow: UnitOfWork, new: NewAttribute) -> Attribute:
        """Define one inside the caller's unit of work."""
        now = uow.clock.now()
        fields = msgspec.structs.asdict(new)
        attribute = Attribute(
            **{**fields, "name": rules.clean_texts(new.name)},
            id=new_id(),
            version=1,
            created_at=now,
            updated_at=now,
        )
        _check(attribute)
        if not await repository.attributes.add(uow, attribute):
            message = f"Products of type {new.product_type!r} have {new.code!r} already."
            raise AttributeTaken(message)
        _tell(uow, attribute)
        return attribute

    async def change_attribute(
        self, attribute_id: UUID, change: AttributeChange, *, expected_version: int | None = None
    ) -> Attribute:
        """Change a definition; ``AttributeInUse`` when a choice that products have would go."""

        async def work(uow: UnitOfWork) -> Attribute:
            current = await self.attribute(attribute_id)
            given = {
                field: value
                for field in change.__struct_fields__
                if (value := getattr(change, field)) is not UNSET
            }
            wanted = msgspec.structs.replace(current, **given, updated_at=uow.clock.now())
            _check(wanted)
            gone = {c.code for c in current.choices} - {c.code for c in wanted.choices}
            if gone & await repository.attributes.in_use(self._db, current):
                message = "Products have a choice that would go."
                raise AttributeInUse(message)
            if not await repository.attributes.write(uow, wanted, expected=expected_version):
                raise StaleVersion
            _tell(uow, wanted)
            return await self.attribute(attribute_id)

        return await self._db.run(work)

    async def forget_attribute(
        self, attribute_id: UUID, *, expected_version: int | None = None
    ) -> None:
        """Remove a definition that no product has a value of; ``AttributeInUse`` otherwise."""

        async def work(uow: UnitOfWork) -> None:
            current = await self.attribute(attribute_id)
            if expected_version is not None and current.version != expected_version:
                raise StaleVersion
            if await repository.attributes.in_use(self._db, current):
                message = f"Products have values of {current.code!r}."
                raise AttributeInUse(message)
            await repository.attributes.delete(uow, attribute_id)
            _tell(uow, current)

        await self._db.run(work)

    async def history(
        self, product_id: UUID, *, after: UUID | None = None, limit: int = 20
    ) -> list[ProductHistoryEntry]:
        """Who changed what of a product, newest first; a deleted one's stays."""
        return await repository.history.page(self._db, product_id, after=after, limit=limit)

    async def keep_schedule(self) -> int:
        """Let products appear and disappear whose time has come; gives how many did.

        One that cannot be shown (it has no variant) stays a draft and is logged.
        """
        moved = 0
        for product_id in await repository.attributes.due(self._db, self._clock.now(), limit=500):
            try:
                moved += await self._db.run(
                    lambda uow, wanted=product_id: self._on_time(uow, wanted)  # type: ignore[misc] # the default binds the id
                )
            except Refused as refused:
                _log.warning(
                    "a product could not follow its schedule",
                    extra={"product_id": str(product_id), "problem": refused.slug},
                )
        return moved

    def job_kinds(self) -> list[JobKind]:
        """The schedule as a job."""

        async def keep(_context: JobContext) -> None:
            await self.keep_schedule()

        return [JobKind(SCHEDULED, keep, max_attempts=3)]

    def schedules(self) -> list[Schedule]:
        """Once a minute among all processes."""
        return [Schedule(SCHEDULED, every=timedelta(minutes=1), job=SCHEDULED)]

    async def _on_time(self, uow: UnitOfWork, product_id: UUID) -> bool:
        current = await self._locked(uow, product_id)
        now = uow.clock.now()
        wanted = as_wanted(current)
        leaving = current.unpublish_at is not None and current.unpublish_at <= now
        coming = current.publish_at is not None and current.publish_at <= now
        fact: ProductPublished | ProductUnpublished
        if leaving:
            # Also for a draft whose both times passed while nobody looked.
            wanted = msgspec.structs.replace(
                wanted, status=ProductStatus.DRAFT, publish_at=None, unpublish_at=None
            )
            fact = ProductUnpublished(product_id=product_id, slug=current.slug)
        elif coming and current.status is ProductStatus.DRAFT:
            wanted = msgspec.structs.replace(wanted, status=ProductStatus.ACTIVE, publish_at=None)
            fact = ProductPublished(product_id=product_id, slug=current.slug)
        else:
            return False  # changed by somebody meanwhile
        moved = wanted.status is not current.status
        await save(self._db, uow, current, wanted, product_id=product_id, actor="schedule")
        if moved:
            uow.publish(fact)
        return moved


def _check(attribute: Attribute) -> None:
    errors = []
    if not attribute.name:
        errors.append(FieldError("/name", "required", "An attribute needs a name."))
    codes = [choice.code for choice in attribute.choices]
    if (attribute.kind is AttributeKind.CHOICE) != bool(codes):
        message = "A choice has choices, and nothing else has."
        errors.append(FieldError("/choices", "choices", message))
    if len(set(codes)) != len(codes):
        errors.append(FieldError("/choices", "duplicate-value", "A choice is there twice."))
    if attribute.unit and attribute.kind is not AttributeKind.NUMBER:
        errors.append(FieldError("/unit", "unit", "Only a number has a unit."))
    if errors:
        raise ProductRefused(errors[0].message, errors=tuple(errors))


def _tell(uow: UnitOfWork, attribute: Attribute) -> None:
    uow.publish(AttributeChanged(attribute_id=attribute.id, product_type=attribute.product_type))
