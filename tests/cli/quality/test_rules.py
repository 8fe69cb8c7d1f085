"""Each rule of the scale sees what breaks it, and says so in a sentence."""

from __future__ import annotations

import pytest

from commercekit.cli.quality import RULES, State, judge
from tests.cli.quality.acme import PACKAGE, append, change, write

PLUGIN, SETTINGS, CARRIER, TABLES = (
    f"{PACKAGE}/{name}.py" for name in ("plugin", "settings", "carrier", "tables")
)

CHANGED = [
    ("packaging", "pyproject.toml", 'license = "Apache-2.0"\n', "", "project.license"),
    ("packaging", "pyproject.toml", "acme.plugin", "acme.plug", "there is no such module"),
    ("packaging", "pyproject.toml", "carrier-acme =", "Carrier_Acme =", "no lower-case word"),
    ("packaging", "pyproject.toml", '.plugin"', '.plugin"\nmore = "more"', "2 entry points"),
    ("bounded-core", "pyproject.toml", ">=0.1,<0.2", ">=0.1", "no upper bound"),
    ("bounded-core", "pyproject.toml", ">=0.1,<0.2", "<0.2", "no lower bound"),
    ("bounded-core", "pyproject.toml", '"commercekit>=0.1,<0.2", ', "", "not among"),
    ("front-doors", PLUGIN, "commercekit.fulfilment import", "commercekit.fulfilment.providers import",
     "is inside commercekit.fulfilment"),
    ("front-doors", PLUGIN, "import Carrier\n", "import Carrier, Lorry\n",
     "commercekit.fulfilment does not offer Lorry"),
    ("front-doors", PLUGIN, "commercekit.fulfilment import", "commercekit.lorries import",
     "commercekit.lorries is not there"),
    ("stands-alone", PLUGIN, "from msgspec", "import litestar\nfrom msgspec",
     "litestar is not among project.dependencies"),
    ("stands-alone", PLUGIN, "from msgspec", "import commercekit_carrier_sandbox\nfrom msgspec",
     "commercekit_carrier_sandbox is another plugin"),
    ("hooks-only-register", PLUGIN, "def register_carriers", "async def register_carriers",
     "register_carriers is async"),
    ("hooks-only-register", PLUGIN, "def register_carriers", "def register_carrier",
     "commercekit has no hook register_carrier"),
    ("hooks-only-register", PLUGIN, "def register_carriers(ctx:", "def register_carriers(context:",
     "asks for context; the hook offers ctx"),
    ("hooks-only-register", PLUGIN, "    return [AcmeCarrier(ctx)]",
     "    ctx.http.get('https://acme.example')\n    return [AcmeCarrier(ctx)]",
     "register_carriers calls ctx.http.get while the shop starts"),
    ("hooks-only-register", CARRIER, "SERVICES = ", "TABLE = open('table')\nSERVICES = ",
     "importing it calls open"),
    ("conformance", "tests/test_contract.py", "(CarrierContract)", "",
     "it fills register_carriers, and no test class subclasses CarrierContract"),
    ("conformance", "tests/test_contract.py", "    @pytest.fixture",
     "    def test_it_declares_itself(self):\n        pass\n\n    @pytest.fixture",
     "TestContract replaces test_it_declares_itself of CarrierContract"),
    ("conformance", "tests/test_contract.py", "    @pytest.fixture",
     "    test_it_declares_itself = None\n\n    @pytest.fixture",
     "TestContract replaces test_it_declares_itself of CarrierContract"),
    ("conformance", "tests/test_contract.py", "class TestContract",
     "@pytest.mark.skipif(True, reason='later')\nclass TestContract", "TestContract is set aside"),
    ("conformance", "tests/test_contract.py", "class TestContract", "class Contract",
     "no test class subclasses CarrierContract"),
    ("tests-pass", "tests/test_price.py", "@given", "@pytest.mark.xfail\n@given",
     "a test is set aside with pytest.mark.xfail"),
    ("typed-settings", SETTINGS, 'Annotated[str, Meta(description="The customer number.")]', "str",
     "Account.customer has no Meta(description=…)"),
    ("typed-settings", SETTINGS, "The customer number.", " ", "Account.customer has no Meta"),
    ("typed-settings", SETTINGS, "Annotated[str,", "Annotated[Any,", "customer is Any: name a type"),
    ("typed-settings", PLUGIN, "return Settings", "return make()",
     "register_settings returns no msgspec Struct of this package"),
    ("secret-settings", SETTINGS, "    secret: Annotated[Secret", "    secret: Annotated[str",
     "secret is a secret; its type is Secret"),
    ("secret-settings", SETTINGS, "customer: ", "api_key: ", "api_key is a secret"),
    ("readme", "README.md", "# commercekit-carrier-acme", "commercekit-carrier-acme",
     "does not begin with a heading"),
    ("readme", "README.md", "Ships with Acme: labels, tracking by push and by poll, and the prices of the account.",
     "Ships.", "does not begin with a paragraph"),
    ("readme", "README.md", "pip install commercekit-carrier-acme", "pip install it",
     "does not say pip install"),
    ("readme", "README.md", "carrier-acme", "acme", "does not name the plugin carrier-acme"),
    ("two-languages", "README.md", "## 中文", "## Chinese", "no part ## 中文"),
    ("two-languages", "README.md", "### 限制", "### 说明", "no section on limits"),
    ("settings-listed", "README.md", "| `customer` |", "| customer |",
     "no table of the README has a row for Account.customer"),
    ("settings-listed", "README.md", "| `plugins.carrier-acme.secret` | Signs notifications. |\n", "",
     "a row for Settings.secret"),
    ("limits", "README.md", "## Limits", "## More", "no section Limits"),
    ("limits", "README.md",
     "Acme does not deliver on islands, and takes no parcel above thirty kilograms.", "None.",
     "says next to nothing"),
    ("development", "README.md", "pytest tests", "make test", "no section Develop"),
    ("changelog", "CHANGELOG.md", "## 1.2.0", "## 1.1.0", "CHANGELOG.md has no section ## 1.2.0"),
    ("strictly-typed", CARRIER, "amount // 1000", "amount // 1000  # type: ignore[misc]",
     "type: ignore without a reason"),
    ("never-blocks", CARRIER, "await asyncio.to_thread(price_of, weight)", "time.sleep(1)",
     "time.sleep blocks the event loop"),
    ("never-blocks", CARRIER, "await asyncio.to_thread(price_of, weight)", "self._path.read_text()",
     "blocks the event loop"),
    ("translated", CARRIER, '"zh": "货车"', '"fr": "camion"', "has no Chinese beside it"),
    ("errors-in-our-words", CARRIER, "raise ProviderUnavailable(detail=message) from error",
     "raise RuntimeError(message) from error", "raises RuntimeError"),
    ("errors-in-our-words", CARRIER,
     'except OSError as error:\n            message = "Acme is not reached"\n            '
     "raise ProviderUnavailable(detail=message) from error",
     "except Exception:\n            pass", "swallows every error"),
    ("errors-in-our-words", CARRIER,
     'except OSError as error:\n            message = "Acme is not reached"\n            '
     "raise ProviderUnavailable(detail=message) from error",
     "except:\n            pass", "swallows a cancelled call"),
    ("errors-in-our-words", CARRIER, "now = self._ctx.clock.now()",
     "with suppress(Exception):\n            now = self._ctx.clock.now()",
     "suppresses every error"),
    ("given-clock", CARRIER, "self._ctx.clock.now()", "datetime.now()",
     "datetime.now; ask ctx.clock"),
    ("own-names", TABLES, "carrier_acme_parcel", "parcel",
     "the table parcel is not carrier_acme_…"),
    ("own-names", PLUGIN, '"carrier-acme.poll"', '"poll"',
     "the JobKind 'poll' does not begin with carrier-acme."),
    ("vendor-fake", "tests/conftest.py", "FakeAcme", "Acme", None),
    ("shops-client", CARRIER, "self._ctx.http.get(", "httpx.AsyncClient().get(",
     "httpx.AsyncClient; use ctx.http"),
    ("shops-client", CARRIER, "import asyncio", "import asyncio\nimport requests",
     "requests; use ctx.http"),
    ("whole-amounts", CARRIER, "amount // 1000", "amount / 1000", "divides money by /"),
    ("whole-amounts", CARRIER, "amount // 1000", "float(amount)", "makes a float of money"),
    ("whole-amounts", CARRIER, "weight: int) -> int:\n    amount", "weight: int, price: float) -> int:\n    amount",
     "price is a float"),
    ("kept-data", "README.md", "## What it keeps", "## More", "no section on what it keeps"),
    ("kept-data", "README.md", "remove-data", "forget", "does not say what commercekit plugins remove-data"),
    ("secrets-change", SETTINGS, "previous_secret", "reserve_secret",
     "secret has no previous_secret beside it"),
    ("no-shared-state", CARRIER, "amount = 800 * weight",
     "amount = 800 * weight\n    SERVICES['last'] = {}", "changes SERVICES, which is shared"),
    ("no-shared-state", CARRIER, "amount = 800 * weight",
     "amount = 800 * weight\n    SERVICES.update()", "changes SERVICES, which all requests share"),
    ("no-shared-state", CARRIER, "amount = 800 * weight",
     "global SERVICES\n    amount = 800 * weight", "changes SERVICES for all requests"),
    ("leaves-retries-alone", CARRIER, "now = self._ctx.clock.now()",
     "await asyncio.sleep(1)\n        now = 1", "asyncio.sleep; the shop repeats calls"),
    ("leaves-retries-alone", CARRIER, "now = self._ctx.clock.now()",
     "asyncio.create_task(self.poll(None))\n        now = 1", "asyncio.create_task"),
    ("properties", "tests/test_price.py", "hypothesis", "pytest", "no test uses hypothesis"),
    ("figures", "README.md", "140 µs", "little", "no section Figures with measured"),
    ("bounded-dependencies", "pyproject.toml", "msgspec>=0.19,<1", "msgspec>=0.19",
     "'msgspec>=0.19' is not bounded on both sides"),
    ("bad-days", "quality.toml", "bad-days =", "# bad-days =", "say where in quality.toml"),
    ("core-range", "quality.toml", "core-range =", "# core-range =", "say where in quality.toml"),
    ("reviewed", "quality.toml", "reviewed =", "# reviewed =", "say where in quality.toml"),
]  # fmt: skip
SEEN_BY_TRIAL = {"covered", "whole-wheel"}


