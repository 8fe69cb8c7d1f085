"""``commercekit sim``: play a shop from a seed and audit its books."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.platform.telemetry import LogLevel, TelemetrySettings, configure_logging

if TYPE_CHECKING:
    from collections.abc import Iterator

    from commercekit.cli.simulation.stage import Stage
    from commercekit.cli.simulation.story import Story

__all__ = ["sim"]


@click.command(epilog=EXIT_CODES_HELP)
@click.option("--seed", type=click.IntRange(min=0), default=1, show_default=True, help="The dice.")
@click.option(
    "--steps",
    type=click.IntRange(min=1),
    default=200,
    show_default=True,
    help="How long it goes on.",
)
@click.option(
    "--seeds",
    type=click.IntRange(min=1),
    default=1,
    show_default=True,
    help="So many seeds in a row.",
)
@click.option("--quiet", is_flag=True, help="One line for each seed instead of its diary.")
def sim(*, seed: int, steps: int, seeds: int, quiet: bool) -> int:
    """Play shoppers, staff and a gateway that lies against a real shop, and audit its books.

    The shop is made for the occasion, on an embedded database that is thrown away; no shop of yours is
    touched. Requests are lost and repeated, the process dies at its failpoints, somebody else acts
    whenever a provider is asked, and notifications come twice, late, or never. The invariants of
    commercekit doctor are asked all along; in the end every cent and every piece is counted. The same
    seed prints the same lines. Exit code 1, and the shortest command that shows it, when the shop was
    wrong.

    \b
    commercekit sim --seed 42
    commercekit sim --seeds 100 --steps 300 --quiet
    """
    from commercekit.cli.simulation.failures import Broken
    from commercekit.cli.simulation.stage import Stage
    from commercekit.cli.simulation.story import Story

    configure_logging(TelemetrySettings(level=LogLevel.ERROR))
    silent = quiet or seeds > 1
    with _nothing_logged(), Stage.set_up() as stage:
        for number in range(seed, seed + seeds):
            story = Story(number, steps, (lambda _: None) if silent else click.echo)
            try:
                asyncio.run(_play(story, stage))
            except Broken as error:
                message = (
                    f"{error}\nreplay: commercekit sim --seed {number} --steps {story.reached}"
                )
                raise Failed(message) from error
            if silent:
                click.echo(f"seed {number}: {steps} steps, the books are right")
    return 0


@contextlib.contextmanager
def _nothing_logged() -> Iterator[None]:
    """What goes wrong in a play is meant to; whoever calls the command from Python logs again afterwards."""
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        yield
    finally:
        logging.disable(before)


async def _play(story: Story, stage: Stage) -> None:
    from commercekit.cli.simulation.stage import settings_for

    configuration = settings_for(story.seed, stage.folder)
    async with stage.database(configuration) as dsn:
        await story.play(configuration, dsn)
