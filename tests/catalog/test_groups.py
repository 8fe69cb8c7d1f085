"""Brands and the category tree."""

from __future__ import annotations

import pytest

from commercekit.catalog import (
    BrandChange,
    BrandChanged,
    BrandCreated,
    BrandDeleted,
    BrandInUse,
    BrandNotFound,
    CategoryChange,
    CategoryChanged,
    CategoryInUse,
    CategoryNotFound,
    NewBrand,
    NewCategory,
    NewProduct,
    ProductRefused,
    SlugTaken,
    StaleVersion,
)
from commercekit.kernel import new_id


async def category(catalog, slug, parent=None):
    parent_id = parent.id if parent else None
    return await catalog.create_category(
        NewCategory(slug=slug, name={"en": slug.title()}, parent_id=parent_id)
    )


async def test_a_brand_is_created_changed_and_deleted(catalog, told):
    made = await catalog.create_brand(NewBrand(slug="acme", name={"en": " Acme "}))
    assert (made.name, made.version) == ({"en": "Acme"}, 1)
    changed = await catalog.change_brand(
        made.id, BrandChange(name={"en": "Acme", "zh": "极致"}), expected_version=1
    )
    assert (changed.name["zh"], changed.version, changed.slug) == ("极致", 2, "acme")
    await catalog.delete_brand(made.id, expected_version=2)
    with pytest.raises(BrandNotFound):
        await catalog.brand(made.id)
    assert told == [
        BrandCreated(brand_id=made.id, slug="acme"),
        BrandChanged(brand_id=made.id, slug="acme"),
        BrandDeleted(brand_id=made.id, slug="acme"),
    ]


async def test_a_brand_needs_a_name_and_a_free_slug(catalog, told):
    await catalog.create_brand(NewBrand(slug="acme", name={"en": "Acme"}))
    other = await catalog.create_brand(NewBrand(slug="other", name={"en": "Other"}))
    told.clear()
    with pytest.raises(SlugTaken):
        await catalog.create_brand(NewBrand(slug="acme", name={"en": "Two"}))
    with pytest.raises(SlugTaken):
        await catalog.change_brand(other.id, BrandChange(slug="acme"))
    with pytest.raises(ProductRefused):
        await catalog.create_brand(NewBrand(slug="blank", name={"en": "  "}))
    with pytest.raises(StaleVersion):
        await catalog.change_brand(other.id, BrandChange(slug="x"), expected_version=7)
    assert [b.slug for b in await catalog.brands()] == ["acme", "other"]
    assert told == []


async def test_a_brand_that_products_have_stays(catalog):
    brand = await catalog.create_brand(NewBrand(slug="acme", name={"en": "Acme"}))
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "Mug"}, brand_id=brand.id)
    )
    with pytest.raises(BrandInUse, match="1 products"):
        await catalog.delete_brand(brand.id)
    assert await catalog.product_ids_of_brand(brand.id) == [made.id]


async def test_categories_keep_their_order(catalog):
    for slug in ("tea", "cups", "art"):
        await category(catalog, slug)
    assert [(c.slug, c.position) for c in await catalog.categories()] == [
        ("tea", 0),
        ("cups", 1),
        ("art", 2),
    ]


async def test_a_category_moves_with_all_below_it(catalog, told):
    home = await category(catalog, "home")
    kitchen = await category(catalog, "kitchen", home)
    cups = await category(catalog, "cups", kitchen)
    table = await category(catalog, "table")
    told.clear()
    moved = await catalog.change_category(kitchen.id, CategoryChange(parent_id=table.id))
    assert moved.parent_id == table.id
    assert (await catalog.category(cups.id)).parent_id == kitchen.id
    assert told == [CategoryChanged(category_id=kitchen.id, slug="kitchen", moved=True)]


async def test_a_category_never_hangs_below_itself(catalog):
    home = await category(catalog, "home")
    kitchen = await category(catalog, "kitchen", home)
    cups = await category(catalog, "cups", kitchen)
    for target in (home, kitchen, cups):
        with pytest.raises(ProductRefused) as refused:
            await catalog.change_category(home.id, CategoryChange(parent_id=target.id))
        assert [f.code for f in refused.value.errors] == ["ring"]
    assert (await catalog.category(home.id)).parent_id is None


async def test_an_unknown_parent_is_refused(catalog):
    with pytest.raises(ProductRefused) as refused:
        await catalog.create_category(NewCategory(slug="x", name={"en": "X"}, parent_id=new_id()))
    assert [(f.pointer, f.code) for f in refused.value.errors] == [
        ("/parent_id", "unknown-category")
    ]
    assert await catalog.categories() == []


async def test_a_category_with_children_stays(catalog):
    home = await category(catalog, "home")
    await category(catalog, "kitchen", home)
    with pytest.raises(CategoryInUse):
        await catalog.delete_category(home.id)
    assert len(await catalog.categories()) == 2


async def test_products_of_a_deleted_category_stay(catalog):
    home = await category(catalog, "home")
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "Mug"}, category_ids=(home.id,))
    )
    await catalog.delete_category(home.id, expected_version=1)
    assert (await catalog.product(made.id)).category_ids == ()
    with pytest.raises(CategoryNotFound):
        await catalog.category(home.id)


async def test_a_document_names_the_categories_above(catalog):
    home = await category(catalog, "home")
    kitchen = await category(catalog, "kitchen", home)
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "Mug"}, category_ids=(kitchen.id,))
    )
    (document,) = await catalog.documents([made.id, new_id()])
    assert set(document.category_ids) == {home.id, kitchen.id}
    assert document.brand is None
    assert await catalog.product_ids_of_category(home.id) == [made.id]