@pytest.fixture
def acme(tmp_path):
    return write(tmp_path)


def found(root, rule):
    report = judge(root)
    return next(finding for finding in report.findings if finding.rule == rule)


def test_a_plugin_that_keeps_every_rule_is_platinum(acme):
    report = judge(acme)
    assert [(f.rule, f.said) for f in report.findings if f.state is State.MISSING] == []
    assert (report.tier, report.next, report.false_claims) == ("platinum", None, ())
    assert {finding.rule for finding in report.untried} == {
        "conformance", "covered", "strictly-typed", "tests-pass", "whole-wheel",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("rule", "name", "old", "new", "sentence"),
    CHANGED,
    ids=[f"{change[0]}-{number}" for number, change in enumerate(CHANGED)],
)
def test_what_breaks_the_rule_is_seen_and_costs_the_tier(acme, rule, name, old, new, sentence):
    change(acme, "quality.toml", 'tier = "platinum"', "")
    if rule == "vendor-fake":
        change(acme, name, "def fake", "def parcels")
        change(acme, "tests/test_contract.py", "fake", "parcels")
    change(acme, name, old, new)
    report = judge(acme)
    finding = next(one for one in report.findings if one.rule == rule)
    assert finding.state is State.MISSING
    assert (sentence or "stands for the vendor") in " ".join(finding.said)
    assert report.rank < RULES[rule].tier


