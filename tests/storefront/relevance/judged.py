"""The catalogue, the judged queries, and how well an answer to one does."""

from __future__ import annotations

import csv
from math import log2
from pathlib import Path

HERE = Path(__file__).parent


def catalogue():
    """Products by row, as ``catalogue.tsv`` has them."""
    with (HERE / "catalogue.tsv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))


def judgements():
    """From each query to the grades of the products that it wants."""
    found = {}
    for line in (HERE / "judgements.tsv").read_text(encoding="utf-8").splitlines():
        query, wanted = line.split("\t")
        pairs = (each.split(":") for each in wanted.split())
        assert query not in found, f"{query} is judged twice"
        found[query] = {slug: int(grade) for slug, grade in pairs}
    return found


def ndcg(found, grades, *, depth=10):
    """How much of the best possible gain the first ``depth`` bring; 1 is perfect."""
    got = _gain([grades.get(slug, 0) for slug in found[:depth]])
    return got / _gain(sorted(grades.values(), reverse=True)[:depth])


def _gain(grades):
    return sum((2**grade - 1) / log2(place + 2) for place, grade in enumerate(grades))
