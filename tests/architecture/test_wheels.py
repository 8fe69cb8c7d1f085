"""What people install is the wheel, not the tree: nothing of a package may be missing from it."""

from __future__ import annotations

import subprocess
import sys
import zipfile

import pytest

from tests.architecture.repository import distributions, tracked
from tests.architecture.source import ROOT, none_of


@pytest.mark.parametrize("folder", distributions())
def test_the_wheel_has_every_file_of_the_package(folder, tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT / folder, check=True, capture_output=True,
    )  # fmt: skip
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        shipped = set(archive.namelist())
    base = ROOT / folder / "src"
    wanted = {str(path.relative_to(base)) for path in tracked() if path.is_relative_to(base)}
    assert any(name.endswith("py.typed") for name in wanted)
    assert none_of(sorted(wanted - shipped))
    assert none_of(name for name in sorted(shipped) if name.startswith("tests/"))
