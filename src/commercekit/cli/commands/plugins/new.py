"""``commercekit plugins new``: the distribution a plugin begins with."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import rich_click as click

import commercekit
from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import say
from commercekit.cli.scaffold import Answers, kinds, rendered, write
from commercekit.cli.scaffold.answers import refuse_name, title_of

__all__ = ["new"]

_LICENCES = ("Apache-2.0", "MIT", "BSD-3-Clause", "MPL-2.0", "LicenseRef-Proprietary")


_LISTED = "\n".join(f"{kind.code:<14}{kind.summary}" for kind in kinds().values())
_HELP = f"""Begin a plugin: a whole distribution, with settings, a vendor to test against and its tests.

What is not said is asked for on a terminal; elsewhere, and with --yes, defaults are taken. It
installs and passes its tests as it is written.

\b
Kinds:
{_LISTED}

\b
commercekit plugins new carrier acme
commercekit plugins new carrier swift-post --title "Swift Post" --author "Ada <a@b.org>" --yes
"""


@click.command("new", help=_HELP, epilog=EXIT_CODES_HELP)
@click.argument("kind", metavar="KIND", type=click.Choice(list(kinds())), required=False)
@click.argument("name", metavar="NAME", required=False)
@click.option("--title", default=None, help="What people call the vendor; else made of NAME.")
@click.option("--author", default=None, help="Such as: Ada Lovelace <ada@example.com>")
@click.option(
    "--licence", type=click.Choice(_LICENCES), default=None, help="Apache-2.0 unless told."
)
@click.option("--distribution", default="", help="What pip installs; else commercekit-KIND-NAME.")
@click.option(
    "--into",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    default=Path(),
    help="Where its folder is made; else here.",
)
@click.option("--yes", "-y", is_flag=True, help="Ask nothing: take the defaults.")
def new(
    kind: str | None,
    name: str | None,
    *,
    title: str | None,
    author: str | None,
    licence: str | None,
    distribution: str,
    into: Path,
    yes: bool,
) -> None:
    """Ask for what is missing, then write."""
    asks = not yes and sys.stdin.isatty()
    kind = _wanted("kind", kind, asks=asks, choice=click.Choice(list(kinds())))
    name = _wanted("name", name, asks=asks)
    refuse_name(name)
    if asks:
        title = title or click.prompt("What do people call the vendor?", default=title_of(name))
        author = (
            author
            if author is not None
            else click.prompt("Who writes it? (Name <e-mail>)", default="", show_default=False)
        )
        licence = licence or click.prompt(
            "Licence", type=click.Choice(_LICENCES), default=_LICENCES[0]
        )
    answers = Answers.of(
        kinds()[kind],
        name,
        title=title or "",
        distribution=distribution,
        author=author or "",
        licence=licence or _LICENCES[0],
        core=commercekit.__version__,
    )
    files = rendered(answers)
    target = into / answers.distribution
    write(files, target)
    click.echo(f"Wrote {target}: {len(files)} files.")
    say(
        "\nNext:\n"
        f"  cd {target}\n"
        '  pip install -e ".[dev]"\n'
        "  pytest\n"
        "  commercekit plugins list\n\n"
        f"Then put {answers.title} in the place of the invented vendor: README.md says where."
    )


def _wanted(what: str, given: str | None, *, asks: bool, choice: Any = None) -> str:
    if given:
        return given
    if not asks:
        message = f"Missing argument {what.upper()}: commercekit plugins new KIND NAME"
        raise click.UsageError(message)
    answer: str = click.prompt(what.capitalize(), type=choice)
    return answer