def test_every_rule_has_a_change_that_breaks_it():
    assert {rule for rule, *_ in CHANGED} | SEEN_BY_TRIAL == set(RULES)


def test_no_test_at_all_is_seen(tmp_path):
    root = write(tmp_path, **{"tests/test_contract.py": None, "tests/test_price.py": None})
    assert found(root, "tests-pass").said == ("tests/ has no test",)


def test_a_missing_changelog_is_seen(tmp_path):
    root = write(tmp_path, **{"CHANGELOG.md": None})
    assert found(root, "changelog").said == ("there is no CHANGELOG.md",)


def test_a_missing_mark_of_types_is_seen(tmp_path):
    root = write(tmp_path, **{f"{PACKAGE}/py.typed": None})
    assert found(root, "strictly-typed").said == ("commercekit_carrier_acme/py.typed is missing",)


def test_a_short_chinese_part_is_a_stub(acme):
    text = (acme / "README.md").read_text(encoding="utf-8").partition("## 中文")[0]
    chinese = "## 中文\n\n`pip install commercekit-carrier-acme`\n\n### 限制\n\n无。\n"
    (acme / "README.md").write_text(text + chinese, encoding="utf-8")
    assert found(acme, "two-languages").said == ("the Chinese part has 5 characters: a stub",)


