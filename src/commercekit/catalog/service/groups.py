"""Use cases of brands and of the category tree."""

from __future__ import annotations

from uuid import UUID

import msgspec
from msgspec import UNSET

from commercekit.catalog import repository, rules
from commercekit.catalog.errors import (
    BrandInUse,
    BrandNotFound,
    CategoryInUse,
    CategoryNotFound,
    ProductRefused,
    SlugTaken,
    StaleVersion,
)
from commercekit.catalog.events import (
    BrandChanged,
    BrandCreated,
    BrandDeleted,
    CategoryChanged,
    CategoryCreated,
    CategoryDeleted,
)
from commercekit.catalog.models import (
    Brand,
    BrandChange,
    Category,
    CategoryChange,
    CategoryMove,
    NewBrand,
    NewCategory,
)
from commercekit.errors import FieldError
from commercekit.kernel import Clock, Translations, new_id
from commercekit.platform.db import Database, UnitOfWork

__all__ = ["GroupUseCases"]


class GroupUseCases:
    """Create, change and delete brands and categories."""

    def __init__(self, db: Database, clock: Clock) -> None:
        self._db = db
        self._clock = clock

    async def brand(self, brand_id: UUID) -> Brand:
        """The brand of that id; ``BrandNotFound`` otherwise."""
        found = await repository.groups.brand(self._db, brand_id)
        if found is None:
            raise BrandNotFound(brand_id=str(brand_id))
        return found

    async def brands(self, *, after: str | None = None, limit: int = 1000) -> list[Brand]:
        """Brands by slug, after the one named."""
        return await repository.groups.brands(self._db, after=after, limit=limit)

    async def brand_by_slug(self, slug: str) -> Brand | None:
        """The brand at that address, ``None`` if there is none."""
        return await repository.groups.brand_by_slug(self._db, slug)

    async def create_brand(self, new: NewBrand) -> Brand:
        """Create a brand; ``SlugTaken`` when another has its address."""
        return await self._db.run(lambda uow: self.create_brand_in(uow, new))

    async def create_brand_in(self, uow: UnitOfWork, new: NewBrand) -> Brand:
        """Create a brand inside the caller's unit of work."""
        now = uow.clock.now()
        brand = Brand(
            id=new_id(),
            slug=new.slug,
            name=_name(new.name),
            version=1,
            created_at=now,
            updated_at=now,
            logo_id=new.logo_id,
        )
        await self._check_logo(new.logo_id)
        await uow.lock(f"catalog.brand-slug {new.slug}")
        if not await repository.groups.add_brand(uow, brand):
            message = f"Another brand has the slug {new.slug!r}."
            raise SlugTaken(message, brand=new.slug)
        uow.publish(BrandCreated(brand_id=brand.id, slug=brand.slug))
        return await self.brand(brand.id)

    async def change_brand(
        self, brand_id: UUID, change: BrandChange, *, expected_version: int | None = None
    ) -> Brand:
        """Change slug, name or logo."""

        async def work(uow: UnitOfWork) -> Brand:
            current = await self.brand(brand_id)
            wanted = msgspec.structs.replace(
                current,
                slug=current.slug if change.slug is UNSET else change.slug,
                name=current.name if change.name is UNSET else _name(change.name),
                logo_id=current.logo_id if change.logo_id is UNSET else change.logo_id,
                updated_at=uow.clock.now(),
            )
            if wanted.logo_id != current.logo_id:
                await self._check_logo(wanted.logo_id)
            if wanted.slug != current.slug:
                await uow.lock(f"catalog.brand-slug {wanted.slug}")
                if await repository.groups.brand_by_slug(self._db, wanted.slug):
                    message = f"Another brand has the slug {wanted.slug!r}."
                    raise SlugTaken(message, brand=wanted.slug)
            if not await repository.groups.write_brand(uow, wanted, expected=expected_version):
                raise StaleVersion
            uow.publish(BrandChanged(brand_id=brand_id, slug=wanted.slug))
            return await self.brand(brand_id)

        return await self._db.run(work)

    async def delete_brand(self, brand_id: UUID, *, expected_version: int | None = None) -> None:
        """Remove a brand that no product has; ``BrandInUse`` otherwise."""

        async def work(uow: UnitOfWork) -> None:
            await uow.execute("SELECT FROM catalog_brand WHERE id = $1 FOR UPDATE", brand_id)
            current = await self.brand(brand_id)
            if expected_version is not None and current.version != expected_version:
                raise StaleVersion
            count = await repository.groups.brand_in_use(self._db, brand_id)
            if count:
                message = f"{count} products have the brand {current.slug!r}."
                raise BrandInUse(message, products=count)
            await repository.groups.delete_brand(uow, brand_id)
            uow.publish(BrandDeleted(brand_id=brand_id, slug=current.slug))

        await self._db.run(work)

    async def category(self, category_id: UUID) -> Category:
        """The category of that id; ``CategoryNotFound`` otherwise."""
        found = await repository.groups.category(category_id)
        if found is None:
            raise CategoryNotFound(category_id=str(category_id))
        return found

    async def categories(self) -> list[Category]:
        """The whole tree as a list, siblings in their order."""
        return await repository.groups.categories()

    async def category_by_slug(self, slug: str) -> Category | None:
        """The category at that address, ``None`` if there is none."""
        return await repository.groups.category_by_slug(slug)

    async def create_category(self, new: NewCategory) -> Category:
        """Create a category below its parent; ``SlugTaken`` when another has its address."""
        return await self._db.run(lambda uow: self.create_category_in(uow, new))

    async def create_category_in(self, uow: UnitOfWork, new: NewCategory) -> Category:
        """Create a category inside the caller's unit of work."""
        await repository.groups.lock_tree(uow)
        await self._check_parent(new.parent_id, None)
        now = uow.clock.now()
        position = new.position
        if position is UNSET:
            position = await repository.groups.next_position(self._db, new.parent_id)
        category = Category(
            id=new_id(),
            slug=new.slug,
            name=_name(new.name),
            parent_id=new.parent_id,
            position=position,
            version=1,
            created_at=now,
            updated_at=now,
        )
        if not await repository.groups.add_category(uow, category):
            message = f"Another category has the slug {new.slug!r}."
            raise SlugTaken(message, category=new.slug)
        uow.publish(CategoryCreated(category_id=category.id, slug=category.slug))
        return category

    async def change_category(
        self, category_id: UUID, change: CategoryChange, *, expected_version: int | None = None
    ) -> Category:
        """Rename or move; a move below itself is refused.

        A position is a place among the siblings, who make room; without one a moved category goes last.
        """

        async def work(uow: UnitOfWork) -> Category:
            await repository.groups.lock_tree(uow)
            current = await self.category(category_id)
            given = {
                field: value
                for field in change.__struct_fields__
                if (value := getattr(change, field)) is not UNSET
            }
            if "name" in given:
                given["name"] = _name(given["name"])
            wanted = msgspec.structs.replace(current, **given, updated_at=uow.clock.now())
            moved = wanted.parent_id != current.parent_id
            order: list[UUID] = []
            if moved:
                await self._check_parent(wanted.parent_id, category_id)
            if moved or change.position is not UNSET:
                order = rules.placed(
                    await repository.groups.children(self._db, wanted.parent_id),
                    category_id,
                    None if change.position is UNSET else change.position,
                )
                wanted = msgspec.structs.replace(wanted, position=order.index(category_id))
            if wanted.slug != current.slug and await repository.groups.category_by_slug(
                wanted.slug
            ):
                message = f"Another category has the slug {wanted.slug!r}."
                raise SlugTaken(message, category=wanted.slug)
            if not await repository.groups.write_category(uow, wanted, expected=expected_version):
                raise StaleVersion
            await repository.groups.number(uow, order)
            uow.publish(CategoryChanged(category_id=category_id, slug=wanted.slug, moved=moved))
            return await self.category(category_id)

        return await self._db.run(work)

    async def move_category(
        self, category_id: UUID, move: CategoryMove, *, expected_version: int | None = None
    ) -> Category:
        """Hang it elsewhere with all below it, products included, or give it another place."""
        change = CategoryChange(parent_id=move.parent_id, position=move.position)
        return await self.change_category(category_id, change, expected_version=expected_version)

    async def delete_category(
        self, category_id: UUID, *, expected_version: int | None = None
    ) -> None:
        """Remove a category nothing hangs below; products on it stay, without it."""

        async def work(uow: UnitOfWork) -> None:
            await repository.groups.lock_tree(uow)
            current = await self.category(category_id)
            if expected_version is not None and current.version != expected_version:
                raise StaleVersion
            if await repository.groups.category_has_children(self._db, category_id):
                message = (
                    f"Other categories hang below {current.slug!r}; move or delete them first."
                )
                raise CategoryInUse(message)
            uow.publish(CategoryDeleted(category_id=category_id, slug=current.slug))
            await repository.groups.delete_category(uow, category_id)

        await self._db.run(work)

    async def _check_logo(self, logo_id: UUID | None) -> None:
        if logo_id and not await repository.media.by_ids(self._db, [logo_id], hold=True):
            message = "There is no such uploaded picture."
            fault = FieldError("/logo_id", "unknown-media", message)
            raise ProductRefused(message, errors=(fault,))

    async def _check_parent(self, parent_id: UUID | None, category_id: UUID | None) -> None:
        if parent_id is None:
            return
        if await repository.groups.category(parent_id) is None:
            message = "There is no such parent category."
            fault = FieldError("/parent_id", "unknown-category", message)
            raise ProductRefused(message, errors=(fault,))
        if category_id and await repository.groups.is_below(self._db, parent_id, category_id):
            message = "A category cannot hang below itself."
            fault = FieldError("/parent_id", "ring", message)
            raise ProductRefused(message, errors=(fault,))


def _name(texts: Translations) -> dict[str, str]:
    cleaned = rules.clean_texts(texts)
    if not cleaned:
        message = "A name is needed in at least one language."
        fault = FieldError("/name", "required", message)
        raise ProductRefused(message, errors=(fault,))
    return cleaned
