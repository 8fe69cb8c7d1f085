"""State tables say what is possible; texts find the reader's language."""

from __future__ import annotations

from enum import StrEnum

import pytest

from commercekit.errors import InvalidTransition
from commercekit.kernel import StateTable, parse_accept_language, pick


class Door(StrEnum):
    """Something with states."""

    OPEN = "open"
    SHUT = "shut"
    GONE = "gone"


TABLE = StateTable(
    "door", {Door.OPEN: {Door.SHUT}, Door.SHUT: {Door.OPEN, Door.GONE}, Door.GONE: set()}
)


def test_a_step_in_the_table_is_allowed() -> None:
    TABLE.check(Door.OPEN, Door.SHUT)
    assert TABLE.allows(Door.SHUT, Door.GONE)


def test_a_step_outside_the_table_is_refused_with_what_is_possible() -> None:
    with pytest.raises(InvalidTransition) as refusal:
        TABLE.check(Door.OPEN, Door.GONE)
    assert refusal.value.detail == "A door that is open cannot become gone; possible: shut."
    assert refusal.value.extra == {"state": "open", "wanted": "gone"}


def test_a_final_state_leads_nowhere() -> None:
    with pytest.raises(InvalidTransition, match="possible: nothing more"):
        TABLE.check(Door.GONE, Door.OPEN)


def test_edges_list_every_step_once() -> None:
    assert list(TABLE.edges()) == [
        (Door.OPEN, Door.SHUT),
        (Door.SHUT, Door.GONE),
        (Door.SHUT, Door.OPEN),
    ]


@pytest.mark.parametrize(
    ("languages", "expected"),
    [(["zh-CN"], "衬衫"), (["de", "zh"], "衬衫"), (["de"], "Shirt"), ([], "Shirt")],
)
def test_the_reader_s_language_then_english(languages: list[str], expected: str) -> None:
    assert pick({"en": "Shirt", "zh": "衬衫"}, languages) == expected


def test_any_text_is_better_than_none() -> None:
    assert pick({"fr": "Chemise"}, ["zh"]) == "Chemise"
    assert pick({}, ["zh"]) == ""


@pytest.mark.parametrize(
    ("header", "languages"),
    [
        ("zh-CN,zh;q=0.9,en;q=0.8", ("zh-CN", "zh", "en")),
        ("en;q=0.2, zh;q=0.7", ("zh", "en")),
        ("*, de;q=0", ()),
        ("de;q=abc, ../../etc, en", ("en",)),
        (None, ()),
    ],
)
def test_accept_language_is_read_best_first(header: str | None, languages: tuple[str, ...]) -> None:
    assert parse_accept_language(header) == languages
