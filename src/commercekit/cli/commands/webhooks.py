"""``commercekit webhooks``: where facts are sent to, what became of them, and sending them again."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

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
    from commercekit.platform.webhooks import (
        Endpoint,
        EventType,
        IssuedEndpoint,
        WebhookAttempt,
    )

__all__ = ["webhooks"]

_WELL = range(200, 300)


@click.group(epilog=EXIT_CODES_HELP)
def webhooks() -> None:
    """Send facts of the shop to other systems: add endpoints, test them, see and repeat what was sent.

    ENDPOINT is an id, the beginning of one, or the address, as 'webhooks list' shows them.

    \b
    commercekit webhooks add https://erp.example/hooks --events 'order.*'
    commercekit webhooks test https://erp.example/hooks
    commercekit webhooks replay https://erp.example/hooks --failed --since 2d
    """


@webhooks.command("list")
@as_json
@pass_place
def list_endpoints(place: Place, *, json_output: bool) -> None:
    """List endpoints, newest first, and how each of them is."""
    found = with_shop(place, _every)
    if json_output:
        print_json(found)
        return
    rows = [
        (each.id, each.url, " ".join(each.events), _state(each), each.description) for each in found
    ]
    print_table(
        ("id", "address", "events", "state", "description"),
        rows,
        empty="There is none; add one: commercekit webhooks add https://… --events 'order.*'",
    )


@webhooks.command()
@as_json
@pass_place
def types(place: Place, *, json_output: bool) -> None:
    """List the facts that endpoints can ask for."""

    async def work(shop: Shop) -> list[EventType]:
        return shop.webhooks.event_types()

    found = with_shop(place, work)
    if json_output:
        print_json(found)
        return
    print_table(("type", "told when"), [(t.type, t.description) for t in found], empty="None.")


@webhooks.command()
@click.argument("url")
@click.option(
    "--events",
    multiple=True,
    required=True,
    help="A fact, or a pattern such as 'order.*'; repeat for several.",
)
@click.option("--description", default="", help="What it is, for people.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME=VALUE", help="Sent along; kept sealed."
)
@click.option(
    "--ed25519", is_flag=True, help="Sign with a key whose public half the receiver gets."
)
@as_json
@pass_place
def add(
    place: Place,
    *,
    url: str,
    events: tuple[str, ...],
    description: str,
    headers: tuple[str, ...],
    ed25519: bool,
    json_output: bool,
) -> None:
    """Add an endpoint at URL and print its secret, this once.

    \b
    commercekit webhooks add https://erp.example/hooks --events 'order.*' --events payment.PaymentPaid
    """
    pairs = dict(_header(each) for each in headers)

    async def work(shop: Shop) -> IssuedEndpoint:
        from commercekit.platform.security import SignatureScheme
        from commercekit.platform.webhooks import NewEndpoint

        scheme = SignatureScheme.ED25519 if ed25519 else SignatureScheme.HMAC_SHA256
        new = NewEndpoint(
            url=url,
            events=list(events),
            description=description,
            headers=pairs,
            signature=scheme,
        )
        return await shop.webhooks.create(_SELF, new)

    _print_issued(with_shop(place, work), json_output=json_output)


@webhooks.command()
@click.argument("endpoint")
@click.option(
    "--overlap",
    default="24h",
    metavar="DURATION",
    show_default=True,
    help="How long the old secret signs, too; 0s ends it at once.",
)
@as_json
@pass_place
def rotate(place: Place, *, endpoint: str, overlap: str, json_output: bool) -> None:
    """Give ENDPOINT a new secret and print it, this once.

    \b
    commercekit webhooks rotate https://erp.example/hooks --overlap 48h
    """
    span = _duration(overlap, "--overlap")

    async def work(shop: Shop) -> IssuedEndpoint:
        found = await _find(shop, endpoint)
        return await shop.webhooks.rotate(_SELF, found.id, overlap=span)

    _print_issued(with_shop(place, work), json_output=json_output)


@webhooks.command()
@click.argument("endpoint")
@as_json
@pass_place
def test(place: Place, *, endpoint: str, json_output: bool) -> int:
    """Send ENDPOINT a test message now; exit code 1 when it is not taken.

    \b
    commercekit webhooks test https://erp.example/hooks
    """

    async def work(shop: Shop) -> WebhookAttempt:
        found = await _find(shop, endpoint)
        return await shop.webhooks.test(_SELF, found.id)

    attempt = with_shop(place, work)
    if json_output:
        print_json(attempt)
    else:
        say(f"{attempt.message_id}: {_outcome(attempt)} after {attempt.duration_ms} ms")
        if attempt.answer:
            click.echo(attempt.answer)
    return 0 if attempt.status in _WELL else 1


@webhooks.command()
@click.argument("endpoint")
@click.option("--message", metavar="ID", help="Every attempt at this message (its webhook-id).")
@click.option(
    "--state", type=click.Choice(["waiting", "delivered", "failed"]), help="Only such messages."
)
@click.option("--limit", type=click.IntRange(1, 100), default=20, show_default=True)
@as_json
@pass_place
def deliveries(
    place: Place,
    *,
    endpoint: str,
    message: str | None,
    state: str | None,
    limit: int,
    json_output: bool,
) -> None:
    """Show the messages of ENDPOINT, newest first, and what became of them.

    \b
    commercekit webhooks deliveries https://erp.example/hooks --state failed
    commercekit webhooks deliveries https://erp.example/hooks --message msg_…
    """

    async def work(shop: Shop) -> Sequence[Any]:
        from commercekit.platform.webhooks import MessageState

        found = await _find(shop, endpoint)
        page = PageRequest(limit)
        if message is not None:
            return (await shop.webhooks.attempts(found.id, page, message)).items
        wanted = None if state is None else MessageState(state)
        return (await shop.webhooks.messages(found.id, page, state=wanted)).items

    found = with_shop(place, work)
    if json_output:
        print_json(found)
    elif message is not None:
        print_table(
            ("at", "attempt", "outcome", "ms", "answer"),
            [(_moment(a.at), a.number, _outcome(a), a.duration_ms, a.answer) for a in found],
            empty="It has not been tried yet.",
        )
    else:
        print_table(
            ("told", "message", "type", "state", "attempts", "last", "next"),
            [
                (
                    _moment(each.occurred_at),
                    each.id,
                    each.type,
                    each.state,
                    each.attempts,
                    each.last_status or each.last_error,
                    _moment(each.due_at),
                )
                for each in found
            ],
            empty="There is no such message.",
        )


@webhooks.command()
@click.argument("endpoint")
@click.option("--message", metavar="ID", help="One message, by its webhook-id.")
@click.option("--failed", "what", flag_value="failed", help="Those that have not got through.")
@click.option("--missed", "what", flag_value="missed", help="Facts it got no message of.")
@click.option("--all", "what", flag_value="all", help="Everything, also what arrived.")
@click.option("--since", metavar="WHEN", help="2026-11-23T08:00, or 2d for two days ago; UTC.")
@click.option("--until", metavar="WHEN", help="Likewise; without it until now.")
@pass_place
def replay(
    place: Place,
    *,
    endpoint: str,
    message: str | None,
    what: str | None,
    since: str | None,
    until: str | None,
) -> None:
    """Send messages to ENDPOINT again, under the ids they had.

    \b
    commercekit webhooks replay https://erp.example/hooks --message msg_…
    commercekit webhooks replay https://erp.example/hooks --failed --since 2d
    commercekit webhooks replay https://erp.example/hooks --missed --since 2026-11-23T08:00
    """
    if (message is None) == (what is None) or (what is not None and since is None):
        hint = "say --message ID, or one of --failed, --missed, --all together with --since WHEN"
        raise click.UsageError(hint)

    async def work(shop: Shop) -> int:
        from commercekit.platform.webhooks import Replay

        found = await _find(shop, endpoint)
        if message is not None:
            await shop.webhooks.replay(_SELF, found.id, message)
            return 1
        now = shop.clock.now()
        begin = _when(since, now, "--since")
        if begin is None or what is None:
            return 0
        return await shop.webhooks.replay_period(
            _SELF, found.id, Replay(what), since=begin, until=_when(until, now, "--until")
        )

    count = with_shop(place, work)
    say(f"{count} {'message is' if count == 1 else 'messages are'} on the way again.")


@webhooks.command()
@click.argument("endpoint")
@pass_place
def enable(place: Place, *, endpoint: str) -> None:
    """Send to ENDPOINT again, beginning with what waits.

    \b
    commercekit webhooks enable https://erp.example/hooks
    """

    async def work(shop: Shop) -> Endpoint:
        return await shop.webhooks.enable(_SELF, (await _find(shop, endpoint)).id)

    say(f"{with_shop(place, work).url} is enabled.")


@webhooks.command()
@click.argument("endpoint")
@pass_place
def disable(place: Place, *, endpoint: str) -> None:
    """Send nothing to ENDPOINT until it is enabled; what it misses can be replayed.

    \b
    commercekit webhooks disable https://erp.example/hooks
    """

    async def work(shop: Shop) -> Endpoint:
        return await shop.webhooks.disable(_SELF, (await _find(shop, endpoint)).id)

    say(f"{with_shop(place, work).url} is disabled.")


@webhooks.command()
@click.argument("endpoint")
@pass_place
def remove(place: Place, *, endpoint: str) -> None:
    """Delete ENDPOINT with its secrets, its messages and its log.

    \b
    commercekit webhooks remove https://erp.example/hooks
    """

    async def work(shop: Shop) -> str:
        found = await _find(shop, endpoint)
        await shop.webhooks.delete(_SELF, found.id, expected=found.version)
        return found.url

    say(f"{with_shop(place, work)} is gone.")


_SELF = Principal.system("cli")


async def _every(shop: Shop) -> list[Endpoint]:
    found: list[Endpoint] = []
    after: tuple[str, ...] | None = None
    while True:
        page = await shop.webhooks.page(PageRequest(100, after))
        found += page.items
        if page.next_cursor is None:
            return found
        after = (page.next_cursor,)


async def _find(shop: Shop, wanted: str) -> Endpoint:
    every = await _every(shop)
    found = [each for each in every if wanted in (each.url, str(each.id))]
    if not found and len(wanted) >= 4:
        found = [each for each in every if str(each.id).startswith(wanted.lower())]
    if len(found) != 1:
        many = f"{len(found)} endpoints are called {wanted!r}; name one by its id"
        none = f"There is no endpoint {wanted!r}; see: commercekit webhooks list"
        raise Failed(many if found else none)
    return found[0]


def _print_issued(issued: IssuedEndpoint, *, json_output: bool) -> None:
    if json_output:
        print_json(issued)
        return
    endpoint = issued.endpoint
    say(f"Endpoint {endpoint.id}: {', '.join(endpoint.events)} to {endpoint.url}.")
    shared = issued.secret is not None
    say("The secret, shown this once:" if shared else "The public key for the receiver:")
    click.echo(issued.secret or issued.public_key)


def _state(endpoint: Endpoint) -> str:
    if endpoint.disabled_reason is not None:
        return f"disabled ({endpoint.disabled_reason})"
    if endpoint.failing_since is not None:
        return f"failing since {_moment(endpoint.failing_since)} ({endpoint.failures}x)"
    if endpoint.delivered_at is not None:
        return f"delivered {_moment(endpoint.delivered_at)}"
    return "nothing sent yet"


def _outcome(attempt: Any) -> str:
    return str(attempt.status) if attempt.status is not None else str(attempt.error)


def _moment(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d %H:%M:%S}" if at is not None else ""


def _header(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign:
        message = f"{text!r} is no header; write NAME=VALUE"
        raise click.BadParameter(message, param_hint="--header")
    return name, value


def _duration(text: str, option: str) -> timedelta:
    try:
        return parse_duration(text)
    except ValueError as error:
        message = f"{text!r} is no duration; write 12h or 2d"
        raise click.BadParameter(message, param_hint=option) from error


def _when(text: str | None, now: datetime, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        return now - parse_duration(text)
    except ValueError:
        pass
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no moment; write 2026-11-23T08:00, or 2d for two days ago"
        raise click.BadParameter(message, param_hint=option) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
