import enum
from datetime import timedelta
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
import pytest

from commercekit.platform.settings import (
    Secret,
    Section,
    SettingsError,
    SettingsSource,
    load_settings,
)

CANARY = "canary-5d1f0c"


class Level(enum.Enum):
    INFO = "info"
    DEBUG = "debug"


class Http(msgspec.Struct, frozen=True):
    port: Annotated[int, msgspec.Meta(ge=1, le=65535, description="Where the shop listens.")] = 8000
    host: str = "127.0.0.1"
    timeout: timedelta = timedelta(seconds=2)
    debug: bool = False


class Account(msgspec.Struct, frozen=True):
    gateway: str
    key: Secret | None = None
    config: Section = msgspec.field(default_factory=Section)


class Plugins(msgspec.Struct, frozen=True):
    enabled: tuple[str, ...] = ()


class Root(msgspec.Struct, frozen=True):
    http: Http = Http()
    plugins: Plugins = Plugins()
    level: Level = Level.INFO
    mode: Literal["development", "production"] = "development"
    hosts: list[str] = []
    data: Path | None = None
    password: Secret | None = None
    accounts: dict[str, Account] = {}


class Sandbox(msgspec.Struct, frozen=True):
    delay: timedelta = timedelta(seconds=1)
    secret: Secret = Secret("preset")


def load(tmp_path: Path, text: str = "", sections: Any = None, **environ: str):
    file = tmp_path / "commercekit.toml"
    file.write_text(text, encoding="utf-8")
    return load_settings(Root, path=file, environ=environ, sections=sections)


def problems(tmp_path: Path, text: str = "", sections: Any = None, **environ: str):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text, sections, **environ)
    return {problem.path: problem for problem in caught.value.problems}


def test_an_empty_file_gives_the_defaults(tmp_path):
    loaded = load(tmp_path)
    assert loaded.tree == Root()
    assert loaded.origin("http.port") == "default"


def test_the_environment_stands_above_the_file_and_each_origin_is_known(tmp_path):
    loaded = load(
        tmp_path, '[http]\nport = 1\nhost = "::1"\ntimeout = "1m30s"', COMMERCEKIT_HTTP__PORT="81"
    )
    assert loaded.tree.http == Http(port=81, host="::1", timeout=timedelta(seconds=90))
    assert loaded.origin("http.port") == "COMMERCEKIT_HTTP__PORT"
    assert loaded.origin("http.host") == "file"


def test_variables_are_read_as_their_type_says(tmp_path):
    tree = load(
        tmp_path,
        COMMERCEKIT_HTTP__DEBUG="yes",
        COMMERCEKIT_HOSTS="a.example, b.example",
        COMMERCEKIT_LEVEL="debug",
        COMMERCEKIT_MODE="production",
        COMMERCEKIT_DATA="relative/folder",
        COMMERCEKIT_PLUGINS__ENABLED='["one", "two"]',
    ).tree
    assert tree.http.debug is True
    assert tree.hosts == ["a.example", "b.example"]
    assert tree.level is Level.DEBUG
    assert tree.mode == "production"
    assert tree.data == Path("relative/folder")
    assert tree.plugins.enabled == ("one", "two")


def test_a_path_in_the_file_is_relative_to_the_file(tmp_path):
    assert load(tmp_path, 'data = "shop"').tree.data == tmp_path / "shop"


def test_every_problem_is_told_at_once(tmp_path):
    wrong = problems(
        tmp_path,
        """
        prot = 1
        level = "inof"
        hosts = "one"
        [http]
        port = "eighty"
        timeout = 15
        hsot = "x"
        [accounts.default]
        key = 12
        """,
        COMMERCEKIT_HTTP__DEBUG="maybe",
    )
    assert set(wrong) == {
        "prot",
        "level",
        "hosts",
        "http.port",
        "http.timeout",
        "http.hsot",
        "http.debug",
        "accounts.default.gateway",
        "accounts.default.key",
    }


def test_a_problem_names_path_type_variable_and_value(tmp_path):
    assert str(problems(tmp_path, '[http]\nport = "eighty"')["http.port"]) == (
        'http.port: is "eighty"; expected a whole number from 1 to 65535 [COMMERCEKIT_HTTP__PORT]'
    )


