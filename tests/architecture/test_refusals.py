from __future__ import annotations

import importlib

import commercekit.errors as tree
from commercekit.errors import CommerceKitError, Conflict, NotFound, Refused
from tests.architecture.refusals import all_subclasses, ambiguous, incomplete
from tests.architecture.source import core, none_of, plugins


def _refusals() -> list[type[CommerceKitError]]:
    # All of them: a refusal may stand beside the only one who raises it.
    for module in (*core(), *plugins()):
        if "piccolo_migrations" not in module.parts and module.parts[-1] != "__main__":
            importlib.import_module(module.name)
    found = all_subclasses(Refused)
    return sorted(
        (one for one in found if one.__module__.startswith("commercekit") and one.__doc__),
        key=lambda one: one.__qualname__,
    )


def test_every_refusal_has_a_slug_and_a_title_in_both_languages():
    assert none_of(incomplete(_refusals()))


def test_no_two_refusals_share_a_slug():
    assert none_of(ambiguous(_refusals()))


def test_the_tree_is_exported_whole():
    defined = {
        name
        for name, value in vars(tree).items()
        if isinstance(value, type) and value.__module__ == tree.__name__
    }
    assert defined == set(tree.__all__)


def test_a_refusal_without_words_of_its_own_is_seen():
    wordless = type("Wordless", (Conflict,), {})
    assert list(incomplete([wordless])) == [
        "Wordless has no slug of its own",
        "Wordless has no title of its own",
        "Wordless has no title_zh of its own",
    ]


def test_a_title_that_was_not_translated_is_seen():
    words = {"slug": "sold-out", "title": "Sold out", "title_zh": "Sold out"}
    assert list(incomplete([type("SoldOut", (Conflict,), words)])) == [
        "SoldOut: 'Sold out' is not Chinese"
    ]


def test_a_slug_with_blanks_is_seen():
    words = {"slug": "sold out", "title": "Sold out", "title_zh": "售罄"}
    assert list(incomplete([type("SoldOut", (Conflict,), words)])) == [
        "SoldOut: 'sold out' is no slug"
    ]


def test_a_shared_slug_is_seen():
    words = {"slug": "sold-out", "title": "Sold out", "title_zh": "售罄"}
    pair = [type("SoldOut", (Conflict,), words), type("Gone", (Conflict,), words)]
    assert list(ambiguous(pair)) == ["sold-out belongs to Gone, SoldOut"]


def test_an_absence_may_go_by_the_words_of_all_absences():
    assert list(incomplete([type("NoSuchOrder", (NotFound,), {})])) == []
    assert list(ambiguous([NotFound, type("NoSuchOrder", (NotFound,), {})])) == []


def test_an_absence_with_a_title_in_one_language_is_seen():
    words = {"title": "No such order"}
    assert list(incomplete([type("NoSuchOrder", (NotFound,), words)])) == [
        "NoSuchOrder has no title_zh of its own"
    ]
