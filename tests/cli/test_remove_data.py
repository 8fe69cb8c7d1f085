"""What a plugin left, told and removed from the command line, of a shop with a database of its own."""

from __future__ import annotations

import json

CONFIG = """
[database]
dsn = "{dsn}"

[plugins]
enabled = [{enabled}]
"""


def shop_of(at, dsn, *enabled):
    names = ", ".join(f'"{name}"' for name in enabled)
    (at / "commercekit.toml").write_text(CONFIG.format(dsn=dsn, enabled=names), encoding="utf-8")


def test_data_of_a_plugin_is_told_refused_and_removed(at, commercekit, empty_dsn):
    shop_of(at, empty_dsn, "payment-sandbox", "promotions-standard")
    code, _, errors = commercekit("db", "upgrade")
    assert (code, "migrations ran" in errors) == (0, True)

    code, told, errors = commercekit("plugins", "remove-data", "payment-sandbox")
    assert code == 0
    assert "payment_sandbox_charge" in told
    assert "payment-sandbox is enabled; disable or uninstall it" in errors
    code, _, errors = commercekit("plugins", "remove-data", "payment-sandbox", "--yes")
    assert code == 1
    assert "is enabled; take it out of plugins.enabled" in errors

    shop_of(at, empty_dsn, "promotions-standard")
    code, told, _ = commercekit("doctor", "--json")
    (left,) = [each for each in json.loads(told) if each["check"] == "plugin payment-sandbox"]
    assert left["well"] is True
    assert "is gone and left 5 tables; install commercekit-payment-sandbox again" in left["told"]
    code, told, errors = commercekit("plugins", "remove-data", "payment-sandbox", "--json")
    found = json.loads(told)
    assert (code, found["removed"], found["migrations"]) == (
        0,
        False,
        {"commercekit_payment_sandbox": 2},
    )
    assert [table["name"] for table in found["tables"]] == [
        "payment_sandbox_charge",
        "payment_sandbox_dispute",
        "payment_sandbox_movement",
        "payment_sandbox_notification",
        "payment_sandbox_refund",
    ]
    code, _, errors = commercekit("plugins", "remove-data", "payment-sandbox", "--yes")
    assert code == 0
    assert "removing tables of commercekit_payment_sandbox" in errors
    assert "take [plugins.payment-sandbox] out of the settings file" in errors
    code, _, errors = commercekit("plugins", "remove-data", "payment-sandbox")
    assert (code, "was ever enabled here" in errors) == (1, True)

    # Installed again it begins anew.
    shop_of(at, empty_dsn, "payment-sandbox", "promotions-standard")
    code, _, errors = commercekit("db", "upgrade")
    assert (code, errors.strip().splitlines()[-1]) == (0, "2 migrations ran.")
    code, told, _ = commercekit("plugins", "remove-data", "payment-sandbox", "--json")
    assert len(json.loads(told)["tables"]) == 5
