"""``platform_first_come`` against a model of ten lines, on a real PostgreSQL."""

from __future__ import annotations

import asyncio

import asyncpg
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

CALL = "SELECT platform_first_come($1::int[], $2::int[], $3::bigint[], $4::bigint[])"


def model(wishes, left):
    """Who is served: each takes all that it wants, or nothing."""
    left, served = list(left), []
    for turn, wanted in wishes:
        if all(left[c] is None or left[c] >= n for c, n in wanted.items()):
            served.append(turn)
            for counter, number in wanted.items():
                if left[counter] is not None:
                    left[counter] -= number
    return served


async def served(connection, wishes, left):
    """What the function says; counters are counted from 1 there."""
    flat = [(turn, c + 1, n) for turn, wanted in wishes for c, n in sorted(wanted.items())]
    turns, counters, numbers = ([row[at] for row in flat] for at in range(3))
    return await connection.fetchval(CALL, turns, counters, numbers, list(left))


@st.composite
def situations(draw):
    left = draw(st.lists(st.none() | st.integers(0, 12), min_size=1, max_size=5))
    counters = st.integers(0, len(left) - 1)
    wanted = st.dictionaries(counters, st.integers(1, 6), min_size=1, max_size=4)
    numbers = draw(st.lists(st.integers(0, 200), unique=True, max_size=12).map(sorted))
    return [(turn, draw(wanted)) for turn in numbers], left


@pytest.mark.promise("R18")
def test_it_serves_whom_the_model_serves(dsn):
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))

        @settings(max_examples=150, deadline=None)
        @given(situations())
        @example(([(0, {0: 5}), (1, {0: 4}), (2, {0: 1})], [5]))
        @example(([(0, {0: 1, 1: 9}), (1, {0: 5})], [5, 8]))
        @example(([(3, {0: 2}), (7, {0: 2})], [None]))
        def agree(situation):
            wishes, left = situation
            assert runner.run(served(connection, wishes, left)) == model(wishes, left)

        agree()
        runner.run(connection.close())


def test_a_refused_turn_leaves_everything_for_the_next(dsn):
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        # The first wants too much of the second counter; what it wanted of the first goes on.
        wishes = [(0, {0: 3, 1: 2}), (1, {0: 3}), (2, {1: 1})]
        assert runner.run(served(connection, wishes, [3, 1])) == [1, 2]
        runner.run(connection.close())


def test_nobody_wants_anything(dsn):
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(dsn))
        assert runner.run(connection.fetchval(CALL, [], [], [], [5])) == []
        assert runner.run(connection.fetchval(CALL, None, None, None, None)) == []
        runner.run(connection.close())
