from __future__ import annotations

from itertools import chain

import pytest

from tests.architecture.front_doors import names_not_offered, reaches_inside
from tests.architecture.source import ROOT, Module, core, modules, none_of, plugins

DOOR = Module(
    "commercekit.orders", '__all__ = ["Order"]\nSecret = 1\n', is_package=True, path="orders"
)
TABLES = Module("commercekit.orders.tables", "")
KNOWN = {DOOR.name: DOOR, TABLES.name: TABLES}


def test_the_core_imports_only_what_front_doors_offer():
    assert none_of(chain.from_iterable(map(names_not_offered, core())))


def test_plugins_import_only_what_front_doors_offer():
    assert none_of(chain.from_iterable(map(names_not_offered, plugins())))


def test_every_plugin_is_under_the_contracts_of_import_linter():
    written = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    packages = sorted({module.parts[0] for module in plugins()})
    assert [name for name in packages if f'"{name}"' not in written] == []


def test_the_scan_sees_the_house():
    assert {"commercekit.errors", "commercekit.kernel.money"} <= set(modules())


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("commercekit.checkout.service", "commercekit.orders.tables"),
        ("commercekit.checkout.service", "commercekit.kernel.money"),
        ("commercekit.checkout.service", "commercekit.platform.db.pool"),
        ("commercekit.platform.bus.relay", "commercekit.platform.db.pool"),
        ("commercekit.web.urls", "commercekit.orders.repository"),
        ("commercekit_payment_cod.gateway", "commercekit.payments.providers"),
        ("commercekit_payment_cod.gateway", "commercekit.payments.api"),
    ],
)
def test_passing_a_front_door_by_is_seen(importer: str, imported: str):
    assert reaches_inside(importer, imported)


@pytest.mark.parametrize(
    ("importer", "imported"),
    [
        ("commercekit.checkout.service", "commercekit.orders"),
        ("commercekit.orders.service", "commercekit.orders.tables"),
        ("commercekit.platform.db.pool", "commercekit.platform.db.session"),
        ("commercekit.cli.run", "commercekit.platform.db.embedded"),
        ("commercekit.web.urls", "commercekit.orders.api"),
        ("commercekit_payment_cod.gateway", "commercekit.payments"),
        ("commercekit_payment_cod.gateway", "msgspec.json"),
    ],
)
def test_using_a_front_door_is_fine(importer: str, imported: str):
    assert not reaches_inside(importer, imported)


@pytest.mark.parametrize(
    "line",
    [
        "from commercekit.orders import Secret",
        "from commercekit.orders import tables",
        "from commercekit.orders.tables import OrderRow",
        "import commercekit.orders.tables",
    ],
)
def test_taking_what_is_not_offered_is_seen(line: str):
    for importer in ("commercekit.checkout.service", "commercekit_crm_example.connector"):
        assert len(list(names_not_offered(Module(importer, line), KNOWN))) == 1


def test_taking_what_is_offered_is_fine():
    module = Module("commercekit.checkout.service", "from commercekit.orders import Order")
    assert list(names_not_offered(module, KNOWN)) == []
