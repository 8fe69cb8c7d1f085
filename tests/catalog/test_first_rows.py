"""What an import remembers of every row of a file: right, and small."""

from __future__ import annotations

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from commercekit.catalog.service.importing.seen import FirstRows


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.text(max_size=3), st.integers(1, 2**31))))
def test_the_first_row_of_each_text_is_the_one_that_counts(told):
    rows, plain = FirstRows(), {}
    for text, row in told:
        assert rows.row_of(text) == plain.get(text)
        assert rows.note(text, row) == plain.setdefault(text, row)
    assert {text: rows.row_of(text) for text in plain} == plain
    assert rows.row_of("none of these") is None


def test_tables_that_grow_keep_what_they_have():
    rows = FirstRows()
    for n in range(30_000):
        assert rows.note(f"sku-{n}", n + 1) == n + 1
    assert all(rows.note(f"sku-{n}", 7) == n + 1 for n in range(30_000))
    assert all(rows.row_of(f"SKU-{n}") is None for n in range(30_000))


def test_a_text_takes_a_few_bytes_however_long_it_is():
    texts = [f"{'long ' * 20}{n}" for n in range(20_000)]
    tracemalloc.start()
    try:
        rows = FirstRows()
        for n, text in enumerate(texts):
            rows.note(text, n)
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # As a set of the same numbers it is seventy, as a dict more than a hundred.
    assert most / len(texts) < 40
