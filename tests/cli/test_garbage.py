"""Garbage is looked for seldom while a command is busy, and as before when it is done."""

import gc

import pytest

from commercekit.cli.garbage import collecting_seldom


def test_afterwards_it_is_looked_for_as_before() -> None:
    before = gc.get_threshold()
    frozen = gc.get_freeze_count()
    message = "in the midst of it"
    with pytest.raises(RuntimeError, match=message), collecting_seldom():
        assert gc.get_threshold()[0] > before[0]
        assert gc.get_freeze_count() > frozen
        raise RuntimeError(message)
    assert gc.get_threshold() == before
    assert gc.get_freeze_count() <= frozen
