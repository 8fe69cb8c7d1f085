"""How much longer a shop takes to start with plugins: processor time of whole starts, with and without.

The plugins are made up and stand for ordinary ones: settings, a route, a subscription, a kind of job, eight
modules of some 400 lines, in a production shop that checks every file of them against its lock.
"""

from __future__ import annotations

import base64
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from tests.platform.plugins.site import install

__all__ = ["ALLOWED_MS", "NAME", "Starts", "measure_starts"]

NAME = "start_with_20_plugins"
ALLOWED_MS = 150.0
_ROOT = Path(__file__).resolve().parents[2]

_SETTINGS = """
environment = "production"
[database]
dsn = "postgresql://nobody@127.0.0.1:1/nothing"
[security]
master_key = "{master_key}"
[web]
base_url = "https://shop.example"
allowed_hosts = ["shop.example"]
[plugins]
enabled = [{enabled}]
"""
_PLUGIN = '''
from litestar import get
from msgspec import Struct

from commercekit import PluginContext, hookimpl
from commercekit.orders import OrderPaid
from commercekit.platform.bus import Subscription
from commercekit.platform.jobs import JobKind
from commercekit.platform.security import public
from {package} import part0, part1, part2, part3, part4, part5

class Settings(Struct, frozen=True):
    """Settings."""
    key: str = "x"
    limit: int = 5

@hookimpl
def register_settings():
    return Settings

@hookimpl
def register_routes(ctx: PluginContext):
    @get("/hello", opt=public("a greeting"))
    async def hello() -> str:
        return "hello"
    return [hello]

@hookimpl
def register_subscriptions(ctx: PluginContext):
    async def react(uow, event, meta): ...
    return [Subscription(consumer="{code}.paid", event=OrderPaid, react=react)]

@hookimpl
def register_jobs(ctx: PluginContext):
    async def work(context): ...
    return [JobKind("{code}.work", work)]
'''
_PART = '"""A module as plugins have them."""\n' + "\n".join(
    f"def function_{n}(a: int, b: str = 'x') -> dict[str, object]:\n"
    f'    """Says something."""\n    return {{"a": a, "b": b, "n": {n}}}\n'
    for n in range(20)
)


@dataclass(frozen=True)
class Starts:
    """Milliseconds of processor time, each with and without the plugins."""

    bare: list[float]
    full: list[float]

    @property
    def extra_ms(self) -> float:
        """What the plugins cost: the difference of the medians."""
        return statistics.median(self.full) - statistics.median(self.bare)


def measure_starts(plugins: int = 20, rounds: int = 5) -> Starts:
    """Start ``rounds`` times each way, in turns, after one that warms the disk and writes byte code."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        site = folder / "site-packages"
        codes = [f"bench-{number}" for number in range(plugins)]
        for code in codes:
            package = f"acme_{code}".replace("-", "_")
            install(
                site,
                code,
                plugin=_PLUGIN.format(code=code, package=package),
                files={f"part{n}.py": _PART for n in range(6)},
            )
            # It marks that it was imported, which a lock would call an addition.
            module = site / package / "plugin.py"
            module.write_text(module.read_text(encoding="utf-8").partition("\n\n")[2])
        _record_anew(site)
        bare, full = folder / "bare.toml", folder / "full.toml"
        key = base64.b64encode(secrets.token_bytes(32)).decode()
        bare.write_text(_SETTINGS.format(master_key=key, enabled=""), encoding="utf-8")
        enabled = ", ".join(f'"{code}"' for code in codes)
        full.write_text(
            _SETTINGS.format(master_key=key, enabled=enabled) + f'lock = "{folder}/plugins.lock"\n',
            encoding="utf-8",
        )
        _run(site, ["-m", "tests.benchmarks.starting", "pin", str(full)])
        seen = Starts([], [])
        for number in range(rounds + 1):
            for config, times in ((bare, seen.bare), (full, seen.full)):
                told = _run(site, ["-m", "tests.benchmarks.starting", "start", str(config)])
                if number:
                    times.append(json.loads(told)["ms"])
        return seen


def _record_anew(site: Path) -> None:
    """The files are as their tests want them; now RECORD has to say so."""
    from tests.platform.plugins.site import digest

    for record in site.glob("*.dist-info/RECORD"):
        lines = []
        for line in record.read_text(encoding="utf-8").splitlines():
            name = line.partition(",")[0]
            file = site / name
            if name.endswith("/plugin.py"):
                line = f"{name},{digest(file.read_bytes())},"  # noqa: PLW2901 - one line in another's place
            lines.append(line)
        record.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _run(site: Path, arguments: list[str]) -> str:
    # Byte code is written by an installer, and here by the first start.
    inherited = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    environ = {**inherited, "PYTHONPATH": os.pathsep.join([str(site), str(_ROOT)])}
    done = subprocess.run(
        [sys.executable, *arguments],
        env=environ,
        cwd=_ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        message = f"a start failed: {done.stderr[-2000:]}"
        raise RuntimeError(message)
    return done.stdout


def _start(config: Path) -> None:
    """A whole start, up to where the database would be opened."""
    from commercekit.app import Shop, build_application, load_configuration

    configuration = load_configuration(config, {"PATH": os.environ["PATH"]})
    assert configuration.settings.database.dsn is not None
    build_application(Shop(configuration, configuration.settings.database.dsn.reveal()))
    enabled = len(configuration.plugins.enabled)
    print(json.dumps({"ms": time.process_time() * 1000, "plugins": enabled}))


def _pin(config: Path) -> None:
    from commercekit.app import plugin_trust
    from commercekit.platform.plugins import PluginLock, installed_plugins, pin

    trust = plugin_trust(config, {})
    there = {plugin.code: plugin for plugin in installed_plugins()}
    PluginLock(plugins={code: pin(there[code]) for code in trust.policy.enabled or ()}).write(
        trust.lock
    )


if __name__ == "__main__":
    {"start": _start, "pin": _pin}[sys.argv[1]](Path(sys.argv[2]))
