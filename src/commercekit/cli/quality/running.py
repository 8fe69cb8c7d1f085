"""What has to be run to be known: the tests with their coverage, mypy, the wheel."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from commercekit.cli.quality.checks.tests import kits
from commercekit.cli.quality.core import kit_rules
from commercekit.cli.quality.folder import PluginFolder

__all__ = ["Runs", "all_pass", "kit_passes", "strictly_typed", "well_covered", "wheel_works"]

COVERED: Final = 90
"""Per cent of lines and branches that the plugin's own tests have to reach."""
_PATIENCE: Final = 900.0


@dataclass(frozen=True)
class Case:
    """One test that was run."""

    kind: str
    """The class it stands in."""
    name: str
    outcome: str
    said: str


class Runs:
    """Runs each thing once and remembers what came of it. It executes the plugin's code."""

    def __init__(self, plugin: PluginFolder, root: Path) -> None:
        self._plugin = plugin
        self._root = root

    def _run(self, *command: str, cwd: Path | None = None) -> subprocess.CompletedProcess[str]:
        # The command is this Python with modules of our own choice; the paths are arguments.
        line = [sys.executable, *command]
        try:
            return subprocess.run(  # noqa: S603  # nothing here goes through a shell
                line,
                cwd=cwd or self._root,
                capture_output=True,
                text=True,
                check=False,
                timeout=_PATIENCE,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            )
        except subprocess.TimeoutExpired:
            slow = f"it took longer than {_PATIENCE / 60:.0f} minutes"
            return subprocess.CompletedProcess(line, 1, "", slow)

    @cached_property
    def tests(self) -> tuple[tuple[Case, ...], str, float | None]:
        """Every test with its outcome, what pytest said last, and the coverage in per cent."""
        with tempfile.TemporaryDirectory() as folder:
            report, data = Path(folder, "tests.xml"), Path(folder, "coverage")
            command = [
                "-m",
                "pytest",
                "tests",
                "-q",
                "-p",
                "no:cacheprovider",
                f"--junitxml={report}",
                "-o",
                "junit_family=xunit1",  # the kits note rules as properties, which xunit2 has no place for
            ]
            measured = find_spec("coverage") is not None
            if measured:
                settings = Path(folder, "coveragerc")
                settings.write_text(
                    f"[run]\nbranch = true\nsource_pkgs = {self._plugin.package}\n"
                    f"data_file = {data}\nconcurrency = thread\n",
                    encoding="utf-8",
                )
                command = ["-m", "coverage", "run", f"--rcfile={settings}", *command]
            done = self._run(*command)
            last = (done.stdout.strip() or done.stderr.strip()).splitlines()[-1:]
            cases = tuple(_cases(report)) if report.is_file() else ()
            covered = None
            if measured and data.is_file():
                told = self._run("-m", "coverage", "json", f"--rcfile={settings}", "-q", "-o", "-")
                if told.returncode == 0:
                    covered = float(json.loads(told.stdout)["totals"]["percent_covered"])
            return cases, last[0] if last else "pytest said nothing", covered

    @cached_property
    def types(self) -> str | None:
        """The first complaint of mypy; None when it has none."""
        done = self._run(
            "-m", "mypy", "--strict", "--no-error-summary", "--cache-dir", os.devnull,
            str(self._plugin.base / self._plugin.package),
        )  # fmt: skip
        lines = (done.stdout + done.stderr).strip().splitlines()
        return None if done.returncode == 0 else (lines or ["mypy failed"])[0]

    @cached_property
    def wheel(self) -> tuple[str, ...]:
        """What is wrong with the wheel that the folder builds."""
        with tempfile.TemporaryDirectory() as folder:
            built = self._run(
                "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation", "--no-index",
                "--wheel-dir", folder, str(self._root),
            )  # fmt: skip
            wheels = list(Path(folder).glob("*.whl"))
            if built.returncode or not wheels:
                last = built.stderr.strip().splitlines()[-1:] or ["pip said nothing"]
                return (f"no wheel can be built: {last[0]}",)
            unpacked = Path(folder, "unpacked")
            with zipfile.ZipFile(wheels[0]) as archive:
                archive.extractall(unpacked)
            return tuple(self._faults(unpacked))

    def _faults(self, unpacked: Path) -> Iterator[str]:
        package = self._plugin.package
        shipped = {str(path.relative_to(unpacked)) for path in unpacked.rglob("*")}
        base = self._plugin.base
        for path in sorted((base / package).rglob("*")):
            name = str(path.relative_to(base))
            if path.is_file() and "__pycache__" not in path.parts and name not in shipped:
                yield f"the wheel lacks {name}"
        if any(Path(name).parts[0] == "tests" for name in shipped):
            yield "the wheel installs tests/ as a package called tests"
        if not list(unpacked.glob("*.dist-info/entry_points.txt")):
            yield "the wheel has no entry point"
        loaded = self._run(
            "-c",
            "import sys, importlib; sys.path.insert(0, sys.argv[1]); "
            "module = importlib.import_module(sys.argv[2]); print(module.__file__)",
            str(unpacked),
            self._plugin.entry_module,
            cwd=unpacked,
        )
        if loaded.returncode:
            last = loaded.stderr.strip().splitlines()[-1:] or ["nothing was said"]
            yield f"the module of the wheel cannot be imported: {last[0]}"
        elif not Path(loaded.stdout.strip().splitlines()[-1]).is_relative_to(unpacked):
            yield "what was imported is not what the wheel has"


