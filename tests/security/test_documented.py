"""What the pages on security say of the code is so."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import commercekit.app
from commercekit.platform.http.problems import kinds_of_problem
from commercekit.platform.http.security_events import SECURITY_EVENTS

PAGES = Path(__file__).resolve().parents[2] / "docs/security"
BOTH = pytest.mark.parametrize(
    ("page", "events", "rules"),
    [
        ("README.md", "Events of security", "What has to fit together"),
        ("zh/README.md", "安全事件", "必须相互吻合的内容"),
    ],
)


def rows_of(page: str, title: str) -> list[list[str]]:
    """The table of a section, without its head, as the codes in each cell."""
    text = (PAGES / page).read_text(encoding="utf-8")
    section = text.partition(f"## {title}\n")[2].partition("\n## ")[0]
    lines = [line for line in section.splitlines() if line.startswith("|")][2:]
    return [re.findall(r"`([a-z-]+)`", line) for line in lines]


@BOTH
def test_events_of_security_are_those_of_the_code(page, events, rules):
    told = {slug: kind for kind, *slugs in rows_of(page, events) for slug in slugs}
    assert told == SECURITY_EVENTS


@BOTH
def test_rules_across_fields_name_refusals_that_there_are(page, events, rules):
    assert commercekit.app, "every domain is imported, and with it every refusal"
    known = kinds_of_problem()
    named = [slug for row in rows_of(page, rules) for slug in row]
    assert len(named) >= 14
    assert [slug for slug in named if slug not in known] == []


def test_every_event_of_security_is_a_refusal_that_there_is():
    assert commercekit.app
    assert set(SECURITY_EVENTS) - set(kinds_of_problem()) == set()
