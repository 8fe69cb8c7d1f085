"""What is clean, what a slug and a SKU are made of, what makes a product."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercekit.catalog import (
    NewVariant,
    Option,
    OptionValue,
    ProductRefused,
    ProductStatus,
    rules,
)


@pytest.mark.parametrize(
    ("html", "clean"),
    [
        ("<p>Soft <b>wool</b></p>", "<p>Soft <b>wool</b></p>"),
        ("<script>alert(1)</script>Soft", "Soft"),
        ('<img src=x onerror="alert(1)">', '<img src="x">'),
        ('<a href="javascript:alert(1)">go</a>', '<a rel="noopener noreferrer nofollow">go</a>'),
        ('<p style="position:fixed">x</p>', "<p>x</p>"),
        ("<iframe src='https://evil.example'></iframe>x", "x"),
        ("wool & silk", "wool &amp; silk"),
        ("nul\x00 and bell\x07", "nul and bell"),
    ],
)
def test_descriptions_keep_structure_and_lose_scripts(html, clean):
    assert rules.clean_html(html) == clean


@given(st.text(max_size=200))
def test_cleaning_twice_changes_nothing(html):
    once = rules.clean_html(html)
    assert rules.clean_html(once) == once


@pytest.mark.parametrize(
    ("text", "slug"),
    [
        ("Ocean Blue Shirt", "ocean-blue-shirt"),
        ("  T-Shirt (new!)  ", "t-shirt-new"),
        ("Café Crème", "cafe-creme"),
        ("羊毛 围巾", "羊毛-围巾"),
        ("ＦＵＬＬ width", "full-width"),
        ("!!!", ""),
        ("\U0001f600", ""),
    ],
)
def test_slugs_are_lower_case_words(text, slug):
    assert rules.slugify(text) == slug


def test_a_sku_is_made_of_slug_and_values():
    assert rules.made_up_sku("classic-varsity-top", ["Small"]) == "CLASSIC-VARSITY-TOP-SMALL"
    assert rules.made_up_sku("ocean-blue-shirt", []) == "OCEAN-BLUE-SHIRT"
    assert rules.made_up_sku("mug", ["Deep  blue", "0.3 l"]) == "MUG-DEEP-BLUE-0-3-L"
    assert rules.made_up_sku("杯子", ["大"]) == "杯子-大"


def test_a_taken_sku_is_numbered():
    assert rules.made_up_sku("mug", ["A B"], {"MUG-A-B"}) == "MUG-A-B-2"
    assert rules.made_up_sku("mug", ["A B"], {"MUG-A-B", "MUG-A-B-2"}) == "MUG-A-B-3"


def test_long_skus_end_in_a_digest_that_tells_them_apart():
    one = rules.made_up_sku("a" * 120, ["x"])
    two = rules.made_up_sku("a" * 120, ["y"])
    assert one != two
    assert len(one) <= 100
    assert rules.made_up_sku("a" * 120, ["x"]) == one


def option(code, *values):
    return Option(code, {"en": code}, tuple(OptionValue(value, {"en": value}) for value in values))


def faults(**overrides):
    product = {
        "name": {"en": "Mug"},
        "status": ProductStatus.ACTIVE,
        "options": (),
        "images": (),
        "variants": (NewVariant(sku="MUG"),),
        **overrides,
    }
    with pytest.raises(ProductRefused) as refused:
        rules.check_product(**product)
    return [(fault.pointer, fault.code) for fault in refused.value.errors]


def test_a_product_needs_a_name():
    assert faults(name={}) == [("/name", "required")]


def test_an_active_product_needs_a_variant():
    assert faults(variants=()) == [("/status", "no-variants")]


def test_a_draft_may_have_no_variants():
    rules.check_product(
        name={"en": "Mug"}, status=ProductStatus.DRAFT, options=(), images=(), variants=()
    )


def test_there_are_at_most_three_options():
    four = tuple(option(code, "x") for code in "ABCD")
    variant = NewVariant(sku="V", options=dict.fromkeys("ABCD", "x"))
    assert faults(options=four, variants=(variant,)) == [("/options", "too-many")]


def test_two_options_have_different_codes():
    twice = (option("A", "x"), option("A", "y"))
    assert ("/options/1/code", "duplicate-option") in faults(options=twice)


def test_the_values_of_an_option_are_different():
    variant = NewVariant(sku="V", options={"A": "x"})
    assert faults(options=(option("A", "x", "x"),), variants=(variant,)) == [
        ("/options/0/values", "duplicate-value")
    ]


def test_two_variants_have_different_combinations():
    size = option("Size", "S", "M")
    same = (
        NewVariant(sku="A", options={"Size": "S"}),
        NewVariant(sku="B", options={"Size": "S"}),
    )
    assert faults(options=(size,), variants=same) == [
        ("/variants/1/options", "duplicate-combination")
    ]


def test_without_options_there_is_one_variant():
    assert faults(variants=(NewVariant(sku="A"), NewVariant(sku="B"))) == [
        ("/variants/1/options", "duplicate-combination")
    ]


@pytest.mark.parametrize("options", [{}, {"Size": "XL"}, {"Colour": "S"}, {"Size": "S", "X": "S"}])
def test_a_variant_has_one_listed_value_for_each_option(options):
    variant = NewVariant(sku="A", options=options)
    assert faults(options=(option("Size", "S"),), variants=(variant,)) == [
        ("/variants/0/options", "not-a-combination")
    ]


def test_a_sku_stands_once():
    size = option("Size", "S", "M")
    same = (
        NewVariant(sku="A", options={"Size": "S"}),
        NewVariant(sku="A", options={"Size": "M"}),
    )
    assert faults(options=(size,), variants=same) == [("/variants/1/sku", "duplicate-sku")]


def test_a_variant_shows_a_picture_of_its_product():
    variant = NewVariant(sku="A", image_url="https://pics.example/other.jpg")
    assert faults(variants=(variant,)) == [("/variants/0/image_url", "unknown-image")]


def test_every_fault_is_named_at_once():
    assert faults(name={}, variants=()) == [("/name", "required"), ("/status", "no-variants")]
