"""Every command, as its help has it."""

from __future__ import annotations

import importlib
import inspect
from collections.abc import Iterator

import click


def _examples(text: str) -> str:
    # Click keeps the lines of a paragraph that begins with a backspace; ours are command lines.
    paragraphs = inspect.cleandoc(text).split("\n\n")
    return "\n\n".join(
        "```sh\n{}\n```".format(one.removeprefix("\b").strip("\n")) if one.startswith("\b") else one
        for one in paragraphs
    )


def commands() -> str:
    """Every command, as `--help` has it."""
    text = "# Commands\n\nEach command explains itself with `--help`.\n"
    cli = importlib.import_module("commercekit.cli")
    main = next(
        (value for value in (getattr(cli, "main", None), *vars(cli).values())
         if isinstance(value, click.Group)),
        None,
    )  # fmt: skip
    if main is None:
        return text

    def walk(command: click.Command, path: str) -> Iterator[str]:
        context = click.Context(command, info_name=path)
        if path != "commercekit":
            yield f"\n## {path}\n\n{_examples(command.help or '')}\n"
            rows = []
            for option in command.params:
                names = ", ".join(f"`{name}`" for name in option.opts)
                if isinstance(option, click.Argument):
                    names = f"`{(option.name or '').upper()}`"
                meaning = getattr(option, "help", "") or ""
                rows.append(f"| {names} | {' '.join(meaning.split())} |")
            if rows:
                yield "\n| option | means |\n|---|---|\n" + "\n".join(rows) + "\n"
        if isinstance(command, click.Group):
            for name in command.list_commands(context):
                inner = command.get_command(context, name)
                if inner is not None and not inner.hidden:
                    yield from walk(inner, f"{path} {name}")

    return text + "".join(walk(main, "commercekit"))
