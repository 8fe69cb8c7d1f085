"""A ``site-packages`` of a test's own, with plugins as an installer leaves them there."""

from __future__ import annotations

import csv
import hashlib
import io
import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping, Sequence
from pathlib import Path

__all__ = ["digest", "install"]

IMPORTED = "import pathlib\npathlib.Path(__file__).with_name('imported').write_text('yes')\n"
"""The first lines of each module: it leaves a mark when it is imported."""


def digest(content: bytes) -> str:
    """As RECORD has it."""
    return f"sha256={urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip('=')}"


def install(
    site: Path,
    code: str,
    *,
    version: str = "1.0",
    plugin: str = "",
    files: Mapping[str, str] | None = None,
    requires: Sequence[str] = (),
    distribution: str | None = None,
    editable: Path | None = None,
) -> Path:
    """Put the plugin ``code`` there; gives the folder of its package.

    ``plugin`` is the text of its module behind a mark that tells that it was imported, ``files`` are
    further files by their path in the package. An editable one has only its metadata here.
    """
    distribution = distribution or f"acme-{code}"
    package = distribution.replace("-", "_")
    written = {f"{package}/__init__.py": "", f"{package}/plugin.py": IMPORTED + plugin}
    written |= {f"{package}/{name}": text for name, text in (files or {}).items()}
    metadata = f"{package}-{version}.dist-info"
    lines = [f"Name: {distribution}", f"Version: {version}", "Summary: Does things."]
    lines += [f"Requires-Dist: {each}" for each in requires]
    described = {
        f"{metadata}/METADATA": "Metadata-Version: 2.1\n" + "\n".join(lines) + "\n",
        f"{metadata}/entry_points.txt": f"[commercekit]\n{code} = {package}.plugin\n",
        f"{metadata}/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    }
    if editable is not None:
        source = {"url": f"file://{editable}", "dir_info": {"editable": True}}
        described[f"{metadata}/direct_url.json"] = json.dumps(source)
        for name, text in written.items():
            (editable / name).parent.mkdir(parents=True, exist_ok=True)
            (editable / name).write_text(text)
        written = {f"{package}.pth": f"{editable}\n"}
    record = io.StringIO()
    rows = csv.writer(record, lineterminator="\n")
    for name, text in {**written, **described}.items():
        path = site / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        rows.writerow([name, digest(text.encode()), len(text.encode())])
    (site / metadata / "INSTALLER").write_text("pip\n")
    rows.writerow([f"{metadata}/INSTALLER", "", ""])
    rows.writerow([f"{package}/__pycache__/plugin.cpython-311.pyc", "", ""])
    rows.writerow(["../../../bin/acme", "", ""])
    rows.writerow([f"{metadata}/RECORD", "", ""])
    (site / metadata / "RECORD").write_text(record.getvalue())
    return site / package