def test_chinese_may_stand_in_a_file_of_its_own(acme):
    english, _, chinese = (acme / "README.md").read_text(encoding="utf-8").partition("## 中文")
    (acme / "README.md").write_text(english, encoding="utf-8")
    (acme / "README.zh.md").write_text("# commercekit-carrier-acme\n" + chinese, encoding="utf-8")
    assert found(acme, "two-languages").state is State.KEPT


def test_the_kit_may_be_subclassed_through_a_class_between(acme):
    change(acme, "tests/test_contract.py", "class TestContract(CarrierContract)",
           "class Base(CarrierContract):\n    pass\n\n\nclass TestContract(Base)")  # fmt: skip
    assert found(acme, "conformance").state is State.UNTRIED


def test_what_a_thread_does_may_block(acme):
    append(
        acme,
        CARRIER,
        """
        async def read(path):
            def work():
                return path.read_text()

            return await asyncio.to_thread(work)
        """,
    )
    assert found(acme, "never-blocks").state is State.KEPT


def test_an_error_that_is_logged_did_not_disappear(acme):
    append(
        acme,
        CARRIER,
        """
        def quietly(log):
            try:
                log.info("x")
            except Exception:
                log.exception("acme failed")
        """,
    )
    assert found(acme, "errors-in-our-words").state is State.KEPT


def test_a_section_may_begin_with_code_and_comments_in_it_are_no_headings(acme):
    change(acme, "README.md", "    pytest tests", "```sh\n# all of them\npytest tests\n```")
    assert found(acme, "development").state is State.KEPT


def test_what_a_vendor_says_in_english_need_not_be_translated(acme):
    change(acme, CARRIER, '"zh": "货车"', '"fr": "camion"')
    assert found(acme, "translated").state is State.MISSING
    change(acme, CARRIER, '{"en": "Van"', '{"en": VAN.name')
    assert found(acme, "translated").state is State.KEPT


def test_a_catalogue_that_lacks_a_text_is_seen(acme):
    for language, text in (("en", "Wrap it"), ("zh", "包装")):
        folder = acme / PACKAGE / "locales" / language
        folder.mkdir(parents=True)
        po = f'msgid ""\nmsgstr "Language: {language}\\n"\n\nmsgid "wrap"\nmsgstr "{text}"\n'
        (folder / "messages.po").write_text(po, encoding="utf-8")
    assert found(acme, "translated").state is State.KEPT
    append(acme, f"{PACKAGE}/locales/en/messages.po", 'msgid "more"\nmsgstr "More"\n')
    (said,) = found(acme, "translated").said
    assert said == "commercekit_carrier_acme/locales: 'more' is not there in zh"


def test_it_may_be_installed_from_its_folder(acme):
    change(
        acme, "README.md", "pip install commercekit-carrier-acme", f"pip install -e x/{acme.name}"
    )
    assert found(acme, "readme").state is State.KEPT
    change(acme, "README.md", f"pip install -e x/{acme.name}", "pip install something-else")
    assert found(acme, "readme").state is State.MISSING
