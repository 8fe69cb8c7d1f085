"""What a snapshot proves, and what it does not."""

from __future__ import annotations

import random

import pytest

from commercekit.platform.cache import Ledger, Snapshot


def snapshot(text):
    return Snapshot.parse(text)


@pytest.mark.parametrize(
    ("xid", "is_seen"),
    [(9, True), (10, False), (11, True), (12, False), (13, True), (14, False), (99, False)],
)
def test_a_snapshot_saw_what_had_ended_and_nothing_else(xid, is_seen):
    assert snapshot("10:14:10,12").sees(xid) is is_seen


def test_a_snapshot_is_written_as_it_was_read():
    assert str(snapshot("10:14:12,10")) == "10:14:10,12"
    assert str(snapshot("10:10:")) == "10:10:"


@pytest.mark.parametrize("text", ["", "10", "10:11", "a:b:c", "1:2:x"])
def test_what_is_no_snapshot_is_refused(text):
    with pytest.raises(ValueError):
        snapshot(text)


def test_orders_sort_as_a_server_took_the_snapshots():
    """A server that begins and ends transactions at random."""
    rolls = random.Random(7)
    following, running, taken = 1000, set(), []
    for _ in range(400):
        if rolls.random() < 0.5:
            running.add(following)
            following += 1
        elif running:
            running.remove(rolls.choice(sorted(running)))
        # As PostgreSQL does: up to the youngest that has ended.
        ended = [xid for xid in range(999, following) if xid not in running]
        high = max(ended) + 1
        within = frozenset(xid for xid in running if xid < high)
        taken.append(Snapshot(min(within, default=high), high, within).order)
    assert taken == sorted(taken)
    assert {len(order) for order in taken} == {36}
    assert snapshot("9:10:9").order < snapshot("10:10:").order < snapshot("10:11:10").order


def test_nothing_is_proven_before_the_log_was_read():
    ledger = Ledger()
    ledger.note(5, ["mug"])
    assert not ledger.is_complete
    assert not ledger.proves(["mug"], snapshot("100:100:"))
    ledger.complete(3, [])
    assert ledger.proves(["mug"], snapshot("100:100:"))
    ledger.reset()
    assert not ledger.proves(["mug"], snapshot("100:100:"))


def test_who_did_not_see_a_change_is_not_believed_about_what_it_touched():
    ledger = Ledger()
    ledger.complete(3, [(10, ["mug", ""]), (11, ["cup"])])
    before, between, after = snapshot("10:10:"), snapshot("10:12:10"), snapshot("12:12:")
    assert not ledger.proves(["mug"], before)
    assert not ledger.proves(["mug"], between)
    assert ledger.proves(["mug"], after)
    assert not ledger.proves(["cup"], before)
    assert ledger.proves(["cup"], between)
    assert not ledger.proves([""], between)
    assert ledger.proves(["jug"], before)
    assert not ledger.proves(["jug", "mug"], before)
    assert (ledger.latest(["mug", "cup"]), ledger.latest(["jug"])) == (11, 0)


def test_an_earlier_number_that_commits_later_counts_as_much():
    ledger = Ledger()
    ledger.complete(3, [(11, ["mug"])])
    seen = snapshot("10:12:10")
    assert ledger.proves(["mug"], seen)
    ledger.note(10, ["mug"])
    assert not ledger.proves(["mug"], seen)


def test_who_has_not_seen_the_end_of_what_may_be_forgotten_is_not_believed_at_all():
    ledger = Ledger()
    ledger.complete(50, [])
    assert not ledger.proves(["mug"], snapshot("49:60:49"))
    assert ledger.proves(["mug"], snapshot("50:60:50"))


def test_what_is_forgotten_for_want_of_room_moves_the_horizon():
    ledger = Ledger(most=10)
    ledger.complete(3, [])
    for xid in range(100, 111):  # the eleventh makes these the old ones
        ledger.note(xid, [f"p{xid}"])
    assert not ledger.proves(["p100"], snapshot("100:100:"))
    assert ledger.proves(["jug"], snapshot("100:100:"))
    for xid in range(111, 122):  # and these make the old ones go
        ledger.note(xid, [f"p{xid}"])
    assert not ledger.proves(["jug"], snapshot("110:200:110"))
    assert ledger.proves(["jug"], snapshot("111:200:111"))
    assert not ledger.proves(["p115"], snapshot("111:115:"))


def test_room_is_bounded_while_nobody_reads_the_log():
    ledger = Ledger(most=10)
    for xid in range(1000):
        ledger.note(xid, [f"p{xid}", ""])
    ledger.complete(990, [(xid, [f"p{xid}"]) for xid in range(990, 1000)])
    assert not ledger.proves(["p995"], snapshot("995:995:"))
    assert ledger.proves(["p995"], snapshot("1000:1000:"))
