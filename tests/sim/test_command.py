"""``commercekit sim`` itself: what it prints, and how it says that the shop was wrong."""

from __future__ import annotations

from typing import Any

import pytest
from click.testing import CliRunner

from commercekit.cli import cli
from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.story import Story


def test_a_story_is_told_line_by_line_on_a_database_of_its_own() -> None:
    done = CliRunner().invoke(cli, ["sim", "--seed", "4", "--steps", "12"], catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].startswith("00001 0d 00:00:00 ")
    assert " books: " in lines[-1]


def test_a_failure_says_the_shortest_command_that_shows_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def play(self: Story, *_: Any) -> None:
        self.reached = 17
        message = "the shop keeps 5 of a cancelled order"
        raise Broken(message)

    monkeypatch.setattr(Story, "play", play)
    done = CliRunner().invoke(cli, ["sim", "--seed", "4", "--steps", "900"])
    assert done.exit_code == 1
    assert str(done.exception) == (
        "the shop keeps 5 of a cancelled order\nreplay: commercekit sim --seed 4 --steps 17"
    )
