"""Products are created, changed, archived and deleted whole, with the facts that tell of it."""

from __future__ import annotations

import asyncio

import msgspec
import pytest

from commercekit.catalog import (
    NewImage,
    NewProduct,
    NewVariant,
    Option,
    OptionValue,
    ProductArchived,
    ProductChange,
    ProductChanged,
    ProductCreated,
    ProductDeleted,
    ProductFilter,
    ProductNotFound,
    ProductRefused,
    ProductStatus,
    SkuTaken,
    SlugTaken,
    StaleVersion,
    VariantAdded,
    VariantChange,
    VariantChanged,
    VariantNotFound,
    VariantRemoved,
    tables,
)
from commercekit.kernel import new_id
from commercekit.platform.db import schema_drift


def sizes(*codes):
    return Option("Size", {"en": "Size"}, tuple(OptionValue(c, {"en": c}) for c in codes))


async def count(database, table):
    return await database.fetchval(f"SELECT count(*) FROM {table}")


async def test_the_declared_tables_are_the_migrated_ones(database):
    rows = [getattr(tables, name) for name in tables.__all__]
    async with database.unit_of_work() as uow:
        assert await schema_drift(uow.connection, rows) == []


async def test_a_product_comes_back_as_it_was_created(catalog, shirt, told, clock):
    made = await catalog.create_product(shirt)
    assert made == await catalog.product(made.id)
    assert made == await catalog.product_by_slug("blue-shirt")
    assert made.name == {"en": "Blue shirt", "zh": "蓝衬衫"}
    assert made.status is ProductStatus.ACTIVE
    assert (made.version, made.created_at, made.updated_at) == (1, clock.now(), clock.now())
    assert [(v.sku, v.options, v.position) for v in made.variants] == [
        ("BLUE-SHIRT-S", {"Size": "S"}, 1),
        ("BS-M", {"Size": "M"}, 2),
    ]
    assert [image.url for image in made.images] == [
        "https://pics.example/a.jpg",
        "https://pics.example/b.jpg",
    ]
    assert [image.status for image in made.images] == ["unchecked", "unchecked"]
    assert [v.image_id for v in made.variants] == [None, made.images[1].id]
    assert told == [
        ProductCreated(product_id=made.id, slug="blue-shirt", skus=("BLUE-SHIRT-S", "BS-M"))
    ]


async def test_the_same_id_twice_creates_one_product(catalog, shirt, told):
    identifier = new_id()
    first = await catalog.create_product(shirt, product_id=identifier)
    second = await catalog.create_product(shirt, product_id=identifier)
    assert second == first
    assert len(told) == 1


async def test_a_taken_slug_is_refused_and_nothing_written(catalog, shirt, told, database):
    await catalog.create_product(shirt)
    again = msgspec.structs.replace(shirt, variants=(NewVariant(sku="X", options={"Size": "S"}),))
    with pytest.raises(SlugTaken, match="slug 'blue-shirt'"):
        await catalog.create_product(again)
    assert await count(database, "catalog_product") == 1
    assert await count(database, "catalog_variant") == 2
    assert len(told) == 1


async def test_a_taken_sku_is_refused_and_nothing_written(catalog, shirt, database):
    await catalog.create_product(shirt)
    other = NewProduct(slug="other", name={"en": "O"}, variants=(NewVariant(sku="BS-M"),))
    with pytest.raises(SkuTaken, match="SKU 'BS-M'"):
        await catalog.create_product(other)
    assert await count(database, "catalog_product") == 1
    assert await count(database, "catalog_variant") == 2


async def test_a_made_up_sku_avoids_those_of_other_products(catalog):
    await catalog.create_product(
        NewProduct(slug="first", name={"en": "F"}, variants=(NewVariant(sku="MUG"),))
    )
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "M"}, variants=(NewVariant(),))
    )
    assert made.variants[0].sku == "MUG-2"


async def test_unknown_brand_and_category_are_both_named(catalog, shirt, database):
    wanted = msgspec.structs.replace(shirt, brand_id=new_id(), category_ids=(new_id(),))
    with pytest.raises(ProductRefused) as refused:
        await catalog.create_product(wanted)
    assert [(f.pointer, f.code) for f in refused.value.errors] == [
        ("/brand_id", "unknown-brand"),
        ("/category_ids/0", "unknown-category"),
    ]
    assert await count(database, "catalog_product") == 0


