import base64
import json
import secrets

import pytest

CANARY = "canary-5d1f0c"
COMMANDS = [
    ("run",),
    ("worker",),
    ("db",),
    ("db", "upgrade"),
    ("db", "downgrade"),
    ("db", "status"),
    ("db", "shell"),
    ("db", "dsn"),
    ("plugins",),
    ("plugins", "new"),
    ("plugins", "list"),
    ("plugins", "pin"),
    ("plugins", "verify"),
    ("plugins", "doctor"),
    ("plugins", "remove-data"),
    ("token",),
    ("token", "create"),
    ("token", "list"),
    ("token", "revoke"),
    ("audit",),
    ("audit", "search"),
    ("audit", "export"),
    ("audit", "heads"),
    ("audit", "verify"),
    ("import",),
    ("import", "products"),
    ("import", "catalogue"),
    ("export",),
    ("export", "products"),
    ("export", "catalogue"),
    ("demo",),
    ("doctor",),
    ("storefront",),
    ("storefront", "rebuild"),
    ("outbox",),
    ("outbox", "list"),
    ("outbox", "parked"),
    ("outbox", "retry"),
    ("outbox", "schema"),
    ("jobs",),
    ("jobs", "list"),
    ("jobs", "show"),
    ("jobs", "retry"),
    ("jobs", "cancel"),
    ("jobs", "kinds"),
    ("jobs", "pause"),
    ("jobs", "resume"),
    ("jobs", "schedules"),
    ("jobs", "run"),
    ("webhooks",),
    ("webhooks", "list"),
    ("webhooks", "types"),
    ("webhooks", "add"),
    ("webhooks", "rotate"),
    ("webhooks", "test"),
    ("webhooks", "deliveries"),
    ("webhooks", "replay"),
    ("webhooks", "enable"),
    ("webhooks", "disable"),
    ("webhooks", "remove"),
    ("staff",),
    ("staff", "create"),
    ("staff", "list"),
    ("staff", "disable"),
    ("staff", "enable"),
    ("staff", "password"),
    ("config",),
    ("config", "show"),
    ("config", "explain"),
]
TEACHES_BY_ITSELF = {
    ("db", "upgrade"),
    ("db", "status"),
    ("plugins", "list"),
    ("token", "list"),
    ("token", "revoke"),
    ("staff", "list"),
    ("staff", "enable"),
    ("staff", "disable"),
    ("staff", "password"),
    ("import", "products"),
    ("import", "catalogue"),
    ("export", "products"),
    ("export", "catalogue"),
    ("storefront", "rebuild"),
    ("outbox", "list"),
    ("outbox", "parked"),
    ("jobs", "list"),
    ("jobs", "show"),
    ("jobs", "cancel"),
    ("jobs", "kinds"),
    ("jobs", "pause"),
    ("jobs", "resume"),
    ("jobs", "schedules"),
    ("jobs", "run"),
    ("webhooks", "list"),
    ("webhooks", "types"),
    ("config", "show"),
}
"""Their group has the example."""


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_every_command_explains_itself(commercekit, command):
    code, told, errors = commercekit(*command, "--help")
    assert (code, errors) == (0, "")
    assert f"Usage: commercekit {' '.join(command)}" in told
    if command not in TEACHES_BY_ITSELF:
        assert f"commercekit {command[0]}" in told.split("Usage:")[1].partition("\n")[2]


def test_the_root_lists_every_command_and_the_exit_codes(commercekit):
    _, told, _ = commercekit("--help")
    for name in ("run", "db", "plugins", "token", "import", "demo", "doctor", "outbox", "config"):
        assert name in told
    assert "Exit codes: 0 done" in told
    assert "4" in told


def test_an_unknown_command_is_wrong_usage(commercekit):
    code, told, errors = commercekit("rnu")
    assert (code, told) == (2, "")
    assert "No such command 'rnu'" in errors


def test_wrong_settings_end_with_three_and_all_of_them(commercekit, at):
    (at / "commercekit.toml").write_text('nmae = "x"\n[web]\nprocesses = 0\n', encoding="utf-8")
    code, told, errors = commercekit("plugins", "list")
    assert (code, told) == (3, "")
    assert "did you mean name?" in errors
    assert "web.processes: is 0" in errors
    assert "Traceback" not in errors


def test_a_file_that_is_not_there_is_wrong_usage(commercekit):
    code, _, errors = commercekit("plugins", "list", "--config", "absent.toml")
    assert code == 2
    assert "absent.toml" in errors


