"""What SQL matches and how it ranks is what the plan says, counted out again in Python."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.storefront import ListQuery
from commercekit.storefront.rules import plans
from commercekit.storefront.rules.plans import FOUND_IN_TEXT, TIER_SORTS
from commercekit.storefront.rules.searching import MAX_CONCEPTS, planned
from commercekit.storefront.rules.words import index_terms

WORDS = [
    "red",
    "mug",
    "mugs",
    "tea",
    "teapot",
    "t-shirt",
    "shirt",
    "蓝",
    "蓝色",
    "茶杯",
    "杯",
    "usb",
]
SHOP = [
    (("red mug", ""), ("tea",), "for tea"),
    (("mugs and teapot", "茶杯"), (), "red"),
    (("tea shirt", "蓝色茶杯"), ("usb",), ""),
    (("t-shirt red", "红色"), ("mug",), "usb tea"),
    (("teapot", "蓝"), (), "mug mug 杯"),
    (("shirt", "杯"), ("red", "tea"), "t shirt"),
    (("usb mug", "蓝色"), (), "茶"),
]


async def stock_up(shop):
    if hasattr(shop, "indexed"):
        return shop.indexed
    shop.indexed = {}
    for number, ((english, chinese), tags, told) in enumerate(SHOP):
        slug = f"p{number}"
        made = await shop.product(
            slug,
            name={"en": english, **({"zh": chinese} if chinese else {})},
            tags=tags,
            description={"en": f"<p>{told}</p>"} if told else {},
        )
        fields = [
            *(("A", name) for name in made.name.values()),
            ("C", made.variants[0].sku),
            ("C", ""),
            ("B", ""),
            *(("B", tag) for tag in made.tags),
            *(("D", told) for _ in range(bool(told))),
        ]
        shop.indexed[made.id] = (slug, index_terms(fields))
    await shop.storefront.tend()
    return shop.indexed


def places(index, term, weights, *, prefix=False):
    """Where a term is, in fields of these weights."""
    found = [index.get(term, [])]
    if prefix:
        found = [there for word, there in index.items() if word.startswith(term)]
    return {place for there in found for place, weight in there if weight in weights}


def has(index, alternative, weights):
    """Whether a product has it, by the meaning of the words alone."""
    last = None
    for number, (term, place) in enumerate(alternative.terms, 1):
        prefix = alternative.prefix and number == len(alternative.terms)
        here = places(index, term, weights, prefix=prefix)
        if last is not None and place >= 0:
            step = place - last[0]
            here = {at for at in here if at - step in last[1]}
        if not here:
            return False
        last = (place, here)
    return True


def score(index, concepts):
    """What the product counts: of each concept the best that it has."""
    total = 0.0
    for concept in concepts:
        for value, sorts in TIER_SORTS:
            if any(
                alternative.quality == quality and has(index, alternative, weight)
                for quality, weight in sorts
                for alternative in concept.alternatives
            ):
                total += round(value * concept.weight, 4)
                break
    return round(1000 * total)


def matches(index, concept):
    return any(has(index, each, FOUND_IN_TEXT[each.quality]) for each in concept.alternatives)


@pytest.fixture(params=["together", "apart"])
def collected(request, monkeypatch):
    """Beginnings that the index is asked for, and beginnings that the rows are asked for."""
    if request.param == "apart":
        monkeypatch.setattr(plans, "_COLLECTED", -1)
        monkeypatch.setattr(plans, "_AS_LONG_AS", 0)


@given(words=st.lists(st.sampled_from([*WORDS, "re", "tep", "mgu", "nothing"]), max_size=4))
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
async def test_sql_ranks_as_the_plan_says(shop, collected, words):
    indexed = await stock_up(shop)
    text = " ".join(words)
    plan = await shop.storefront.vocabulary.plan(shop.market.id, text)
    assert len(plan.concepts) <= MAX_CONCEPTS
    required = [concept for concept in plan.concepts if not concept.optional]

    def found(test):
        return [i for i, (_, index) in indexed.items() if test(index)]

    wanted = found(lambda index: bool(required) and all(matches(index, c) for c in required))
    if not wanted:
        wanted = found(lambda index: any(matches(index, c) for c in plan.concepts))
    if not text:
        wanted = list(indexed)
    ranked = sorted(wanted, key=lambda i: (-score(indexed[i][1], plan.concepts), -i.int))
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q=text), limit=50)
    assert [item.slug for item in listed.items] == [indexed[i][0] for i in ranked]
    assert listed.total == len(ranked)


def test_a_frequent_beginning_is_left_to_the_rows_that_rare_words_find():
    known = {"kiln": 40, "mug": 5000, "bowl": 2000, "blue": 30_000}
    begun = {"mug": 400}.get

    def parts(text):
        return planned(text, known, 100_000, {}, begun=lambda word: begun(word, 0)).parts

    whole = "('mug') | ('mug':*ABC)"
    assert parts("kiln mug") == ("(('kiln'))", f"({whole})")
    # Looking at all bowls would take longer than collecting all mugs.
    assert parts("bowl mug") == (f"(('bowl')) & ({whole})", None)
    # Too many are blue, and a mug alone is all that is asked for.
    assert parts("blue mug") == (f"(('blue')) & ({whole})", None)
    assert parts("mug") == (f"({whole})", None)
    assert parts("mug kiln") == ("(('mug')) & (('kiln'))", None)
