"""Ids carry their time, sort by it, and survive a clock that jumps back."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from commercekit.kernel import id_at, ids, month_bounds, new_id, time_of


def test_an_id_tells_when_it_was_made() -> None:
    before = datetime.now(UTC) - timedelta(milliseconds=2)
    made = time_of(new_id())
    assert before <= made <= datetime.now(UTC) + timedelta(milliseconds=2)


def test_ids_of_later_milliseconds_sort_later() -> None:
    moment = datetime(2026, 5, 4, 3, 2, 1, tzinfo=UTC)
    assert id_at(moment) < id_at(moment + timedelta(milliseconds=1))


def test_an_imported_id_has_the_date_of_what_it_names_and_is_version_7() -> None:
    moment = datetime(2011, 12, 9, 12, 50, tzinfo=UTC)
    imported = id_at(moment)
    assert time_of(imported) == moment
    assert imported.version == 7
    assert imported != id_at(moment)


@pytest.mark.promise("R25")
def test_a_clock_that_jumps_back_is_clamped(monkeypatch: pytest.MonkeyPatch) -> None:
    first = new_id()
    now = ids.time_ns()
    monkeypatch.setattr(ids, "time_ns", lambda: now - 3_600_000_000_000)
    later = new_id()
    assert time_of(later) >= time_of(first)
    assert later.version == 7


def test_month_bounds_meet_and_hold_every_id_of_the_month() -> None:
    low, high = month_bounds(datetime(2026, 12, 31, 23, 59, tzinfo=UTC))
    assert time_of(low) == datetime(2026, 12, 1, tzinfo=UTC)
    assert time_of(high) == datetime(2027, 1, 1, tzinfo=UTC)
    assert month_bounds(datetime(2027, 1, 1, tzinfo=UTC))[0] == high
    assert low <= id_at(datetime(2026, 12, 1, tzinfo=UTC)) < high
    assert low <= id_at(datetime(2026, 12, 31, 23, 59, 59, 999000, tzinfo=UTC)) < high
