"""``commercekit token``: what staff and scripts call the admin API with."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import PageRequest
from commercekit.platform.security import Principal
from commercekit.platform.settings import parse_duration

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.identity import IssuedToken, StaffToken

__all__ = ["every_token", "token"]


@click.group(epilog=EXIT_CODES_HELP)
def token() -> None:
    """Make, list and revoke staff tokens.

    A token is shown once and kept as a hash. Scopes are resource:action, either side may be '*'.

    \b
    commercekit token create reports --scope orders:read --expires 30d
    commercekit token revoke 019abcde-…
    """


@token.command()
@click.argument("name")
@click.option(
    "--scope", "scopes", multiple=True, required=True, help="What it may do; repeat for several."
)
@click.option("--expires", metavar="DURATION", help="Such as 12h or 30d; without it never.")
@as_json
@pass_place
def create(
    place: Place, *, name: str, scopes: tuple[str, ...], expires: str | None, json_output: bool
) -> None:
    """Make a token called NAME and print its text, this once.

    \b
    commercekit token create admin --scope '*:*' --expires 12h
    """
    life = _duration(expires)

    async def work(shop: Shop) -> IssuedToken:
        from commercekit.identity import NewToken

        until = shop.clock.now() + life if life is not None else None
        new = NewToken(name=name, scopes=frozenset(scopes), expires_at=until)
        return await shop.identity.create_token(Principal.system("cli"), new)

    issued = with_shop(place, work)
    if json_output:
        print_json(issued)
    else:
        say(f"Token {issued.token.name} ({', '.join(issued.token.scopes)}), shown this once:")
        click.echo(issued.secret)


def _duration(text: str | None) -> timedelta | None:
    try:
        return parse_duration(text) if text else None
    except ValueError as error:
        message = f"{text!r} is no duration; write 12h or 30d"
        raise click.BadParameter(message, param_hint="--expires") from error


@token.command("list")
@click.option("--all", "with_revoked", is_flag=True, help="Revoked and expired ones too.")
@as_json
@pass_place
def list_tokens(place: Place, *, with_revoked: bool, json_output: bool) -> None:
    """List tokens, newest first; nobody can see their text any more."""

    async def work(shop: Shop) -> list[StaffToken]:
        tokens = await every_token(shop)
        now = shop.clock.now()
        return [
            each
            for each in tokens
            if with_revoked
            or (each.revoked_at is None and (each.expires_at is None or each.expires_at > now))
        ]

    tokens = with_shop(place, work)
    if json_output:
        print_json(tokens)
        return
    rows = [(t.id, t.name, " ".join(t.scopes), _day(t.created_at), _end(t)) for t in tokens]
    print_table(
        ("id", "name", "scopes", "made", "until"),
        rows,
        empty="No token works; make one: commercekit token create admin --scope '*:*'",
    )


def _day(moment: Any) -> str:
    return f"{moment:%Y-%m-%d %H:%M}"


def _end(each: StaffToken) -> str:
    if each.revoked_at is not None:
        return f"revoked {_day(each.revoked_at)}"
    return _day(each.expires_at) if each.expires_at is not None else "revoked by hand"


async def every_token(shop: Shop) -> list[StaffToken]:
    """All of them, page by page."""
    tokens: list[StaffToken] = []
    after: tuple[str, ...] | None = None
    while True:
        page, after = await shop.identity.list_tokens(PageRequest(100, after))
        tokens += page
        if after is None:
            return tokens


@token.command()
@click.argument("token_id")
@pass_place
def revoke(place: Place, *, token_id: str) -> None:
    """Stop the token TOKEN_ID for good, in every process at once.

    TOKEN_ID is the id that 'token list' shows; a token's name works when only one bears it.
    """

    async def work(shop: Shop) -> str:
        wanted = await _find(shop, token_id)
        await shop.identity.revoke_token(Principal.system("cli"), wanted.id, reason="cli")
        return wanted.name

    say(f"Token {with_shop(place, work)} is revoked.")


async def _find(shop: Shop, wanted: str) -> StaffToken:
    tokens = await every_token(shop)
    try:
        found = [each for each in tokens if each.id == UUID(wanted)]
    except ValueError:
        found = [
            each
            for each in tokens
            if each.revoked_at is None and wanted in {each.name, each.handle}
        ]
    if len(found) != 1:
        many = f"{len(found)} tokens are called {wanted!r}; name one by its id"
        raise Failed(
            many if found else f"There is no token {wanted!r}; see: commercekit token list"
        )
    return found[0]