def _cases(report: Path) -> Iterator[Case]:
    # pytest wrote the file a moment ago, in a folder that nobody else can write to.
    for node in ET.parse(report).getroot().iter("testcase"):  # noqa: S314 - our own file  # nosec B314
        outcome, said = "passed", ""
        for inner in node:
            if inner.tag in {"failure", "error", "skipped"}:
                outcome = inner.tag
                said = (inner.get("message") or "").strip().partition("\n")[0]
        kind = (node.get("classname") or "").rpartition(".")[2]
        yield Case(kind, (node.get("name") or "").partition("[")[0], outcome, said)


def all_pass(plugin: PluginFolder, runs: Runs) -> Iterator[str]:
    """Every test passes."""
    cases, last, _ = runs.tests
    if not cases:
        yield f"no test could be run: {last}"
    for case in cases:
        if case.outcome in {"failure", "error"}:
            yield f"{case.name} does not pass: {case.said}"


def kit_passes(plugin: PluginFolder, runs: Runs) -> Iterator[str]:
    """Every rule of the kit was collected, and passed."""
    cases, _, _ = runs.tests
    for kit in kits(plugin):
        outcomes: dict[str, set[str]] = {}
        for case in cases:
            if case.kind == kit.node.name:
                outcomes.setdefault(case.name, set()).add(case.outcome)
        for rule in sorted(kit_rules(kit.contract)):
            seen = outcomes.get(rule, {"not collected"})
            if seen != {"passed"}:
                yield f"{kit.node.name}.{rule}: {', '.join(sorted(seen - {'passed'}))}"


def well_covered(plugin: PluginFolder, runs: Runs) -> Iterator[str]:
    """Its own tests reach most of its code."""
    covered = runs.tests[2]
    if covered is None:
        yield "the coverage could not be measured; install coverage"
    elif covered < COVERED:
        yield f"its own tests reach {covered:.0f} % of it, and {COVERED} % is asked"


def strictly_typed(plugin: PluginFolder, runs: Runs) -> Iterator[str]:
    """There is nothing that ``mypy --strict`` has to say."""
    if find_spec("mypy") is None:
        yield "mypy is not installed here"
    elif runs.types is not None:
        yield runs.types


def wheel_works(plugin: PluginFolder, runs: Runs) -> Iterator[str]:
    """What is installed is whole."""
    yield from runs.wheel
