"""From a settings file to a shop that answers, and back to order when it ends."""

from __future__ import annotations

import contextlib
import ipaddress
import multiprocessing
import os
import signal
import sys
import threading
import time
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import psutil

from commercekit.cli.exits import ExitCode
from commercekit.cli.output import console, progress, say
from commercekit.cli.place import Place
from commercekit.cli.serving.banner import banner, text
from commercekit.cli.serving.fakes import fakes_played
from commercekit.cli.serving.port import claim_port
from commercekit.cli.serving.seed import seed_demo
from commercekit.cli.serving.server_file import ServerFile, run_folder
from commercekit.cli.serving.worker import PARENT_VARIABLE
from commercekit.cli.shop import configuration_of, database_at, run_async, upgraded
from commercekit.errors import CommerceKitError, ConfigurationError
from commercekit.platform.plugins import PluginError
from commercekit.platform.plugins.hookspecs import register_piccolo_apps
from commercekit.platform.security import Principal
from commercekit.platform.telemetry import share_metrics

if TYPE_CHECKING:
    from collections.abc import Mapping
    from uuid import UUID

    from commercekit.app import Shop, ShopConfiguration
    from commercekit.identity import IssuedToken

__all__ = ["Running", "serve"]

_BASE_URL: Final = "COMMERCEKIT_WEB__BASE_URL"
_SAFE_MODE: Final = "COMMERCEKIT_PLUGINS__SAFE_MODE"
_BACKGROUND: Final = "COMMERCEKIT_WEB__BACKGROUND"
_TARGET: Final = "commercekit.cli.serving.worker:create_worker_app"
_TOKEN_LIFE: Final = timedelta(days=7)
_DYING: Final = 20.0
"""Seconds that processes of a killed predecessor may still hold the port."""
_READY_WITHIN: Final = 120.0


@dataclass(frozen=True, slots=True)
class Running:
    """How to run."""

    place: Place
    host: str
    port: int
    processes: int | None
    lang: str
    safe_mode: bool = False
    http_only: bool = False


def serve(wanted: Running) -> int:
    """Run the shop until it is told to stop; gives the exit code."""
    if wanted.safe_mode:
        os.environ[_SAFE_MODE] = "true"  # the server processes have to start so, too
    if wanted.http_only:
        os.environ[_BACKGROUND] = "false"
    try:
        return _run(wanted)
    except PluginError as error:
        # It is night, and whoever reads this does not know the option.
        message = f"{error.detail.removesuffix('.')}; without plugins it starts with --safe-mode"
        raise PluginError(message) from error


def _run(wanted: Running) -> int:
    configuration = configuration_of(wanted.place)
    left = ServerFile.read(configuration.data)
    if left is not None and left.is_alive():
        message = (
            f"This shop runs already, at {left.base_url} (process {left.pid}); stop it, or run "
            "another one with --data"
        )
        raise ConfigurationError(message)
    port = claim_port(wanted.host, wanted.port, patience=_DYING if left and left.running else 0.0)
    configuration = _told_where(wanted, port, configuration)
    with fakes_played(configuration) as played:
        if played:  # they have written what their accounts are
            configuration = configuration_of(wanted.place)
        with database_at(configuration) as dsn:
            say(text("database", wanted.lang))
            _migrate(configuration, dsn, wanted.lang)
            issued = run_async(_prepare(configuration, dsn, left, wanted.lang))
            try:
                return _serve(wanted, configuration, port, issued, played)
            finally:
                _end(configuration, dsn, issued, wanted.lang)


def _told_where(wanted: Running, port: int, configuration: ShopConfiguration) -> ShopConfiguration:
    """The server processes read the same settings; where the settings are silent, the port's address."""
    os.environ.update(wanted.place.environ)
    os.environ[PARENT_VARIABLE] = str(os.getpid())
    default = type(configuration.settings.web)().base_url
    if configuration.settings.web.base_url == default:
        os.environ[_BASE_URL] = _address(wanted.host, port)
    return configuration_of(wanted.place)


def _brought(configuration: ShopConfiguration, error: ConfigurationError) -> str | None:
    """Which plugin's tables ``error`` is about, if it is about a plugin's."""
    for offered in configuration.plugins.collect(register_piccolo_apps):
        if offered.item.partition(".")[0] in error.detail:
            return offered.plugin
    return None


def _address(host: str, port: int) -> str:
    """How this machine reaches itself there."""
    reached = host
    with contextlib.suppress(ValueError):  # a name
        if (address := ipaddress.ip_address(host)).is_unspecified:
            reached = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{reached}]:{port}" if ":" in reached else f"http://{reached}:{port}"


def _migrate(configuration: ShopConfiguration, dsn: str, lang: str) -> None:
    with progress("…") as advance:
        seen: list[Any] = []

        def on_step(step: Any) -> None:
            seen.append(step)
            advance(len(seen))

        try:
            done = run_async(upgraded(configuration, dsn, on_step))
        except ConfigurationError as error:
            if (plugin := _brought(configuration, error)) is not None:
                message = f"The plugin {plugin!r} brings tables that cannot be made: {error.detail}"
                raise PluginError(message) from error
            raise
    if done.steps:
        say(text("migrated", lang, count=done.steps))


