"""A pytest plugin for the tests of wheels: writes down where everything was imported from.

It lies in the test's own folder and is loaded with ``-p``; nothing here may import the repository.
"""

from __future__ import annotations

import json
import os
import sys
from importlib.metadata import entry_points
from pathlib import Path


def pytest_sessionfinish(session, exitstatus):
    files = {
        name: file
        for name, module in list(sys.modules.items())
        if isinstance(file := getattr(module, "__file__", None), str)
    }
    told = {
        "path": sys.path,
        "files": files,
        "plugins": sorted(entry.name for entry in entry_points(group="commercekit")),
        "ran": session.testscollected - session.testsfailed,
        "failed": session.testsfailed,
    }
    Path(os.environ["WHEEL_PROOF"]).write_text(json.dumps(told), encoding="utf-8")