def test_the_error_counts_and_lists_its_problems(tmp_path):
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, 'level = 1\nmode = "x"')
    assert caught.value.detail == (
        "2 settings are wrong:\n"
        "  level: is 1; expected one of info, debug [COMMERCEKIT_LEVEL]\n"
        '  mode: is "x"; expected one of development, production [COMMERCEKIT_MODE]'
    )


def test_a_misspelt_key_is_refused_with_the_key_that_was_meant(tmp_path):
    wrong = problems(tmp_path, '[htpp]\nport = 1\n[http]\nhsot = "x"')
    assert wrong["htpp"].suggestion == "http"
    assert wrong["http.hsot"].suggestion == "http.host"
    assert "is not a key of [http]" in str(wrong["http.hsot"])


def test_a_misspelt_value_of_a_choice_gets_a_suggestion(tmp_path):
    assert problems(tmp_path, 'mode = "prodution"')["mode"].suggestion == "production"


def test_a_misspelt_variable_is_refused_with_the_one_that_was_meant(tmp_path):
    wrong = problems(tmp_path, COMMERCEKIT_HTTP__PROT="1")
    assert wrong["http.prot"].problem == "COMMERCEKIT_HTTP__PROT sets nothing"
    assert wrong["http.prot"].suggestion == "COMMERCEKIT_HTTP__PORT"


def test_a_variable_below_a_value_is_refused(tmp_path):
    wrong = problems(tmp_path, COMMERCEKIT_HTTP__PORT__X="1")
    assert "COMMERCEKIT_HTTP__PORT__X sets something below it" in wrong["http.port"].problem


def test_variables_that_are_no_settings_are_left_alone(tmp_path):
    assert load(tmp_path, COMMERCEKIT_CONFIG="elsewhere.toml", PATH="/bin").tree == Root()


@pytest.mark.parametrize(
    ("text", "path"),
    [
        ("[http]\nport = 0", "http.port"),
        ("[http]\nport = 65536", "http.port"),
        ("[http]\nport = true", "http.port"),
        ("[http]\nport = 80.5", "http.port"),
        ('[http]\ndebug = "true"', "http.debug"),
        ("[http]\nhost = 1", "http.host"),
        ('[http]\ntimeout = "15"', "http.timeout"),
        ('[http]\ntimeout = "15 minutes"', "http.timeout"),
        ("http = 1", "http"),
        ("hosts = [1]", "hosts[0]"),
        ("data = 1", "data"),
        ('accounts = "x"', "accounts"),
        ("accounts.default = 3", "accounts.default"),
        ("accounts.default.gateway = 3", "accounts.default.gateway"),
        ("accounts.default = {}", "accounts.default.gateway"),
    ],
)
def test_a_value_of_the_wrong_type_is_refused(tmp_path, text, path):
    assert set(problems(tmp_path, text)) == {path}


def test_what_is_no_toml_is_refused_with_its_line(tmp_path):
    with pytest.raises(SettingsError, match="is no TOML.*line 2"):
        load(tmp_path, "mode = 'production'\nhttp = =\nx = 1")


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(SettingsError, match="No such file"):
        load_settings(Root, path=tmp_path / "absent.toml", environ={})


def test_without_a_file_only_the_environment_counts():
    loaded = load_settings(Root, path=None, environ={"COMMERCEKIT_HTTP__PORT": "9"})
    assert loaded.tree.http.port == 9


def test_a_refusal_of_the_struct_itself_is_one_of_the_problems(tmp_path):
    class Range(msgspec.Struct):
        low: int = 0
        high: int = 1

        def __post_init__(self) -> None:
            if self.low > self.high:
                message = "low is above high"
                raise ValueError(message)

    class Tree(msgspec.Struct):
        range: Range

    with pytest.raises(SettingsError, match="range: low is above high"):
        load_settings(Tree, path=None, environ={"COMMERCEKIT_RANGE__LOW": "2"})


# -- secrets ------------------------------------------------------------------------------------


def test_a_secret_may_come_from_a_file_beside_the_settings(tmp_path):
    (tmp_path / "password").write_text(f"{CANARY}\n", encoding="utf-8")
    loaded = load(tmp_path, 'password = { file = "password" }')
    assert loaded.tree.password == Secret(CANARY)
    assert loaded.origin("password") == "the file password"