async def _prepare(
    configuration: ShopConfiguration, dsn: str, left: ServerFile | None, lang: str
) -> IssuedToken | None:
    """Fill an empty demo shop, revoke the token that a killed run left, and make this run's."""
    from commercekit.app import Shop

    async with Shop(configuration, dsn).opened() as shop:
        if shop.safe_mode.active:
            _tell_safe_mode(shop, lang)
        for sentence in shop.plugins.warnings:
            say(sentence)
        with progress(text("seeding", lang)) as advance:
            report = await seed_demo(shop, advance)
        if report is not None:
            say(text("seeded", lang, products=report.products, variants=report.variants))
            for fault in report.errors[:5]:
                say(f"  {fault.row}: {fault.message}")
        if left is not None and left.token_id:
            await _revoke(shop, left.token_id)
        if configuration.settings.in_production:
            return None
        from commercekit.identity import NewToken

        until = shop.clock.now() + _TOKEN_LIFE
        new = NewToken(name="commercekit run", scopes=frozenset({"*:*"}), expires_at=until)
        return await shop.identity.create_token(Principal.system("cli"), new)


def _tell_safe_mode(shop: Shop, lang: str) -> None:
    enabled = ", ".join(shop.plugins.enabled)
    say(text("safe-mode", lang, enabled=enabled) if enabled else text("safe-mode-bare", lang))
    for sentence in shop.plugins.left_out.values():
        say(f"  {sentence}")
    if shop.safe_mode.lacking:
        say(text("safe-mode-lacking", lang, lacking=", ".join(shop.safe_mode.lacking)))


async def _revoke(shop: Shop, token_id: str | UUID) -> None:
    from uuid import UUID

    from commercekit.errors import NotFound

    try:
        await shop.identity.revoke_token(
            Principal.system("cli"), UUID(str(token_id)), reason="the run ended"
        )
    except NotFound:  # another database stands behind this folder now
        return


def _serve(
    wanted: Running,
    configuration: ShopConfiguration,
    port: int,
    issued: IssuedToken | None,
    played: Mapping[str, str],
) -> int:
    from granian.constants import HTTPModes, Interfaces, Loops

    from commercekit.cli.serving.processes import Drain, ShopServer, end_the_stuck

    processes = wanted.processes or configuration.settings.web.processes
    share_metrics(run_folder(configuration.data) / "metrics")
    told = ServerFile(
        pid=os.getpid(),
        started_at=psutil.Process().create_time(),
        base_url=configuration.settings.web.base_url,
        config=str(configuration.file.resolve()) if configuration.file else "",
        token=issued.secret if issued else "",
        token_id=str(issued.token.id) if issued else "",
    )
    told.write(configuration.data)
    # Forked processes would inherit this one's threads, loops and metrics.
    multiprocessing.set_start_method("spawn", force=True)
    end_the_stuck(
        run_folder(configuration.data) / "alive", configuration.settings.telemetry.stuck_after
    )
    drain = Drain(configuration.drain_sign, configuration.settings.web.drain)
    drain.forget()
    server = ShopServer(
        _TARGET,
        address=wanted.host,
        port=port,
        interface=Interfaces.ASGI,
        workers=processes,
        loop=Loops.uvloop,
        http=HTTPModes.http1,
        websockets=False,
        factory=True,
        log_enabled=False,
        workers_kill_timeout=20,
        respawn_interval=0,
        reserve=run_folder(configuration.data) / "reserve" if processes > 1 else None,
        drain=drain,
    )
    say(text("starting", wanted.lang, count=processes))
    address = _address(wanted.host, port)
    shown = banner(
        base_url=told.base_url,
        token=told.token,
        data=str(configuration.data),
        command=_command(),
        played=played,
        lang=wanted.lang,
    )
    threading.Thread(
        target=_announce, args=(server, address, shown), name="announce", daemon=True
    ).start()
    try:
        server.serve()
    except SystemExit as ended:
        return int(ended.code or 0) if isinstance(ended.code, int) else ExitCode.FAILED
    finally:
        server.dismiss_reserve()
        drain.forget()
    return ExitCode.OK


def _announce(server: Any, address: str, shown: str) -> None:
    """Print where the shop is as soon as it answers; from then on a process that dies is replaced."""
    import httpx

    until = time.monotonic() + _READY_WITHIN
    while time.monotonic() < until:
        try:
            if httpx.get(f"{address}/readyz", timeout=2.0).status_code == httpx.codes.OK:
                break
        except httpx.HTTPError:
            time.sleep(0.1)
    else:
        say(f"The shop did not become ready within {_READY_WITHIN:g} s; see the log above.")
        os.kill(os.getpid(), signal.SIGTERM)
        return
    server.respawn_failed_workers = True
    server.keep_a_reserve()
    console().print(shown, markup=False)
    sys.stdout.flush()


def _command() -> str:
    """How this program was called, so that what is printed can be copied."""
    called = Path(sys.argv[0])
    if called.name != "commercekit":
        return "commercekit"
    try:
        return str(called.resolve().relative_to(Path.cwd()))
    except ValueError:
        return "commercekit"


def _end(configuration: ShopConfiguration, dsn: str, issued: IssuedToken | None, lang: str) -> None:
    """Leave things as the next start likes to find them; what cannot be done now it does itself."""
    left = ServerFile.read(configuration.data)
    try:
        if issued is not None:
            run_async(_revoke_at_end(configuration, dsn, str(issued.token.id)))
    except CommerceKitError:
        return
    if left is not None and left.pid == os.getpid():
        left.stopped().write(configuration.data)
    say(text("stopped", lang, data=configuration.data))


async def _revoke_at_end(configuration: ShopConfiguration, dsn: str, token_id: str) -> None:
    from commercekit.app import Shop

    async with Shop(configuration, dsn).opened() as shop:
        await _revoke(shop, token_id)
