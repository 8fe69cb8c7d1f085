"""What is tried against the shop, and by which test; rows.toml and docs/security/asvs.csv name them."""

from __future__ import annotations

import ast
import csv
import tomllib
from functools import lru_cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
ROWS = tomllib.loads((ROOT / "tests/security/rows.toml").read_text(encoding="utf-8"))
SERVING = sorted(
    path
    for path in (ROOT / "src/commercekit").rglob("*.py")
    if path.relative_to(ROOT / "src/commercekit").parts[0] not in ("testing", "cli")
)

# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has, and which numbers they bear.
ASVS = {
    1: {1: 2, 2: 9, 3: 11, 4: 3, 5: 2},
    2: {1: 3, 2: 3, 3: 4, 4: 1},
    3: {2: 2, 3: 4, 4: 6, 5: 5, 7: 2},
    4: {1: 3, 2: 1, 3: 2, 4: 4},
    5: {1: 1, 2: 3, 3: 2, 4: 3},
    6: {1: 3, 2: 12, 3: 4, 4: 4, 5: 5, 6: 3, 8: 4},
    7: {1: 3, 2: 4, 3: 2, 4: 5, 5: 2, 6: 2},
    8: {1: 2, 2: 3, 3: 1, 4: 1},
    9: {1: 3, 2: 4},
    10: {1: 2, 2: 2, 3: 4, 4: 11, 5: 5, 6: 2, 7: 3},
    11: {1: 2, 2: 3, 3: 3, 4: 4, 5: 1, 6: 1},
    12: {1: 3, 2: 2, 3: 4},
    13: {1: 1, 2: 5, 3: 2, 4: 5},
    14: {1: 2, 2: 4, 3: 3},
    15: {1: 3, 2: 3, 3: 7},
    16: {1: 1, 2: 5, 3: 4, 4: 3, 5: 3},
    17: {1: 1, 2: 4, 3: 2},
}


def wanted() -> list[str]:
    return [
        f"V{chapter}.{section}.{number}"
        for chapter, sections in ASVS.items()
        for section, count in sections.items()
        for number in range(1, count + 1)
    ]


@lru_cache
def names_in(path: str) -> frozenset[str]:
    file = ROOT / path
    if not file.is_file():
        return frozenset()
    tree = ast.parse(file.read_text(encoding="utf-8"))
    return frozenset(
        node.name
        for node in tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.name.startswith("test_")
    )


def is_there(told: str) -> bool:
    path, _, name = told.partition("::")
    if not name:
        return (ROOT / path).exists()
    found = names_in(path)
    return bool(found) if name == "*" else name in found


def test_every_row_is_there():
    assert list(ROWS) == [str(number) for number in range(1, 69)]


@pytest.mark.parametrize("number", ROWS)
def test_row_is_tried_or_says_why_not(number):
    row = ROWS[number]
    assert row.get("tests") or row.get("open"), row["attempt"]
    assert [each for each in row.get("tests", ()) if not is_there(each)] == []


def test_every_requirement_of_level_two_is_judged_and_what_it_names_is_there():
    with (ROOT / "docs/security/asvs.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["id"] for row in rows] == wanted()
    assert len(rows) == 253
    for row in rows:
        assert row["status"] in ("tested", "documented", "deployment", "partly", "open", "no")
        evidence = row["evidence"].split()
        assert [each for each in evidence if not is_there(each)] == [], row["id"]
        assert (row["status"] not in ("tested", "documented")) or evidence, row["id"]
        assert evidence or row["reason"], row["id"]


def test_nothing_that_serves_reads_pickle_or_yaml():
    forbidden = {"pickle", "marshal", "shelve", "yaml", "dill", "cloudpickle"}
    found = []
    for path in SERVING:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = (
                [alias.name for alias in node.names]
                if isinstance(node, ast.Import)
                else [node.module or ""]
                if isinstance(node, ast.ImportFrom)
                else []
            )
            found += [str(path) for name in names if name.partition(".")[0] in forbidden]
    assert found == []
