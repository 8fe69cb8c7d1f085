"""Who may call what, against what was recorded."""

from __future__ import annotations

import csv
import runpy
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent


@pytest.fixture(scope="module")
def matrix():
    return runpy.run_path(str(ROOT / ".ci/matrix.py"))


@pytest.fixture(scope="module")
def rows(matrix):
    return list(csv.DictReader(matrix["current"]().splitlines()))


def test_the_recorded_matrix_is_what_the_code_does(matrix):
    assert matrix["RECORD"].read_text(encoding="utf-8") == matrix["current"](), "make matrix"


def test_every_operation_is_kept_or_says_why_it_is_public(rows):
    assert len(rows) > 150
    for row in rows:
        if row["access"] == "public":
            assert row["why public"], row
            assert row["path"].startswith(("/store", "/webhooks", "/admin/auth")), row
        elif row["access"] == "staff":
            assert row["permission"], row
            assert row["owner"] == "x", row
        else:
            assert row["access"] in {"session", "customer"}, row


def test_what_reads_only_opens_nothing_that_changes(rows):
    for row in rows:
        if row["read-only"]:
            assert row["permission"].endswith(":read"), row


@pytest.mark.parametrize(
    ("method", "path", "role", "opens"),
    [
        ("POST", "/admin/roles", "administrator", True),
        ("POST", "/admin/roles", "support", False),
        ("POST", "/admin/orders/export", "support", False),
        ("POST", "/admin/audit/export", "analyst", False),
        ("POST", "/admin/refund-requests/{request_id}/approve", "support", False),
        ("POST", "/admin/stock/{sku}/receipts", "warehouse", True),
        ("POST", "/admin/promotions", "marketer", True),
        ("POST", "/admin/promotions", "purchaser", False),
        ("POST", "/admin/tokens", "read-only", False),
    ],
)
def test_who_may_what(rows, method, path, role, opens):
    (row,) = [row for row in rows if (row["method"], row["path"]) == (method, path)]
    assert (row[role] == "x") is opens
