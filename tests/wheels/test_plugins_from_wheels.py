"""Each plugin of this repository as its users have it: its wheel and the core's wheel, nothing else.

The tests of a plugin are copied out of the repository and run by an interpreter of their own, on whose
path are the two wheels and third-party packages only. Those that were changed are tried at every run, the
others in ``make test-full``. What is slow, or asks for facts beside the repository, is tried there only.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.architecture.source import ROOT
from tests.wheels.changed import changed_plugins

CHANGED = changed_plugins(ROOT)
FOLDERS = sorted(path.parent.name for path in ROOT.glob("plugins/*/pyproject.toml"))
SETTINGS = """[pytest]
addopts = --import-mode=importlib --strict-markers -p no:cacheprovider
asyncio_mode = auto
asyncio_default_fixture_loop_scope = function
timeout = 120
timeout_method = thread
filterwarnings = error
markers = slow: takes longer than a few seconds
"""

pytestmark = pytest.mark.timeout(600)


def build(folder: Path, into: Path) -> Path:
    """The wheel of the distribution in ``folder``."""
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(into)],
        cwd=folder, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = into.glob("*.whl")
    return wheel


@pytest.fixture(scope="module")
def place() -> Iterator[Path]:
    """A folder that the database's own account can reach, which pytest's are not."""
    folder = Path(tempfile.mkdtemp(prefix="commercekit-wheels-", dir="/var/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="module")
def core(place: Path) -> Path:
    """The core's wheel."""
    return build(ROOT, place / "core")


@pytest.fixture(scope="module")
def third_party(place: Path) -> Path:
    """Everything that is installed here but CommerceKit, and none of the files that extend the path."""
    folder = place / "third-party"
    folder.mkdir()
    for entry in map(Path, sys.path):
        if entry.name not in {"site-packages", "dist-packages"} or not entry.is_dir():
            continue
        for item in entry.iterdir():
            ours = item.name.lower().startswith(("commercekit", "_editable_impl_commercekit"))
            if not ours and item.suffix != ".pth" and not (folder / item.name).exists():
                (folder / item.name).symlink_to(item)
    shutil.copy(Path(__file__).with_name("proof.py"), folder / "commercekit_wheel_proof.py")
    return folder


@pytest.fixture
def interpreter(place: Path, core: Path, third_party: Path, request) -> Path:
    """A Python that has the two wheels, installed, and third-party packages."""
    plugin = build(ROOT / "plugins" / request.param, place / request.param)
    folder = place / f"{request.param}-venv"
    venv.EnvBuilder(with_pip=False, symlinks=True).create(folder)
    python = folder / "bin/python"
    subprocess.run(
        [sys.executable, "-m", "uv", "pip", "install", "--quiet", "--offline", "--no-index", "--no-deps",
         "--no-config", "--python", str(python), str(core), str(plugin)],
        check=True, capture_output=True,
    )  # fmt: skip
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "third-party.pth").write_text(f"{third_party}\n")
    return python


PARAMETERS = [
    pytest.param(name, id=name, marks=() if name in CHANGED else pytest.mark.slow)
    for name in FOLDERS
]


@pytest.mark.parametrize("interpreter", PARAMETERS, indirect=True)
def test_a_plugin_passes_its_tests_from_wheels_alone(place, interpreter, request):
    name = request.node.callspec.params["interpreter"]
    copied = place / f"{name}-tests"
    shutil.copytree(ROOT / "plugins" / name / "tests", copied / "tests")
    (copied / "pytest.ini").write_text(SETTINGS)
    proof = copied / "proof.json"
    environ = {key: value for key, value in os.environ.items() if not key.startswith("PYTEST_")}
    # -I: neither PYTHONPATH nor the current folder nor the user's packages are looked at.
    ran = subprocess.run(
        [str(interpreter), "-I", "-m", "pytest", "-q", "-x", "-p", "commercekit_wheel_proof",
         "-c", "pytest.ini", "--rootdir", str(copied), "-m", "not slow",
         "--ignore-glob=*/test_shared_*.py", "tests"],
        cwd=copied, capture_output=True, text=True, check=False,
        env={**environ, "WHEEL_PROOF": str(proof), "COVERAGE_PROCESS_START": ""},
    )  # fmt: skip
    assert ran.returncode == 0, ran.stdout[-6000:] + ran.stderr[-2000:]
    told = json.loads(proof.read_text())
    assert (told["failed"], told["ran"] > 0) == (0, True)
    only_from_wheels(told, interpreter.parent.parent)
    assert told["plugins"] == own_entry_points(name)


def only_from_wheels(told: dict, environment: Path) -> None:
    """Nothing came from the repository, and all of CommerceKit from the two wheels."""
    site = str(next(environment.glob("lib/python*/site-packages")))
    sources = (f"{ROOT}/src", f"{ROOT}/plugins", f"{ROOT}/tests")
    assert [each for each in told["path"] if Path(each) == ROOT or each.startswith(sources)] == []
    assert [file for file in told["files"].values() if file.startswith(sources)] == []
    ours = {
        name: file
        for name, file in told["files"].items()
        if name.partition(".")[0].startswith("commercekit") and name != "commercekit_wheel_proof"
    }
    assert len(ours) > 10
    assert {name: file for name, file in ours.items() if not file.startswith(site)} == {}


def own_entry_points(name: str) -> list[str]:
    """What the plugin's own project declares."""
    import tomllib

    text = (ROOT / "plugins" / name / "pyproject.toml").read_text(encoding="utf-8")
    return sorted(tomllib.loads(text)["project"]["entry-points"]["commercekit"])


@pytest.mark.parametrize(
    ("path", "module"),
    [
        (f"{ROOT}/src", None),
        (str(ROOT), None),
        (None, f"{ROOT}/src/commercekit/__init__.py"),
        (None, "/elsewhere/site-packages/commercekit/__init__.py"),
    ],
)
def test_whatever_came_from_elsewhere_is_seen(tmp_path, path, module):
    site = tmp_path / "lib/python3.11/site-packages"
    site.mkdir(parents=True)
    good = {f"commercekit.m{n}": f"{site}/commercekit/m{n}.py" for n in range(20)}
    only_from_wheels({"path": [str(site)], "files": good}, tmp_path)
    bad = {
        "path": [str(site), *([path] if path else [])],
        "files": good | ({"commercekit": module} if module else {}),
    }
    with pytest.raises(AssertionError):
        only_from_wheels(bad, tmp_path)
