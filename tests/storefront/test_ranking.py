"""What SQL matches and how it ranks is what the plan says, counted out again in Python."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from commercekit.storefront import ListQuery
from commercekit.storefront.rules import plans
from commercekit.storefront.rules.plans import FOUND_IN_TEXT, TIER_SORTS
from commercekit.storefront.rules.searching import MAX_CONCEPTS, planned, vector
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
    total = 0
    for concept in concepts:
        for value, sorts in TIER_SORTS:
            if any(
                alternative.quality == quality and has(index, alternative, weight)
                for quality, weight in sorts
                for alternative in concept.alternatives
            ):
                total += round(10_000 * value * concept.weight)
                break
    return (total + 5) // 10


def matches(index, concept):
    return any(has(index, each, FOUND_IN_TEXT[each.quality]) for each in concept.alternatives)


@pytest.fixture(params=["together", "apart"])
def collected(request, monkeypatch):
    """All words that the index is asked for, and all but one that the rows are asked for."""
    if request.param == "apart":
        monkeypatch.setattr(plans.Concept, "takes", 999)


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


def parts_of(text, known, begun):
    plan = planned(text, known, 100_000, {}, begun=lambda word: begun.get(word, 0))
    asked, left = plan.parts
    return asked.replace("(", "").replace(")", ""), left and left.replace("(", "").replace(")", "")


def test_a_frequent_beginning_is_left_to_the_rows_that_rare_words_find():
    known = {"kiln": 40, "mug": 5000, "bowl": 2000, "blue": 30_000}
    begun = {"mug": 400}
    mug = "'~mug' | 'mug':*"
    assert parts_of("kiln mug", known, begun) == ("'kiln' | '~kiln'", mug)
    # Looking at all bowls would take longer than collecting all mugs.
    assert parts_of("bowl mug", known, begun) == (f"'bowl' | '~bowl' & {mug}", None)
    assert parts_of("mug", known, begun) == (mug, None)


def test_a_frequent_word_is_left_to_the_rows_as_well():
    known = {"kiln": 40, "blue": 30_000, "bowl": 3000, "tray": 900}
    both = "'blue' | '~blue'"
    assert parts_of("blue kiln", known, {}) == ("'kiln' | '~kiln'", both)
    # Passing by all bowls is as quick as looking at forty kilns.
    assert parts_of("bowl kiln", known, {}) == ("'bowl' | '~bowl' & 'kiln' | '~kiln'", None)
    assert parts_of("blue tray", known, {}) == (f"{both} & 'tray' | '~tray'", None)
    # Few trays are bowls: the longest to collect is left.
    assert parts_of("blue tray bowl", known, {}) == (
        "'tray' | '~tray' & 'bowl' | '~bowl'", both,
    )  # fmt: skip


def test_a_word_of_the_description_alone_stands_apart_in_the_index():
    text, terms = vector([("A", "red mug"), ("B", "tea"), ("D", "a mug for tea from clay")])
    kept = dict(each.split(":") for each in text.split())
    assert set(kept) == {"'red'", "'mug'", "'tea'", "'~clay'"}
    assert [each[-1] for each in kept["'mug'"].split(",")] == ["A", "D"]
    assert set(terms) == {"red", "mug", "tea", "clay"}


async def test_beginnings_are_counted_without_descriptions(shop):
    await shop.product("teapot", description={"en": "<p>mugs</p>"})
    await shop.product("mugwort", name={"en": "Mugwort"}, description={"en": "<p>teapot</p>"})
    await shop.storefront.tend()
    rows = await shop.db.fetch(
        "SELECT term, documents, named FROM storefront_term WHERE term = ANY ($1)",
        ["teapot", "mugwort", "mugs", "mug", "~mugs", "~teapot"],
    )
    assert sorted((row["term"], row["documents"], row["named"]) for row in rows) == [
        ("mug", 1, 0), ("mugs", 1, 0), ("mugwort", 1, 1), ("teapot", 2, 1),
    ]  # fmt: skip
    plan = await shop.storefront.vocabulary.plan(shop.market.id, "mug")
    (concept,) = plan.concepts
    assert (concept.at_most, concept.begun) == (2, 1)
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="mug"))
    assert {item.slug for item in listed.items} == {"teapot", "mugwort"}
    # Its beginning is in the one's name; in the other's description there is only "mugs".
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="mugw"))
    assert [item.slug for item in listed.items] == ["mugwort"]
    listed = await shop.storefront.products(shop.market, "en", ListQuery(q="teap"))
    assert [item.slug for item in listed.items] == ["teapot"]


def test_a_beginning_collects_the_whole_word_as_well():
    known = {"bowl": 450, "mug": 9000}
    plan = planned("bowl mug", known, 100_000, {}, begun=lambda _: 400)
    assert plan.parts[1] is None
    plan = planned("bowl mug", known, 100_000, {}, begun=lambda _: 400, named=known.__getitem__)
    # Four thousand of these take longer than looking at 450 bowls.
    assert [concept.begun for concept in plan.concepts] == [0, 9400]
    assert [concept.at_most for concept in plan.concepts] == [450, 9400]
    assert plan.parts[1] == plan.concepts[1].condition() == "(('~mug') | ('mug':*))"


def test_what_two_rare_words_find_is_asked_for_the_third():
    rare = {"kiln": 100, "tray": 20, "glaze": 300}
    kiln, tray = "'kiln' | '~kiln'", "'tray' | '~tray'"
    assert parts_of("glaze kiln tray", rare, {}) == (f"{kiln} & {tray}", "'glaze' | '~glaze'")
    # Words that keep company are in more products than chance says: 500 of 5000.
    known = {"tea": 5000, "pot": 6000, "lid": 7000}
    assert parts_of("lid tea pot", known, {})[1] is None


def test_most_are_asked_one_thing_to_know_what_a_word_counts():
    (mug,) = planned("mug", {"mug": 50}, 1000, {}, begun=lambda _: 9).concepts
    gate, of_named, of_others = mug.tiers(is_had=True)
    assert gate == "('mug':*ABC)"
    assert [query for query, _ in of_named[:-1]] == [
        "('mug':A)", "('mug':C)", "('mug':B)", "('mug':*A)",
    ]  # fmt: skip
    assert (of_named[-1][0], of_others) == (None, ((None, 6100),))
    # What is looked at for another word need not have it.
    assert mug.tiers(is_had=False).of_others == (("('~mug')", 6100), ("('~mug':*)", 3050))


def test_a_phrase_may_be_partly_in_the_name_and_partly_in_the_description():
    (phrase,) = planned("t-shirt", {"t": 5, "shirt": 5}, 1000, {}).concepts
    gate, of_named, of_others = phrase.tiers(is_had=True)
    assert gate.startswith("('t':ABC <1> 'shirt':ABC)")
    assert of_named[-len(of_others) :] == of_others
    assert all(query for query, _ in of_named)