def test_a_secret_may_come_from_a_file_that_a_variable_names(tmp_path):
    (tmp_path / "password").write_text(CANARY, encoding="utf-8")
    loaded = load(tmp_path, COMMERCEKIT_PASSWORD_FILE=str(tmp_path / "password"))
    assert loaded.tree.password == Secret(CANARY)
    assert loaded.origin("password") == "COMMERCEKIT_PASSWORD_FILE"


@pytest.mark.parametrize("content", [None, ""])
def test_a_secret_file_that_is_missing_or_empty_is_refused(tmp_path, content):
    if content is not None:
        (tmp_path / "password").write_text(content, encoding="utf-8")
    assert set(problems(tmp_path, 'password = { file = "password" }')) == {"password"}


def test_a_wrong_secret_is_refused_without_being_shown(tmp_path):
    wrong = problems(
        tmp_path,
        f"""
        password = ["{CANARY}"]
        paswsord = "{CANARY}"
        [accounts.default]
        gateway = "x"
        key = {{ text = "{CANARY}" }}
        """,
    )
    assert set(wrong) == {"password", "paswsord", "accounts.default.key"}
    assert not any(CANARY in str(problem) for problem in wrong.values())


def test_the_password_inside_an_address_is_not_shown(tmp_path):
    wrong = problems(tmp_path, f'mode = "postgresql://shop:{CANARY}@db/shop"')
    assert wrong["mode"].problem == 'is "postgresql://shop:…@db/shop"'


# -- sections -----------------------------------------------------------------------------------


def test_a_plugin_reads_its_own_section(tmp_path):
    loaded = load(
        tmp_path,
        '[plugins.payment-sandbox]\ndelay = "5s"',
        {"payment-sandbox": Sandbox},
        COMMERCEKIT_PLUGINS__PAYMENT_SANDBOX__SECRET=CANARY,
    )
    section = loaded.sections["payment-sandbox"]
    assert isinstance(section, Sandbox)
    assert section.delay == timedelta(seconds=5)
    assert section.secret.reveal() == CANARY


def test_problems_of_sections_and_of_the_tree_come_together(tmp_path):
    wrong = problems(
        tmp_path,
        'mode = 1\n[plugins.payment-sandbox]\ndelya = "5s"\n[plugins.payment-snadbox]\n',
        {"payment-sandbox": Sandbox},
    )
    assert wrong["plugins.payment-sandbox.delya"].suggestion == "plugins.payment-sandbox.delay"
    assert wrong["plugins.payment-snadbox"].suggestion == "plugins.payment-sandbox"
    assert set(wrong) == {"mode", "plugins.payment-sandbox.delya", "plugins.payment-snadbox"}


def test_the_section_of_a_plugin_that_is_not_enabled_waits_unread(tmp_path):
    loaded = load(tmp_path, "[plugins.off]\nanything = 1", {"off": None})
    assert loaded.sections == {}


def test_which_plugins_are_enabled_is_known_before_their_sections_are(tmp_path):
    file = tmp_path / "commercekit.toml"
    file.write_text('[plugins]\nenabled = ["x"]\n[plugins.x]\ndelay = "1s"', encoding="utf-8")
    source = SettingsSource.read(file, {})
    assert source.peek("plugins.enabled", tuple[str, ...], ()) == ("x",)
    assert source.peek("mode", str, "development") == "development"
    assert source.load(Root).tree.plugins.enabled == ("x",)


def test_an_account_keeps_its_config_until_its_type_is_known(tmp_path):
    loaded = load(
        tmp_path,
        f'[accounts.default]\ngateway = "sandbox"\nconfig = {{ secret = "{CANARY}" }}',
        COMMERCEKIT_ACCOUNTS__DEFAULT__CONFIG__DELAY="2s",
    )
    config = loaded.tree.accounts["default"].config
    assert config.read(Sandbox) == Sandbox(timedelta(seconds=2), Secret(CANARY))
    assert CANARY not in repr(loaded.tree)


def test_a_wrong_config_names_the_whole_path(tmp_path):
    loaded = load(tmp_path, '[accounts.x]\ngateway = "sandbox"\nconfig = { delay = 1, scret = "" }')
    with pytest.raises(SettingsError) as caught:
        loaded.tree.accounts["x"].config.read(Sandbox)
    assert [problem.path for problem in caught.value.problems] == [
        "accounts.x.config.delay",
        "accounts.x.config.scret",
    ]


def test_an_empty_section_gives_the_defaults_of_its_type():
    assert Section().read(Sandbox) == Sandbox()