def test_a_plugin_that_is_not_installed_stops_every_command(commercekit, at):
    (at / "commercekit.toml").write_text('[plugins]\nenabled = ["nope"]\n', encoding="utf-8")
    code, _, errors = commercekit("config", "show")
    assert code == 3
    assert "plugins.enabled names nope, and that is not installed" in errors


def test_plugins_are_listed_as_data(commercekit):
    code, told, _ = commercekit("plugins", "list", "--json")
    assert code == 0
    for plugin in json.loads(told):
        assert set(plugin) == {"code", "distribution", "version", "summary", "enabled", "hooks"}
        assert plugin["enabled"] is True


def test_a_production_shop_enables_nothing_by_itself(commercekit, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_ENVIRONMENT", "production")
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", "postgresql://shop@db/shop")
    key = base64.b64encode(secrets.token_bytes(32)).decode()
    monkeypatch.setenv("COMMERCEKIT_SECURITY__MASTER_KEY", key)
    monkeypatch.setenv("COMMERCEKIT_WEB__BASE_URL", "https://shop.example")
    monkeypatch.setenv("COMMERCEKIT_WEB__ALLOWED_HOSTS", "shop.example")
    _, told, _ = commercekit("plugins", "list", "--json")
    assert not any(plugin["enabled"] for plugin in json.loads(told))


@pytest.mark.parametrize(
    "command",
    [
        ("config", "show"),
        ("config", "show", "--json"),
        ("config", "explain", "database.dsn"),
        ("config", "explain", "security.master_key", "--json"),
    ],
)
def test_secrets_are_never_printed(commercekit, at, monkeypatch, command):
    (at / "key").write_text(CANARY, encoding="utf-8")
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", f"postgresql://shop:{CANARY}@db/shop")
    monkeypatch.setenv("COMMERCEKIT_SECURITY__MASTER_KEY_FILE", str(at / "key"))
    code, told, errors = commercekit(*command)
    assert code == 0
    assert CANARY not in told + errors
    assert "********" in told


def test_a_setting_is_explained_with_its_origin(commercekit, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_WEB__PROCESSES", "3")
    code, told, _ = commercekit("config", "explain", "web.processes", "--json")
    assert code == 0
    assert json.loads(told) == {
        "setting": "web.processes",
        "meaning": "Server processes.",
        "type": "a whole number from 1 to 64",
        "default": "2",
        "variable": "COMMERCEKIT_WEB__PROCESSES",
        "value": 3,
        "from": "COMMERCEKIT_WEB__PROCESSES",
    }


def test_a_misspelt_setting_is_told_what_was_meant(commercekit):
    code, _, errors = commercekit("config", "explain", "wbe.processes")
    assert code == 1
    assert errors == "commercekit: There is no setting wbe.processes; did you mean web.processes?\n"


def test_a_database_that_does_not_answer_ends_with_four_and_one_sentence(commercekit, monkeypatch):
    monkeypatch.setenv("COMMERCEKIT_DATABASE__DSN", "postgresql://shop@127.0.0.1:1/shop")
    for command in (("db", "status"), ("token", "list"), ("doctor",), ("outbox", "list")):
        code, told, errors = commercekit(*command)
        assert (command, code, told) == (command, 4, "")
        assert errors.startswith("commercekit: The database does not answer")
        assert errors.count("\n") == 1


def test_retrying_needs_to_be_told_what(commercekit):
    code, _, errors = commercekit("outbox", "retry")
    assert code == 2
    assert "name one FACT, or say --all" in errors


def test_a_token_needs_a_scope_and_a_legible_expiry(commercekit):
    assert commercekit("token", "create", "x")[0] == 2
    code, _, errors = commercekit("token", "create", "x", "--scope", "a:b", "--expires", "soon")
    assert code == 2
    assert "'soon' is no duration" in errors


def test_a_demo_without_a_shop_says_how_to_start_one(commercekit, at):
    code, told, errors = commercekit("demo", "--data", str(at / "shop"))
    assert (code, told) == (4, "")
    assert "start one (commercekit run)" in errors


def test_a_demo_without_a_token_is_wrong_usage(commercekit):
    code, _, errors = commercekit("demo", "--url", "http://127.0.0.1:1")
    assert code == 2
    assert "--token" in errors


def test_a_demo_against_nobody_ends_with_four(commercekit):
    code, _, errors = commercekit("demo", "--url", "http://127.0.0.1:1", "--token", "ck_x")
    assert code == 4
    assert "The shop does not answer at http://127.0.0.1:1" in errors
