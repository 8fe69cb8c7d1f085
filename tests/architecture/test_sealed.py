"""What is sealed, what is audited for being sealed, and what the tables declare are one list."""

from __future__ import annotations

import re

import pytest

from commercekit.app import SEALED, piccolo_apps
from commercekit.platform.db import invariants_of

_AUDITED = re.compile(r"SELECT '(\w+)' AS \"column\", count\(\*\) AS rows FROM (\w+) ")


def audited():
    """Table and column of each check that ``sealed_with`` made."""
    return {
        (table, column)
        for invariant in invariants_of(piccolo_apps())
        if invariant.name.endswith("-is-sealed")
        for column, table in _AUDITED.findall(invariant.sql)
    }


def test_what_is_sealed_is_audited_and_nothing_else():
    sealed = {(table.name, column) for table in SEALED for column in table.columns}
    assert sealed == audited()


def test_every_table_is_named_once():
    names = [table.name for table in SEALED]
    assert sorted(names) == sorted(set(names))


@pytest.mark.parametrize("table", SEALED, ids=lambda table: table.name)
def test_sealed_columns_are_bytes(table, columns_of):
    declared = columns_of(table.name)
    assert {column: declared.get(column) for column in table.columns} == dict.fromkeys(
        table.columns, "Bytea"
    )


@pytest.fixture(scope="module")
def columns_of():
    from importlib import import_module

    columns = {}
    for app in piccolo_apps():
        for table in import_module(app).APP_CONFIG.table_classes:
            meta = table._meta
            columns[meta.tablename] = {
                column._meta.db_column_name: type(column).__name__ for column in meta.columns
            }
    return lambda name: columns.get(name, {})
