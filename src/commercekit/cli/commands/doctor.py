"""``commercekit doctor``: whether the shop is well, and whether its books are right."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

import msgspec
import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP
from commercekit.cli.output import as_json, print_json, print_table
from commercekit.cli.place import Place, pass_place
from commercekit.cli.serving.server_file import ServerFile
from commercekit.cli.shop import configuration_of, database_at, migrator_of, run_async
from commercekit.errors import CommerceKitError, ConfigurationError

if TYPE_CHECKING:
    from commercekit.app import Shop, ShopConfiguration
    from commercekit.platform.db import Breach

__all__ = ["doctor"]

_OLDEST = 150000


class Finding(msgspec.Struct):
    """What one check found."""

    check: str
    well: bool
    told: str
    count: int = 0
    """How many rows break an invariant."""
    examples: list[dict[str, Any]] = []
    """The first of them."""


@click.command(epilog=EXIT_CODES_HELP)
@click.option("--invariants", is_flag=True, help="Audit the books: one query for each invariant.")
@click.option("--tables", is_flag=True, help="Also list every table: rows, sizes, ages.")
@as_json
@pass_place
def doctor(place: Place, *, invariants: bool, tables: bool, json_output: bool) -> int:
    """Check settings, plugins, database, migrations, keys, queues, tables and the running server.

    With --invariants the shop's books are audited at this moment: stock against its movements, orders
    against their payments, parcels and allocations, and so on. Only reads. Exit code 1 when something
    is not well.

    \b
    commercekit doctor
    commercekit doctor --tables
    commercekit doctor --invariants --json
    """
    configuration = configuration_of(place)
    findings = [
        Finding("settings", well=True, told=str(configuration.file or "defaults")),
        _plugins(configuration),
        _leaked_passwords(configuration),
    ]
    with database_at(configuration) as dsn:
        findings += run_async(_examine(configuration, dsn, books=invariants, tables=tables))
    findings.append(_server(configuration))
    if json_output:
        print_json(findings)
    else:
        rows = [("ok" if f.well else "NOT WELL", f.check, f.told) for f in findings]
        print_table(("", "check", "found"), rows, empty="")
        for finding in findings:
            if finding.check == "tables":
                _list(finding.examples)
                continue
            for example in finding.examples:
                click.echo(f"  {finding.check}: {example}")
    return 0 if all(finding.well for finding in findings) else 1


def _plugins(configuration: ShopConfiguration) -> Finding:
    plugins = configuration.plugins
    told = ", ".join(plugins.enabled) or "none"
    if plugins.safe_mode:
        told = f"safe mode: {told}"
        told += "".join(f"; {sentence}" for sentence in plugins.left_out.values())
    return Finding("plugins", well=not plugins.left_out, told=told)


def _leaked_passwords(configuration: ShopConfiguration) -> Finding:
    file = configuration.settings.identity.passwords.breached
    told = "the commonest are refused; identity.passwords.breached names a file of all that leaked"
    if file is not None:
        told = f"refused by {file}" if file.is_file() else f"there is no file {file}"
    return Finding("leaked passwords", well=file is None or file.is_file(), told=told)


async def _examine(
    configuration: ShopConfiguration, dsn: str, *, books: bool, tables: bool
) -> list[Finding]:
    from commercekit.app import Shop

    steps = await migrator_of(configuration, dsn).status()
    missing = [status.step for status in steps if status.ran_on is None]
    found = [
        Finding(
            "migrations",
            well=not missing,
            told=f"{len(missing)} missing; run: commercekit db upgrade"
            if missing
            else f"{len(steps)} ran",
        )
    ]
    if missing:
        return found
    try:
        async with Shop(configuration, dsn).opened() as shop:
            for name, check in _CHECKS.items():
                found.append(await _try(name, check, shop))
            found += await _tables(shop, listed=tables)
            found += await _orphans(shop)
            if books:
                found += await _audit(configuration, shop)
    except ConfigurationError as error:
        found.append(Finding("keys", well=False, told=error.detail))
    return found


async def _try(name: str, check: Callable[[Shop], Awaitable[str]], shop: Shop) -> Finding:
    try:
        return Finding(name, well=True, told=await check(shop))
    except CommerceKitError as error:
        return Finding(name, well=False, told=error.detail)


async def _version(shop: Shop) -> str:
    number = int(await shop.db.fetchval("SELECT current_setting('server_version_num')"))
    if number < _OLDEST:
        message = f"PostgreSQL {number // 10000} is too old; 15 is the oldest that works"
        raise ConfigurationError(message)
    return f"PostgreSQL {number // 10000}.{number % 10000}"


async def _schema(shop: Shop) -> str:
    from commercekit.platform.db import schema_drift

    async with shop.db.unit_of_work(read_only=True) as uow:
        drift = await schema_drift(uow.connection, migrator_of(shop.configuration, "").tables)
    if drift:
        raise ConfigurationError("; ".join(drift[:5]))
    return "as the code declares it"


async def _keys(shop: Shop) -> str:
    master = shop.settings.security.master_key
    return "from the settings" if master else f"in {shop.configuration.data / 'keys'}: back it up"


async def _facts(shop: Shop) -> str:
    backlog = await shop.bus.backlog()
    if backlog.parked:
        message = f"{backlog.parked} parked; see: commercekit outbox parked"
        raise ConfigurationError(message)
    return f"{backlog.unpublished} unpublished, {backlog.waiting} waiting"


async def _broker(shop: Shop) -> str:
    """Where there is one; a queue of a consumer that is gone is named, never deleted."""
    if shop.settings.bus.url is None:
        return "none: facts travel through the database"
    from commercekit.platform.bus import TransportAway
    from commercekit.platform.bus.rabbitmq import RabbitTransport

    transport = shop.bus.transport
    if not isinstance(transport, RabbitTransport):
        return "not used"
    try:
        queues = await transport.desk.queues()
    except TransportAway as error:
        raise ConfigurationError(str(error)) from error
    stale = [each.queue for each in queues if not each.served]
    if stale:
        message = f"nobody serves {', '.join(stale)}; see: commercekit bus status"
        raise ConfigurationError(message)
    return f"{len(queues)} queues, {sum(each.messages or 0 for each in queues)} messages wait"


async def _jobs(shop: Shop) -> str:
    backlog = await shop.jobs.backlog()
    if backlog.get("parked"):
        message = f"{backlog['parked']} parked; see /admin/jobs"
        raise ConfigurationError(message)
    return ", ".join(f"{count} {state}" for state, count in backlog.items()) or "none"


async def _pictures(shop: Shop) -> str:
    """Ask for one that nobody has: what is told is whether the place answers."""
    await shop.storage.get("0-doctor.webp")
    return f"in {shop.settings.media.storage}"


async def _orphans(shop: Shop) -> list[Finding]:
    """Of plugins that are gone: no reason to be unwell, and nothing to be silent about."""
    from commercekit.app import PluginLeftovers
    from commercekit.platform.extensions import FieldIndexes

    leftovers = PluginLeftovers(shop)
    found = []
    for trace in await leftovers.gone():
        left = await leftovers.of(trace.code)
        told = f"is gone and left {left.sentence()}; install {trace.distribution} again, or: "
        told += f"commercekit plugins remove-data {trace.code}"
        found.append(Finding(f"plugin {trace.code}", well=True, told=told))
    missing = [each for each in await FieldIndexes(shop.db, shop.fields).missing() if each.made]
    if missing:
        names = ", ".join(f"{each.field} on {each.table}" for each in missing)
        told = f"no index yet for {names}; run: commercekit db upgrade"
        found.append(Finding("extension fields", well=False, told=told))
    for code, lacking in shop.surface.missing_texts().items():
        told = f"{len(lacking)} texts are missing, the first is {lacking[0]}"
        found.append(Finding(f"texts of {code}", well=True, told=told))
    return found


async def _tables(shop: Shop, *, listed: bool) -> list[Finding]:
    from commercekit.platform.db import condition_of

    seen = await condition_of(shop.db)
    told = f"{len(seen.tables)} of {seen.size >> 20:,} MB, {seen.wraparound:.0%} of the way to wraparound"
    if seen.empty_partitions:
        told += f", {len(seen.empty_partitions)} empty months"
    rows = [
        {
            "table": each.name,
            "live": each.live,
            "dead": each.dead,
            "rows_mb": each.heap >> 20,
            "indexes_mb": each.indexes >> 20,
            "empty_mb": each.bloat >> 20,
            "vacuum": _ago(each.vacuumed),
            "analyze": _ago(each.analysed),
        }
        for each in (seen.tables if listed else ())
    ]
    own = Finding("tables", well=True, told=told, examples=rows)
    return [
        own,
        *(Finding(f"table {each.about}", well=False, told=each.told) for each in seen.complaints),
    ]


def _ago(seconds: float | None) -> str:
    if seconds is None:
        return "never"
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= size:
            return f"{seconds / size:.0f} {unit} ago"
    return "now"


def _list(rows: list[dict[str, Any]]) -> None:
    if rows:
        titles = [title.replace("_mb", " MB") for title in rows[0]]
        print_table(titles, [tuple(row.values()) for row in rows], empty="")


_CHECKS: dict[str, Callable[[Shop], Awaitable[str]]] = {
    "database": _version,
    "schema": _schema,
    "keys": _keys,
    "facts": _facts,
    "broker": _broker,
    "jobs": _jobs,
    "pictures": _pictures,
}


async def _audit(configuration: ShopConfiguration, shop: Shop) -> list[Finding]:
    from commercekit.app import piccolo_apps
    from commercekit.platform.db import audit, invariants_of

    invariants = invariants_of(piccolo_apps(configuration))
    breaches = {breach.invariant.name: breach for breach in await audit(shop.db, invariants)}
    known = {invariant.name for invariant in invariants}
    found = [
        _broken(breaches[each.name])
        if each.name in breaches
        else Finding(each.name, well=True, told=each.sentence)
        for each in invariants
    ]
    # Those on partitions are made by the audit itself.
    return found + [_broken(breach) for name, breach in breaches.items() if name not in known]


def _broken(breach: Breach) -> Finding:
    return Finding(
        breach.invariant.name,
        well=False,
        told=f"{breach.count} rows break it: {breach.invariant.sentence}",
        count=breach.count,
        examples=list(breach.examples),
    )


def _server(configuration: ShopConfiguration) -> Finding:
    left = ServerFile.read(configuration.data)
    if left is None or not left.running:
        return Finding("server", well=True, told="does not run from this data folder")
    if not left.is_alive():
        return Finding("server", well=True, told="was killed; the next run takes up its data")
    import httpx

    try:
        answer = httpx.get(f"{left.base_url}/readyz", timeout=5.0)
    except httpx.HTTPError as error:
        told = f"process {left.pid} runs, {left.base_url} does not answer: {error}"
        return Finding("server", well=False, told=told)
    well = answer.status_code == httpx.codes.OK
    return Finding("server", well=well, told=f"{left.base_url} answers {answer.status_code}")
