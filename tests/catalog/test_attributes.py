"""Typed attributes, related products, the schedule, and who changed what."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from commercekit.catalog import (
    AttributeChange,
    AttributeInUse,
    AttributeKind,
    AttributeNotFound,
    AttributeTaken,
    NewAttribute,
    NewProduct,
    NewVariant,
    OptionValue,
    ProductChange,
    ProductChanged,
    ProductPublished,
    ProductRefused,
    ProductStatus,
    ProductUnpublished,
    StaleVersion,
    VariantChange,
)
from commercekit.kernel import new_id

COLOURS = (OptionValue("red", {"en": "Red", "zh": "红"}), OptionValue("blue", {"en": "Blue"}))


def defined(code="weight", kind=AttributeKind.NUMBER, **more):
    return NewAttribute(product_type="Cup", code=code, name={"en": code}, kind=kind, **more)


def cup(**more):
    return NewProduct(
        **{"slug": "mug", "name": {"en": "Mug"}, "type": "Cup", "variants": (NewVariant(),), **more}
    )


def found(refused):
    return [(e.pointer, e.code) for e in refused.value.errors]


async def test_values_of_every_kind_are_kept(catalog):
    await catalog.define_attribute(defined(unit="g"))
    await catalog.define_attribute(defined("care", AttributeKind.TEXT))
    await catalog.define_attribute(defined("safe", AttributeKind.BOOLEAN))
    await catalog.define_attribute(defined("glaze", AttributeKind.CHOICE, choices=COLOURS))
    values = {"weight": 350.5, "care": {"en": "Wash", "zh": "洗"}, "safe": False, "glaze": "red"}
    made = await catalog.create_product(cup(attributes=values))
    assert made.attributes == values
    changed = await catalog.change_product(made.id, ProductChange(attributes={"weight": 1}))
    assert changed.attributes == {"weight": 1}


@pytest.mark.parametrize(
    ("kind", "wrong"),
    [
        (AttributeKind.NUMBER, ["1", True, {"en": "1"}]),
        (AttributeKind.BOOLEAN, [1, "true", {}]),
        (AttributeKind.TEXT, ["x", {}, {"english": "x"}, {"en": "x" * 2001}, 1]),
        (AttributeKind.CHOICE, ["green", 1, {"en": "red"}, ""]),
    ],
)
async def test_a_value_of_another_kind_is_refused(catalog, kind, wrong):
    choices = COLOURS if kind is AttributeKind.CHOICE else ()
    await catalog.define_attribute(defined("thing", kind, choices=choices))
    for value in wrong:
        with pytest.raises(ProductRefused) as refused:
            await catalog.create_product(cup(attributes={"thing": value}))
        assert found(refused) == [("/attributes/thing", "wrong-value")]
    assert await catalog.products() == []


async def test_what_is_not_defined_for_the_type_is_refused(catalog):
    await catalog.define_attribute(defined())
    for product in (cup(attributes={"size": 1}), cup(type="Plate", attributes={"weight": 1})):
        with pytest.raises(ProductRefused) as refused:
            await catalog.create_product(product)
        assert [code for _, code in found(refused)] == ["unknown-attribute"]


async def test_only_an_active_product_needs_what_is_required(catalog):
    await catalog.define_attribute(defined(required=True))
    made = await catalog.create_product(cup())
    with pytest.raises(ProductRefused) as refused:
        await catalog.change_product(made.id, ProductChange(status=ProductStatus.ACTIVE))
    assert found(refused) == [("/attributes/weight", "required")]
    assert (await catalog.product(made.id)).status == "draft"
    await catalog.change_product(
        made.id, ProductChange(status=ProductStatus.ACTIVE, attributes={"weight": 3})
    )


async def test_definitions_are_unique_consistent_and_kept_while_used(catalog):
    made = await catalog.define_attribute(defined("glaze", AttributeKind.CHOICE, choices=COLOURS))
    with pytest.raises(AttributeTaken):
        await catalog.define_attribute(defined("glaze", AttributeKind.TEXT))
    for wrong, code in (
        (defined("a", AttributeKind.CHOICE), "choices"),
        (defined("a", AttributeKind.TEXT, choices=COLOURS), "choices"),
        (defined("a", AttributeKind.CHOICE, choices=(*COLOURS, COLOURS[0])), "duplicate-value"),
        (defined("a", AttributeKind.TEXT, unit="g"), "unit"),
    ):
        with pytest.raises(ProductRefused) as refused:
            await catalog.define_attribute(wrong)
        assert [c for _, c in found(refused)] == [code]
    await catalog.create_product(cup(attributes={"glaze": "red"}))
    with pytest.raises(AttributeInUse):
        await catalog.change_attribute(made.id, AttributeChange(choices=COLOURS[1:]))
    with pytest.raises(AttributeInUse):
        await catalog.forget_attribute(made.id)
    with pytest.raises(StaleVersion):
        await catalog.change_attribute(made.id, AttributeChange(required=True), expected_version=7)
    changed = await catalog.change_attribute(made.id, AttributeChange(choices=COLOURS[:1]))
    assert (changed.version, [c.code for c in changed.choices]) == (2, ["red"])
    other = await catalog.define_attribute(defined())
    await catalog.forget_attribute(other.id)
    with pytest.raises(AttributeNotFound):
        await catalog.attribute(other.id)


async def test_related_products_are_there_and_go_with_them(catalog):
    one = await catalog.create_product(cup(slug="one"))
    two = await catalog.create_product(cup(slug="two", related_ids=(one.id, one.id)))
    assert two.related_ids == (one.id,)
    for wrong in (new_id(), two.id):
        with pytest.raises(ProductRefused) as refused:
            await catalog.change_product(two.id, ProductChange(related_ids=(one.id, wrong)))
        assert found(refused) == [("/related_ids/1", "unknown-product")]
    await catalog.delete_product(one.id)
    assert (await catalog.product(two.id)).related_ids == ()


async def test_a_product_appears_and_disappears_at_its_times(catalog, clock, told):
    now = clock.now()
    made = await catalog.create_product(
        cup(publish_at=now + timedelta(hours=1), unpublish_at=now + timedelta(hours=2))
    )
    told.clear()
    assert await catalog.keep_schedule() == 0
    assert (await catalog.product(made.id)).status == "draft"
    clock.advance(hours=1)
    assert await catalog.keep_schedule() == 1
    assert await catalog.keep_schedule() == 0
    shown = await catalog.product(made.id)
    assert (shown.status, shown.publish_at) == ("active", None)
    clock.advance(hours=1)
    assert await catalog.keep_schedule() == 1
    hidden = await catalog.product(made.id)
    assert (hidden.status, hidden.unpublish_at) == ("draft", None)
    assert [type(fact) for fact in told] == [
        ProductChanged,
        ProductPublished,
        ProductChanged,
        ProductUnpublished,
    ]
    assert [entry.actor for entry in await catalog.history(made.id)][:2] == ["schedule"] * 2


async def test_the_schedule_leaves_alone_what_cannot_or_should_not_appear(catalog, clock, told):
    soon = clock.now() + timedelta(minutes=1)
    bare = await catalog.create_product(cup(slug="bare", variants=(), publish_at=soon))
    gone = await catalog.create_product(cup(slug="gone", publish_at=soon))
    fine = await catalog.create_product(cup(slug="fine", publish_at=soon))
    await catalog.archive_product(gone.id)
    clock.advance(minutes=2)
    assert await catalog.keep_schedule() == 1
    states = [(await catalog.product(p.id)).status for p in (bare, gone, fine)]
    assert states == ["draft", "archived", "active"]
    with pytest.raises(ProductRefused) as refused:
        await catalog.change_product(
            fine.id, ProductChange(publish_at=soon, unpublish_at=soon - timedelta(hours=1))
        )
    assert found(refused) == [("/unpublish_at", "before-publish")]


async def test_the_history_tells_who_changed_what(catalog, database):
    made = await catalog.create_product(cup(), actor="ann")
    await catalog.change_product(made.id, ProductChange(name={"en": "Cup"}), actor="bob")
    await catalog.change_product(made.id, ProductChange(name={"en": "Cup"}), actor="nobody")
    await catalog.change_variant(made.variants[0].id, VariantChange(weight_grams=5), actor="cat")
    await catalog.delete_product(made.id, actor="dan")
    entries = await catalog.history(made.id)
    assert [(e.actor, e.action) for e in entries] == [
        ("dan", "deleted"),
        ("cat", "changed"),
        ("bob", "changed"),
        ("ann", "created"),
    ]
    diffs = [msgspec.json.decode(e.diff) for e in entries]
    assert diffs[2] == {"name": [{"en": "Mug"}, {"en": "Cup"}]}
    assert diffs[1] == {"variants/MUG/weight_grams": [0, 5]}
    assert diffs[0]["slug"] == ["mug", None]
    assert diffs[3]["slug"] == [None, "mug"]
    for statement in ("UPDATE catalog_change SET actor = 'eve'", "DELETE FROM catalog_change"):
        with pytest.raises(Exception, match="append-only"):
            await database.execute(statement)
    assert len(await catalog.history(made.id, limit=2)) == 2
    assert [e.actor for e in await catalog.history(made.id, after=entries[2].id)] == ["ann"]
