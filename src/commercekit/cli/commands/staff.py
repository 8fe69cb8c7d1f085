"""``commercekit staff``: accounts of those who work in the shop, from its own machine."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, Failed
from commercekit.cli.output import as_json, print_json, print_table, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import PageRequest
from commercekit.platform.security import Principal

if TYPE_CHECKING:
    from commercekit.app import Shop
    from commercekit.identity import Account, StaffMember

__all__ = ["staff"]

_CLI = Principal.system("cli")


@click.group(epilog=EXIT_CODES_HELP)
def staff() -> None:
    """Make, list and close accounts of staff.

    The first account of a shop is made here; whoever logs in with it invites the others.

    \b
    commercekit staff create han@shop.example --owner
    commercekit staff disable han@shop.example
    commercekit staff reset-factors han@shop.example --reason 'lost telephone'
    """


@staff.command()
@click.argument("email")
@click.option("--name", help="How mails address them.")
@click.option("--owner", is_flag=True, help="The role of whoever owns the shop: everything.")
@click.option("--role", "roles", multiple=True, help="A role they have; repeat for several.")
@click.option(
    "--scope", "scopes", multiple=True, help="A single permission beside roles; repeat for several."
)
@click.option("--invite", is_flag=True, help="Send them a link instead of asking for a password.")
@as_json
@pass_place
def create(
    place: Place,
    *,
    email: str,
    name: str | None,
    owner: bool,
    roles: tuple[str, ...],
    scopes: tuple[str, ...],
    invite: bool,
    json_output: bool,
) -> None:
    """Make an account for EMAIL. The password is asked for, or read from standard input.

    \b
    commercekit staff create han@shop.example --owner
    commercekit staff create lucy@shop.example --role support --invite
    """
    given = (*(("owner",) if owner else ()), *roles)
    if not given and not scopes:
        message = "Say what they may do: --owner, or --role, such as --role support"
        raise click.UsageError(message)
    password = None if invite else _password()

    async def work(shop: Shop) -> StaffMember:
        from commercekit.identity import NewAccount

        new = NewAccount(email=email, name=name, locale=shop.settings.market.languages[0])
        account = await shop.identity.accounts.create_staff(
            _CLI, new, scopes, roles=given, password=password
        )
        return await _member(shop, account)

    made = with_shop(place, work)
    if json_output:
        print_json(made)
    elif invite:
        say(f"{made.email} will be sent a link by which to join.")
    else:
        say(f"{made.email} can log in.")


@staff.command("list")
@as_json
@pass_place
def list_staff(place: Place, *, json_output: bool) -> None:
    """List accounts of staff, newest first."""
    found = with_shop(place, _everybody)
    if json_output:
        print_json(found)
        return
    rows = [(each.id, each.email, each.name or "", _state(each)) for each in found]
    print_table(
        ("id", "e-mail", "name", "state"),
        rows,
        empty="Nobody yet; make the first: commercekit staff create you@shop.example --owner",
    )


@staff.command()
@click.argument("email")
@pass_place
def disable(place: Place, *, email: str) -> None:
    """Close the account of EMAIL: every session of theirs ends at once."""

    async def work(shop: Shop) -> None:
        account = await _find(shop, email)
        await shop.identity.accounts.set_disabled(_CLI, account.id, disabled=True)

    with_shop(place, work)
    say(f"{email} is closed.")


@staff.command()
@click.argument("email")
@pass_place
def enable(place: Place, *, email: str) -> None:
    """Open the account of EMAIL again."""

    async def work(shop: Shop) -> None:
        account = await _find(shop, email)
        await shop.identity.accounts.set_disabled(_CLI, account.id, disabled=False)

    with_shop(place, work)
    say(f"{email} can log in again.")


@staff.command()
@click.argument("email")
@pass_place
def password(place: Place, *, email: str) -> None:
    """Give EMAIL a new password, where no mail gets through. Every session of theirs ends.

    It is asked for, or read from standard input.
    """
    chosen = _password()

    async def work(shop: Shop) -> None:
        account = await _find(shop, email)
        await shop.identity.profiles.set_password(_CLI, account.id, chosen)

    with_shop(place, work)
    say(f"{email} has a new password and was logged out everywhere.")


@staff.command("reset-factors")
@click.argument("email")
@click.option("--reason", default="", help="Stands in the audit trail.")
@pass_place
def reset_factors(place: Place, *, email: str, reason: str) -> None:
    """Take away every second factor of EMAIL, for whoever lost telephone and recovery codes.

    Make sure first that it is them. Every session of theirs ends, and the next login sets up a new one.
    """

    async def work(shop: Shop) -> int:
        account = await _find(shop, email)
        return await shop.identity.factors.reset(_CLI, account, reason=reason)

    gone = with_shop(place, work)
    say(
        f"{email} has no second factor any more ({gone} taken away) and sets one up at the next login."
    )


@staff.command()
@click.argument("email")
@pass_place
def unlock(place: Place, *, email: str) -> None:
    """Forget the wrong passwords and codes of EMAIL, so that they need not wait."""

    async def work(shop: Shop) -> None:
        account = await _find(shop, email)
        await shop.identity.unlock(account)

    with_shop(place, work)
    say(f"{email} can try again.")


def _password() -> str:
    if not sys.stdin.isatty():
        return sys.stdin.readline().rstrip("\r\n")
    text: str = click.prompt("Password", hide_input=True, confirmation_prompt=True)
    return text


async def _find(shop: Shop, email: str) -> Account:
    from commercekit.identity import Realm

    account = await shop.identity.accounts.find(Realm.STAFF, email)
    if account is None:
        message = f"No member of staff has the address {email!r}; see: commercekit staff list"
        raise Failed(message)
    return account


async def _member(shop: Shop, account: Account) -> StaffMember:
    return next(each for each in await _everybody(shop) if each.id == account.id)


async def _everybody(shop: Shop) -> list[StaffMember]:
    found: list[StaffMember] = []
    after: tuple[str, ...] | None = None
    while True:
        page, after = await shop.identity.accounts.list_staff(PageRequest(100, after))
        found += page
        if after is None:
            return found


def _state(each: StaffMember) -> str:
    if each.disabled_at is not None:
        return "closed"
    return "invited" if each.is_invited else "at work"
