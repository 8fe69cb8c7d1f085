"""The tree of categories against a model of it: order, moves, and never a ring."""

from __future__ import annotations

import asyncio
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.catalog import (
    CategoryChange,
    CategoryMove,
    NewCategory,
    NewProduct,
    ProductRefused,
)
from commercekit.catalog.rules import placed


async def plant(catalog, *slugs):
    return [
        await catalog.create_category(NewCategory(slug=slug, name={"en": slug})) for slug in slugs
    ]


async def shape(catalog):
    """Slugs below each slug, in order."""
    everything = await catalog.categories()
    names = {c.id: c.slug for c in everything}
    tree = {}
    for c in everything:
        tree.setdefault(names.get(c.parent_id), []).append(c.slug)
    return tree


@given(
    st.lists(st.integers(), unique=True),
    st.integers(),
    st.one_of(st.none(), st.integers(0, 100_000)),
)
def test_siblings_keep_their_order_around_the_one_that_moves(siblings, moving, position):
    after = placed(siblings, moving, position)
    assert [each for each in after if each != moving] == [e for e in siblings if e != moving]
    assert after.count(moving) == 1
    last = len(after) - 1
    assert after.index(moving) == (last if position is None else min(position, last))


async def test_a_place_among_siblings_makes_the_others_move_up(catalog):
    a, b, c, d = await plant(catalog, "a", "b", "c", "d")
    await catalog.move_category(d.id, CategoryMove(parent_id=None, position=1))
    assert await shape(catalog) == {None: ["a", "d", "b", "c"]}
    moved = await catalog.change_category(a.id, CategoryChange(position=99))
    assert moved.position == 3
    assert await shape(catalog) == {None: ["d", "b", "c", "a"]}
    await catalog.move_category(b.id, CategoryMove(parent_id=c.id))
    await catalog.move_category(d.id, CategoryMove(parent_id=c.id, position=0))
    assert await shape(catalog) == {None: ["c", "a"], "c": ["d", "b"]}


async def test_a_move_keeps_the_products_on_it(catalog):
    a, b = await plant(catalog, "a", "b")
    made = await catalog.create_product(
        NewProduct(slug="mug", name={"en": "Mug"}, category_ids=(b.id,))
    )
    await catalog.move_category(b.id, CategoryMove(parent_id=a.id))
    assert (await catalog.product(made.id)).category_ids == (b.id,)
    assert (await catalog.product(made.id)).version == 1
    assert await catalog.product_ids_of_category(a.id) == [made.id]


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_any_moves_leave_the_tree_that_the_model_has(catalog, seed):
    chance = random.Random(seed)
    slugs = [f"c{n}" for n in range(8)]
    ids = {c.slug: c.id for c in await plant(catalog, *slugs)}
    parents = dict.fromkeys(slugs)
    model = {None: list(slugs)}

    def above(slug):
        while slug is not None:
            yield slug
            slug = parents[slug]

    refused = 0
    for _ in range(40):
        slug, parent = chance.choice(slugs), chance.choice([None, *slugs])
        position = chance.choice([None, 0, 1, 2, 50])
        move = {} if position is None else {"position": position}
        wanted = CategoryMove(parent_id=ids.get(parent), **move)
        before = await shape(catalog)
        if slug in above(parent):
            with pytest.raises(ProductRefused) as no:
                await catalog.move_category(ids[slug], wanted)
            assert [e.code for e in no.value.errors] == ["ring"]
            assert await shape(catalog) == before
            refused += 1
            continue
        await catalog.move_category(ids[slug], wanted)
        if parents[slug] != parent or position is not None:
            model[parents[slug]].remove(slug)
            line = model.setdefault(parent, [])
            line.insert(len(line) if position is None else position, slug)
            parents[slug] = parent
        assert await shape(catalog) == {k: v for k, v in model.items() if v}
    assert refused > 0


async def test_two_that_move_below_each_other_at_once_close_no_ring(catalog):
    made = await plant(catalog, *"abcdefgh")
    moves = []
    for one, other in zip(made[::2], made[1::2], strict=True):
        moves += [(one, other), (other, one)]

    async def move(below):
        one, other = below
        try:
            await catalog.move_category(one.id, CategoryMove(parent_id=other.id))
        except ProductRefused:
            return False
        return True

    outcomes = await asyncio.gather(*(move(each) for each in moves))
    assert [sum(pair) for pair in zip(outcomes[::2], outcomes[1::2], strict=True)] == [1, 1, 1, 1]
    tree = await shape(catalog)
    assert len(tree[None]) == 4
    assert sum(map(len, tree.values())) == 8
