"""``commercekit gift-papers``: works without a running shop."""

from __future__ import annotations

import click

from acme_gift_wrap.fields import PAPERS

__all__ = ["gift_papers"]


@click.command("gift-papers")
def gift_papers() -> None:
    """Print the papers that shoppers can choose."""
    for paper in PAPERS:
        click.echo(paper)