async def test_descriptions_are_stored_clean(catalog):
    made = await catalog.create_product(
        NewProduct(
            slug="mug",
            name={"en": "  Mug\x00 "},
            description={"en": "<p onclick='x()'>Hot</p><script>x()</script>"},
            tags=(" tea ", "tea", "home"),
        )
    )
    assert made.name == {"en": "Mug"}
    assert made.description == {"en": "<p>Hot</p>"}
    assert made.tags == ("tea", "home")


async def test_only_what_differs_is_changed_and_told(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    told.clear()
    changed = await catalog.change_product(
        made.id, ProductChange(name={"en": "Navy shirt"}, type="Shirts"), expected_version=1
    )
    assert changed.name == {"en": "Navy shirt"}
    assert changed.type == "Shirts"
    assert changed.version == 2
    assert changed.variants == made.variants
    assert told == [ProductChanged(product_id=made.id, slug="blue-shirt", fields=("name", "type"))]


async def test_a_change_to_what_is_so_already_changes_nothing(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    told.clear()
    same = await catalog.change_product(
        made.id, ProductChange(name=shirt.name, status=ProductStatus.ACTIVE)
    )
    assert same == made
    assert told == []


async def test_a_stale_version_is_refused(catalog, shirt):
    made = await catalog.create_product(shirt)
    await catalog.change_product(made.id, ProductChange(type="A"))
    with pytest.raises(StaleVersion, match="at version 2"):
        await catalog.change_product(made.id, ProductChange(type="B"), expected_version=1)
    assert (await catalog.product(made.id)).type == "A"


async def test_two_changes_at_once_lose_none(catalog, shirt):
    made = await catalog.create_product(shirt)
    await asyncio.gather(
        catalog.change_product(made.id, ProductChange(type="Shirts")),
        catalog.change_product(made.id, ProductChange(tags=("new",))),
    )
    both = await catalog.product(made.id)
    assert (both.type, both.tags, both.version) == ("Shirts", ("new",), 3)


async def test_a_slug_can_change_unless_taken(catalog, shirt):
    made = await catalog.create_product(shirt)
    await catalog.create_product(NewProduct(slug="mug", name={"en": "Mug"}))
    with pytest.raises(SlugTaken):
        await catalog.change_product(made.id, ProductChange(slug="mug"))
    moved = await catalog.change_product(made.id, ProductChange(slug="navy-shirt"))
    assert moved.slug == "navy-shirt"
    with pytest.raises(ProductNotFound):
        await catalog.product_by_slug("blue-shirt")


async def test_options_keep_fitting_every_variant(catalog, shirt):
    made = await catalog.create_product(shirt)
    with pytest.raises(ProductRefused) as refused:
        await catalog.change_product(made.id, ProductChange(options=(sizes("S"),)))
    assert [f.code for f in refused.value.errors] == ["not-a-combination"]
    grown = await catalog.change_product(made.id, ProductChange(options=(sizes("S", "M", "L"),)))
    assert [value.code for value in grown.options[0].values] == ["S", "M", "L"]


async def test_pictures_are_matched_by_address(catalog, shirt):
    made = await catalog.create_product(shirt)
    changed = await catalog.change_product(
        made.id,
        ProductChange(
            images=(
                NewImage(url="https://pics.example/c.jpg"),
                NewImage(url="https://pics.example/a.jpg", alt={"en": "Front"}),
            )
        ),
    )
    assert [(i.url, i.alt, i.position) for i in changed.images] == [
        ("https://pics.example/c.jpg", {}, 1),
        ("https://pics.example/a.jpg", {"en": "Front"}, 2),
    ]
    assert changed.images[1].id == made.images[0].id
    assert [v.image_id for v in changed.variants] == [None, None]


async def test_an_archived_product_is_kept(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    told.clear()
    archived = await catalog.archive_product(made.id)
    assert archived.status is ProductStatus.ARCHIVED
    assert told == [ProductArchived(product_id=made.id, slug="blue-shirt")]
    await catalog.archive_product(made.id)
    assert len(told) == 1
    assert not (await catalog.variants_by_sku(["BS-M"]))["BS-M"].for_sale


async def test_a_deleted_product_leaves_nothing(catalog, shirt, told, database):
    made = await catalog.create_product(shirt)
    told.clear()
    with pytest.raises(StaleVersion):
        await catalog.delete_product(made.id, expected_version=9)
    await catalog.delete_product(made.id, expected_version=1)
    assert told == [
        ProductDeleted(product_id=made.id, slug="blue-shirt", skus=("BLUE-SHIRT-S", "BS-M"))
    ]
    for table in ("catalog_product", "catalog_variant", "catalog_image"):
        assert await count(database, table) == 0
    with pytest.raises(ProductNotFound):
        await catalog.delete_product(made.id)


async def test_a_variant_is_added_last(catalog, shirt, told):
    made = await catalog.create_product(
        msgspec.structs.replace(shirt, options=(sizes("S", "M", "L"),))
    )
    told.clear()
    added = await catalog.add_variant(made.id, NewVariant(options={"Size": "L"}, weight_grams=300))
    assert (added.sku, added.position, added.weight_grams) == ("BLUE-SHIRT-L", 3, 300)
    assert told == [VariantAdded(product_id=made.id, variant_id=added.id, sku="BLUE-SHIRT-L")]


async def test_the_same_combination_is_not_added_twice(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    with pytest.raises(ProductRefused) as refused:
        await catalog.add_variant(made.id, NewVariant(options={"Size": "S"}))
    assert [f.code for f in refused.value.errors] == ["duplicate-combination"]
    assert len((await catalog.product(made.id)).variants) == 2


async def test_a_variant_changes_and_tells_which_fields(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    small = made.variants[0]
    told.clear()
    changed = await catalog.change_variant(
        small.id, VariantChange(weight_grams=250, barcode="690123"), expected_version=1
    )
    assert (changed.weight_grams, changed.barcode, changed.version) == (250, "690123", 2)
    assert told == [
        VariantChanged(
            product_id=made.id,
            variant_id=small.id,
            sku="BLUE-SHIRT-S",
            fields=("barcode", "weight_grams"),
        )
    ]
    with pytest.raises(StaleVersion):
        await catalog.change_variant(small.id, VariantChange(barcode="x"), expected_version=1)


async def test_a_variant_moves_among_its_siblings(catalog, shirt):
    made = await catalog.create_product(shirt)
    await catalog.change_variant(made.variants[1].id, VariantChange(position=1))
    assert [v.sku for v in (await catalog.product(made.id)).variants] == ["BS-M", "BLUE-SHIRT-S"]


async def test_the_last_variant_of_an_active_product_stays(catalog, shirt, told):
    made = await catalog.create_product(shirt)
    told.clear()
    small, medium = made.variants
    await catalog.remove_variant(small.id)
    assert told == [VariantRemoved(product_id=made.id, variant_id=small.id, sku="BLUE-SHIRT-S")]
    with pytest.raises(ProductRefused) as refused:
        await catalog.remove_variant(medium.id)
    assert [f.code for f in refused.value.errors] == ["no-variants"]
    assert [v.sku for v in (await catalog.product(made.id)).variants] == ["BS-M"]
    with pytest.raises(VariantNotFound):
        await catalog.remove_variant(small.id)


async def test_what_carts_need_comes_in_one_read(catalog, shirt):
    made = await catalog.create_product(shirt)
    found = await catalog.variants_by_sku(["BS-M", "BLUE-SHIRT-S", "NONE"])
    assert set(found) == {"BS-M", "BLUE-SHIRT-S"}
    medium = found["BS-M"]
    assert medium.product_id == made.id
    assert medium.options == (({"en": "Size", "zh": "尺寸"}, {"en": "M"}),)
    assert medium.image_url == "https://pics.example/b.jpg"
    assert found["BLUE-SHIRT-S"].image_url == "https://pics.example/a.jpg"
    assert (medium.tax_class, medium.requires_shipping, medium.for_sale) == ("standard", True, True)


async def test_staff_list_products_newest_first_in_pages(catalog):
    made = [
        await catalog.create_product(NewProduct(slug=f"p-{n}", name={"en": f"Thing {n}"}))
        for n in range(5)
    ]
    first = await catalog.products(limit=2)
    second = await catalog.products(after=first[-1].id, limit=2)
    assert [p.id for p in first + second] == [made[n].id for n in (4, 3, 2, 1)]


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("shirt", 1),
        ("衬衫", 1),
        ("bs-m", 1),
        ("BLUE", 1),
        ("%", 0),
        ("_", 0),
        ("mug", 1),
        ("no", 0),
    ],
)
async def test_staff_search_by_part_of_name_slug_or_sku(catalog, shirt, q, found):
    await catalog.create_product(shirt)
    await catalog.create_product(NewProduct(slug="mug", name={"en": "Cup"}))
    assert len(await catalog.products(ProductFilter(q=q))) == found


async def test_staff_filter_by_status(catalog, shirt):
    made = await catalog.create_product(shirt)
    await catalog.create_product(NewProduct(slug="mug", name={"en": "Cup"}))
    active = await catalog.products(ProductFilter(status=ProductStatus.ACTIVE))
    assert [p.id for p in active] == [made.id]
