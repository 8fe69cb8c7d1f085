"""``commercekit sim`` itself: what it prints, and how it says that the shop was wrong."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from click.testing import CliRunner

from commercekit.cli import cli
from commercekit.cli.simulation.failures import Broken
from commercekit.cli.simulation.story import Story

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    """The command sets up logging for a process of its own, and this one is the tests'."""
    root, configured = logging.getLogger(), structlog.get_config()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.configure(**configured)


def test_a_story_is_told_line_by_line_on_a_database_of_its_own() -> None:
    done = CliRunner().invoke(cli, ["sim", "--seed", "4", "--steps", "12"], catch_exceptions=False)
    assert done.exit_code == 0
    lines = done.output.splitlines()
    assert lines[0].startswith("00001 0d 00:00:00 ")
    assert " books: " in lines[-1]
    assert logging.getLogger("commercekit.bus").isEnabledFor(
        logging.ERROR
    )  # silent no longer than it plays


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
