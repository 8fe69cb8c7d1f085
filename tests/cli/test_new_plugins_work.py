"""One of each kind is begun, installed, tested and listed, exactly as it was written."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.metadata import version

import pytest

from commercekit.cli.scaffold import Answers, kinds, rendered, write

pytestmark = pytest.mark.timeout(600)

LONGEST = "zz-top-of-the-pops-yyyyy"


def _run(*command, cwd, path=()):
    done = subprocess.run(
        command, cwd=cwd, capture_output=True, text=True, timeout=300, check=False,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(map(str, path)), "NO_COLOR": "1",
             "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PYTHONDONTWRITEBYTECODE": "1"},
    )  # fmt: skip
    assert done.returncode == 0, f"{command}\n{done.stdout}\n{done.stderr}"
    return done.stdout


def _commercekit(*arguments, cwd, path=()):
    return _run(
        sys.executable, "-c", "from commercekit.cli import main; main()", *arguments,
        cwd=cwd, path=path,
    )  # fmt: skip


def _begin(kind, name, home, title="", distribution=""):
    answers = Answers.of(
        kinds()[kind], name, title=title, distribution=distribution,
        author="Ada Lovelace <ada@example.com>", licence="MIT", core=version("commercekit"),
    )  # fmt: skip
    write(rendered(answers), home / answers.distribution)
    return home / answers.distribution


@pytest.fixture(scope="module")
def begun(tmp_path_factory):
    """A folder for each kind, as a stranger gets it."""
    home = tmp_path_factory.mktemp("begun")
    return {kind: _begin(kind, "acme", home) for kind in kinds()}


@pytest.fixture(scope="module")
def site(begun, tmp_path_factory):
    """Where all of them are installed, from their own wheels."""
    target = tmp_path_factory.mktemp("site")
    _run(
        sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation",
        "--no-index", "--no-compile", "--target", str(target), *map(str, begun.values()),
        cwd=target,
    )  # fmt: skip
    return target


@pytest.mark.parametrize("kind", kinds())
def test_tests_of_a_new_plugin_pass(begun, site, kind):
    told = _run(
        sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", cwd=begun[kind], path=[site]
    )
    assert " passed" in told
    assert "skipped" not in told


def test_new_plugins_are_listed_and_nothing_of_the_shop_changes(site, tmp_path):
    listed = json.loads(_commercekit("plugins", "list", "--json", cwd=tmp_path, path=[site]))
    views = {view["code"]: view for view in listed}
    for kind in kinds().values():
        view = views[f"{kind.prefix}acme".removeprefix("commercekit-")]
        assert view["distribution"] == f"{kind.prefix}acme"
        assert view["enabled"] is True
        assert view["version"] == "0.1.0"
        assert view["hooks"] != []


def test_new_plugins_carry_their_types(begun, site):
    for folder in begun.values():
        package = folder.name.replace("-", "_")
        assert (site / package / "py.typed").is_file()


@pytest.mark.parametrize("name", ["a", "acme", LONGEST])
def test_new_plugins_are_well_kept_whatever_their_name(tmp_path, name):
    for kind in kinds():
        _begin(kind, name, tmp_path, title="W" * 32, distribution=f"{name}-or-more-{kind}")
    _run(sys.executable, "-m", "ruff", "check", "--no-cache", ".", cwd=tmp_path)
    _run(sys.executable, "-m", "ruff", "format", "--no-cache", "--check", ".", cwd=tmp_path)


@pytest.mark.slow
def test_new_plugins_satisfy_the_strictest_types(begun, site, tmp_path):
    for folder in begun.values():
        _run(sys.executable, "-m", "mypy", "--cache-dir", str(tmp_path), cwd=folder, path=[site])


@pytest.mark.slow
def test_new_plugins_are_silver_before_anybody_touched_them(begun, tmp_path):
    for folder in begun.values():
        report = json.loads(_commercekit("plugins", "quality", str(folder), "--json", cwd=tmp_path))
        assert (report["code"], report["tier"]) == (folder.name.partition("-")[2], "silver")
