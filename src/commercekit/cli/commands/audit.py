"""``commercekit audit``: who did what, and whether the trail is what was once written."""

from __future__ import annotations

import csv
import io
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, ExitCode, Failed
from commercekit.cli.output import as_json, print_json, print_table, progress, say
from commercekit.cli.place import Place, pass_place
from commercekit.cli.shop import with_shop
from commercekit.kernel import PageRequest
from commercekit.platform.security import AuditEntry

if TYPE_CHECKING:
    from collections.abc import Callable

    from commercekit.app import Shop
    from commercekit.identity import AuditFilter, AuditHead, AuditRecord, AuditReport

__all__ = ["audit"]

_COLUMNS = ("id", "at", "actor", "action", "subject", "reason", "request_id", "details")
_CHAIN = ("lane", "number", "previous", "hash")
_SHOWN = 20


@click.group(epilog=EXIT_CODES_HELP)
def audit() -> None:
    """Search, export and verify the trail of privileged acts and security events.

    \b
    commercekit audit search --action 'tokens:*' --since 2026-11-01
    commercekit audit heads > heads.json        keep it where the database's owner cannot reach it
    commercekit audit verify --anchor heads.json
    """


def _filters(command: Callable[..., Any]) -> Callable[..., Any]:
    for option in (
        click.option("--until", metavar="MOMENT", help="Up to this day or moment, without it."),
        click.option("--since", metavar="MOMENT", help="From this day or moment on (UTC)."),
        click.option("--request", "request_id", help="What one request did, by its id."),
        click.option("--subject", help="What was acted on; 'token/*' for all that begin so."),
        click.option("--action", help="Such as tokens:create, or 'tokens:*'."),
        click.option("--actor", help="Who acted, such as cli or token/<handle>."),
    ):
        command = option(command)
    return command


def _wanted(options: dict[str, Any]) -> AuditFilter:
    from commercekit.identity import AuditFilter

    since = _moment(options.pop("since"), "--since")
    until = _moment(options.pop("until"), "--until")
    return AuditFilter(**options, since=since, until=until)


def _moment(text: str | None, option: str) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        message = f"{text!r} is no day or moment; write 2026-11-23 or 2026-11-23T08:00:00Z"
        raise click.BadParameter(message, param_hint=option) from error
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


@audit.command()
@_filters
@click.option("--limit", default=_SHOWN, type=click.IntRange(1, 1000), help="At most so many.")
@as_json
@pass_place
def search(place: Place, *, limit: int, json_output: bool, **options: Any) -> None:
    """Show the newest entries that fit.

    \b
    commercekit audit search --actor cli --limit 5
    """
    wanted = _wanted(options)

    async def work(shop: Shop) -> list[AuditRecord]:
        found: list[AuditRecord] = []
        after = None
        while len(found) < limit:
            page = PageRequest(min(100, limit - len(found)), after)
            records, after = await shop.identity.audit.search(wanted, page)
            found += records
            if after is None:
                break
        return found

    records = with_shop(place, work)
    if json_output:
        print_json(records)
        return
    print_table(
        ("at", "actor", "action", "subject", "reason", "details"),
        [
            (f"{r.at:%Y-%m-%d %H:%M:%S}", r.actor, r.action, r.subject, r.reason, _told(r.details))
            for r in records
        ],
        empty="No entry fits.",
    )


def _told(details: Any) -> str:
    return " ".join(f"{name}={value}" for name, value in details.items())


@audit.command()
@_filters
@click.option(
    "--format", "form", type=click.Choice(["ndjson", "csv"]), default="ndjson", show_default=True
)
@pass_place
def export(place: Place, *, form: str, **options: Any) -> None:
    """Write every entry that fits to the standard output, oldest first, with its place in the chain.

    \b
    commercekit audit export --since 2026-11-01 > november.ndjson
    """
    wanted = _wanted(options)
    with_header = form == "csv"

    async def work(shop: Shop) -> int:
        entry = AuditEntry(actor="cli", action="audit:export", details={"format": form})
        await shop.identity.audit.note(entry)
        count = 0
        if with_header:
            sys.stdout.write(_row((*_COLUMNS, *_CHAIN)))
        async for each in shop.identity.audit.export(wanted):
            line = each.as_line()
            if form == "ndjson":
                sys.stdout.write(msgspec.json.encode(line).decode() + "\n")
            else:
                line["details"] = msgspec.json.encode(line["details"]).decode()
                sys.stdout.write(_row(tuple(line.get(name, "") for name in (*_COLUMNS, *_CHAIN))))
            count += 1
        return count

    say(f"{with_shop(place, work):,} entries.")


def _row(cells: tuple[Any, ...]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerow([_inert(str(cell)) for cell in cells])
    return text.getvalue()


def _inert(cell: str) -> str:
    """A cell that no spreadsheet takes for a formula."""
    return f"'{cell}" if cell.startswith(("=", "+", "-", "@", "\t", "\r")) else cell


@audit.command()
@pass_place
def heads(place: Place) -> None:
    """Print the end of every chain as JSON. Keep it elsewhere: it proves later what was there.

    \b
    commercekit audit heads > /mnt/elsewhere/heads-$(date +%F).json
    """

    async def work(shop: Shop) -> list[AuditHead]:
        return await shop.identity.audit.heads()

    print_json(with_shop(place, work))


@audit.command()
@click.option(
    "--anchor",
    "files",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Heads from before, as 'audit heads' printed them; repeat for several.",
)
@as_json
@pass_place
def verify(place: Place, *, files: tuple[Path, ...], json_output: bool) -> int:
    """Walk along every chain and name each entry that is not what was once written.

    Exit code 1 when one is. With --anchor also whether the chains still hold what they held then: only
    that tells that their ends were not cut off.

    \b
    commercekit audit verify --anchor heads.json
    """
    anchors = [head for file in files for head in _anchors(file)]

    async def work(shop: Shop) -> AuditReport:
        with progress("Verifying") as advance:
            return await shop.identity.audit.verify(anchors, on_progress=advance)

    report = with_shop(place, work)
    if json_output:
        print_json({"whole": report.is_whole, **msgspec.structs.asdict(report)})
    else:
        print_table(
            ("chain", "number", "entry", "what", "told"),
            [(b.lane, b.number, b.entry, b.kind, b.told) for b in report.breaches],
            empty="Every entry is what was written.",
        )
        before = (
            f", {report.unprotected:,} from before there was a chain" if report.unprotected else ""
        )
        say(f"{report.checked:,} entries in {len(report.heads)} chains{before}.")
    return ExitCode.OK if report.is_whole else ExitCode.FAILED


def _anchors(file: Path) -> list[AuditHead]:
    from commercekit.identity import AuditHead

    try:
        return msgspec.json.decode(file.read_bytes(), type=list[AuditHead])
    except msgspec.MsgspecError as error:
        message = f"{file} holds no heads as 'commercekit audit heads' prints them: {error}"
        raise Failed(message) from error
