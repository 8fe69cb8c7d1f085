"""How commands print: JSON for machines, tables for people, progress on a terminal."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
import rich_click as click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

__all__ = ["Advance", "as_json", "console", "print_json", "print_table", "progress", "say"]

_WIDE = 400
_SAID_EVERY = 30.0

as_json = click.option(
    "--json", "json_output", is_flag=True, help="Print JSON instead of a table for people."
)


def console(*, err: bool = False) -> Console:
    """A console on the present standard stream; what is piped on is not folded."""
    stream = sys.stderr if err else sys.stdout
    return Console(
        stderr=err, highlight=False, soft_wrap=True, width=None if stream.isatty() else _WIDE
    )


def say(text: str) -> None:
    """A line for people; on the error stream, so that data stays alone on the other."""
    console(err=True).print(text, markup=False)


def print_json(value: Any) -> None:
    """The value as indented JSON, one document."""
    text = msgspec.json.format(msgspec.json.encode(value, enc_hook=str), indent=2)
    click.echo(text.decode())


def print_table(headings: Sequence[str], rows: Sequence[Sequence[Any]], *, empty: str) -> None:
    """A table for people; ``empty`` says what it means that there are no rows."""
    if not rows:
        click.echo(empty)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    for row in rows:
        table.add_row(*("" if cell is None else str(cell) for cell in row))
    console().print(table, markup=False)


class Advance:
    """Moves a progress bar on a terminal; elsewhere it says every half a minute how far it is."""

    def __init__(self, bar: Progress | None, task: Any, label: str = "") -> None:
        self._bar = bar
        self._task = task
        self._label = label
        self._began = self._said = time.monotonic()
        self._first: int | None = None

    def __call__(self, done: int, total: int | None = None) -> None:
        """``done`` of ``total`` so far."""
        if self._bar is not None:
            self._bar.update(self._task, completed=done, total=total)
            return
        now = time.monotonic()
        if self._first is None:
            # What an earlier run has done says nothing of the pace of this one.
            self._first = done
        if now - self._said >= _SAID_EVERY:
            self._said = now
            of = "" if total is None else f" of {total:,}"
            pace = (done - self._first) / (now - self._began)
            say(f"{self._label}: {done:,}{of}, {pace:,.0f} a second")


@contextmanager
def progress(label: str) -> Iterator[Advance]:
    """A bar with ``label``, gone when the work is done; a line now and then where there is no terminal."""
    if not sys.stderr.isatty():
        yield Advance(None, None, label)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console(err=True), transient=True) as bar:
        yield Advance(bar, bar.add_task(label, total=None))
