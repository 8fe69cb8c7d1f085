"""Two other processes answer the same questions; one that cannot be asked says why."""

from __future__ import annotations

import pytest

from commercekit.testing.conformance.twins import TwinError, as_bytes, ask_twins
from tests.testing.sample_thinkers import Holder, Thinker


def test_both_answer_in_the_order_of_the_questions():
    thinker = Thinker()
    assert ask_twins([(thinker.twice, (n,)) for n in range(3)]) == [[b"0", b"2", b"4"]] * 2


def test_each_has_a_hash_seed_of_its_own():
    assert ask_twins([(Thinker().seed, (0,))]) == [[b'"1"'], [b'"2"']]


def test_they_are_asked_backwards_so_that_memories_show():
    thinker = Thinker()
    answers = ask_twins([(thinker.order, (word,)) for word in ("a", "b")])
    assert answers == [[b'["b","a"]', b'["b"]']] * 2


def test_what_is_printed_is_no_answer():
    assert ask_twins([(Thinker().prints, (7,))]) == [[b"7"], [b"7"]]


def test_what_is_raised_is_an_answer_too():
    assert ask_twins([(Thinker().fails, (7,))]) == [[b"raised ValueError(7)"]] * 2


def test_what_cannot_travel_says_so():
    with pytest.raises(TwinError, match="lambda"):
        ask_twins([(Holder().twice, (1,))])


def test_who_ends_the_process_is_told_and_the_next_one_is_asked_all_the_same():
    with pytest.raises(TwinError, match="ended"):
        ask_twins([(Thinker().ends, (1,))])
    assert ask_twins([(Thinker().twice, (1,))]) == [[b"2"], [b"2"]]


def test_equal_answers_are_equal_bytes():
    assert as_bytes({"b": 1, "a": frozenset({"x", "y"})}) == b'{"a":["x","y"],"b":1}'
