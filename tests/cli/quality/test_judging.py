"""Tiers follow from rules; quality.toml may explain, and must not lie."""

from __future__ import annotations

import json

import pytest

from commercekit.cli.quality import RULES, NotAPlugin, State, Tier, judge
from commercekit.cli.quality.folder import PluginFolder
from commercekit.cli.quality.judging import judge_plugin
from commercekit.cli.quality.running import Case, all_pass, kit_passes, well_covered, wheel_works
from commercekit.testing.quality import judge as judge_for_authors
from tests.cli.quality.acme import PACKAGE, append, change, write

CARRIER = f"{PACKAGE}/carrier.py"


@pytest.fixture
def acme(tmp_path):
    return write(tmp_path)


def finding(report, rule):
    return next(one for one in report.findings if one.rule == rule)


def test_the_tier_is_the_highest_below_the_first_gap(acme):
    (acme / "quality.toml").unlink()
    report = judge(acme)
    assert (report.tier, report.next) == ("silver", "gold")
    assert [one.rule for one in report.missing] == ["bad-days"]


def test_a_gap_in_bronze_leaves_no_tier_whatever_else_is_kept(acme):
    change(acme, "quality.toml", 'tier = "platinum"', "")
    change(acme, "pyproject.toml", 'license = "Apache-2.0"\n', "")
    report = judge(acme)
    assert (report.tier, report.next, report.rank) == ("none", "bronze", Tier.NONE)


def test_an_exemption_with_a_reason_counts(acme):
    (acme / "tests/conftest.py").write_text("", encoding="utf-8")
    append(acme, "quality.toml", 'vendor-fake = { exempt = "There is no vendor to be faked." }')
    report = judge(acme)
    assert report.tier == "platinum"
    assert finding(report, "vendor-fake").state is State.EXEMPT
    assert finding(report, "vendor-fake").said == ("There is no vendor to be faked.",)


@pytest.mark.parametrize(
    ("claim", "lie"),
    [
        ('vendor-fake = { exempt = "" }', "vendor-fake is said to be exempt without a reason, in a sentence"),
        ('vendor-fake = { exempt = "no vendor" }', "vendor-fake is said to be exempt without a reason, in a sentence"),
        ('vendor-fake = { exempt = "It has one, and it is tested." }', "vendor-fake is kept: its exemption can go"),
        ('front-doors = { exempt = "The front door was closed." }', "front-doors knows no exceptions, and quality.toml makes one"),
        ('given-clock = "done"', "given-clock is not done: src/commercekit_carrier_acme/carrier.py:25: datetime.now; ask ctx.clock, which tests can turn"),
        ('whole-cheese = "done"', "there is no rule whole-cheese"),
        ("figures = true", 'figures is "done", { done = "where" } or { exempt = "why" }'),
    ],
)  # fmt: skip
def test_a_false_claim_leaves_no_tier(acme, claim, lie):
    if claim.startswith("given-clock"):
        change(acme, CARRIER, "self._ctx.clock.now()", "datetime.now()")
    append(acme, "quality.toml", claim)
    report = judge(acme)
    assert lie in report.false_claims
    assert report.tier == "none"


def test_what_people_judge_needs_more_than_the_word_done(acme):
    change(
        acme, "quality.toml", '{ done = "review.md, by somebody else, of version 1.2.0" }', '"done"'
    )
    assert 'reviewed is "done", and nothing says where' in judge(acme).false_claims


def test_a_promise_that_is_not_kept_is_false(acme):
    change(acme, "CHANGELOG.md", "## 1.2.0", "## 1.1.0")
    report = judge(acme)
    assert report.tier == "bronze"
    assert report.false_claims == ("quality.toml promises platinum, and it is bronze",)


def test_a_file_that_is_no_toml_is_a_false_claim(acme):
    (acme / "quality.toml").write_text("tier =", encoding="utf-8")
    assert judge(acme).false_claims[0].startswith("quality.toml cannot be read: ")


def test_words_that_the_file_does_not_know_are_refused(acme):
    (acme / "quality.toml").write_text('tier = "diamond"\ncolour = "red"\n', encoding="utf-8")
    assert judge(acme).false_claims == (
        "tier is 'diamond'; there are none, bronze, silver, gold, platinum",
        "quality.toml knows tier and rules, not colour",
    )


def test_nothing_of_the_plugin_is_executed(acme):
    change(acme, CARRIER, "import asyncio", "import asyncio\nraise SystemExit(3)")
    assert judge(acme).distribution == "commercekit-carrier-acme"


def test_a_folder_that_is_no_plugin_is_refused_with_the_cure(tmp_path):
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "x"\n', encoding="utf-8")
    with pytest.raises(NotAPlugin, match=r"no entry point in the group 'commercekit'"):
        judge(tmp_path)
    with pytest.raises(
        NotAPlugin, match=r"neither a folder with a pyproject.toml nor an installed"
    ):
        judge("payment-nowhere")


def test_python_that_cannot_be_read_is_refused(acme):
    append(acme, CARRIER, "def broken(:\n")
    with pytest.raises(NotAPlugin, match=r"carrier.py is no Python: invalid syntax in line"):
        judge(acme)


def test_an_editable_plugin_is_judged_by_its_sources():
    report = judge("carrier-sandbox")
    assert finding(report, "changelog").state is not State.UNKNOWN


def test_of_a_wheel_only_what_it_holds_is_judged(acme):
    read = PluginFolder.at(acme)
    wheel = PluginFolder(
        read.code, read.entry_module, read.project, None, read.base, read.readme
    )  # fmt: skip
    report = judge_plugin(wheel, RULES.values(), run=True)
    assert report.tier == "none"
    assert {one.rule for one in report.missing} == {"conformance", "tests-pass"}
    assert finding(report, "tests-pass").said == ("its sources are needed: give the folder",)
    assert finding(report, "typed-settings").state is State.KEPT


def test_authors_find_the_same_judge_beside_the_kits():
    assert judge_for_authors is judge


# ------------------------------------------------------------------------- what a run has to show


class Told:
    """Runs whose outcome is given."""

    def __init__(self, cases=(), covered=100.0, wheel=()):
        self.tests = (tuple(cases), "1 error", covered)
        self.wheel = wheel


def kit_cases(outcome="passed", leave_out=""):
    from commercekit.cli.quality.core import kit_rules

    names = sorted(kit_rules("CarrierContract") - {leave_out})
    return [Case("TestContract", name, outcome, "") for name in names]


def test_a_kit_whose_every_rule_passed_is_passed(acme):
    assert list(kit_passes(PluginFolder.at(acme), Told(kit_cases()))) == []


def test_a_rule_that_was_not_collected_is_seen(acme):
    told = Told(kit_cases(leave_out="test_it_declares_itself"))
    assert list(kit_passes(PluginFolder.at(acme), told)) == [
        "TestContract.test_it_declares_itself: not collected"
    ]


def test_a_rule_that_was_skipped_has_not_passed(acme):
    said = list(kit_passes(PluginFolder.at(acme), Told(kit_cases("skipped"))))
    assert "TestContract.test_it_declares_itself: skipped" in said


def test_a_failing_test_is_named(acme):
    told = Told([Case("", "test_price", "failure", "assert 3 == 4")])
    assert list(all_pass(PluginFolder.at(acme), told)) == [
        "test_price does not pass: assert 3 == 4"
    ]
    assert list(all_pass(PluginFolder.at(acme), Told())) == ["no test could be run: 1 error"]


def test_too_little_coverage_is_told_with_the_figure(acme):
    plugin = PluginFolder.at(acme)
    assert list(well_covered(plugin, Told(covered=89.4))) == [
        "its own tests reach 89 % of it, and 90 % is asked"
    ]
    assert list(well_covered(plugin, Told(covered=90.0))) == []
    assert list(well_covered(plugin, Told(covered=None))) == [
        "the coverage could not be measured; install coverage"
    ]


def test_what_a_wheel_lacks_is_told(acme):
    told = Told(wheel=("the wheel lacks a/py.typed",))
    assert list(wheel_works(PluginFolder.at(acme), told)) == ["the wheel lacks a/py.typed"]


@pytest.mark.slow
def test_a_run_tries_tests_types_and_wheel(acme):
    """The folder reads well and is no carrier: its wheel works, its types and its kit say no."""
    report = judge(acme, run=True)
    assert finding(report, "whole-wheel").said == ()
    assert finding(report, "whole-wheel").state is State.KEPT
    (complaint,) = finding(report, "strictly-typed").said
    assert complaint.endswith('incompatible type "AcmeCarrier"; expected "Carrier"  [list-item]')
    assert finding(report, "conformance").state is State.MISSING
    assert finding(report, "tests-pass").state is State.MISSING
    assert report.tier == "none"


# ---------------------------------------------------------------------------- the command line


def test_the_command_says_what_is_lacking(acme, commercekit):
    change(acme, "quality.toml", 'tier = "platinum"', "")
    (acme / "CHANGELOG.md").unlink()
    code, out, _ = commercekit("plugins", "quality", str(acme))
    assert code == 0
    assert out.splitlines() == [
        "carrier-acme (commercekit-carrier-acme 1.2.0): bronze",
        "  supposed, until --run shows it: conformance, tests-pass",
        "For silver it lacks:",
        "  changelog: there is no CHANGELOG.md",
    ]


def test_the_command_fails_on_a_false_claim(acme, commercekit):
    change(acme, "CHANGELOG.md", "## 1.2.0", "## 1.1.0")
    code, out, _ = commercekit("plugins", "quality", str(acme))
    assert code == 1
    assert "  false: quality.toml promises platinum, and it is bronze" in out


def test_the_command_answers_as_json(acme, commercekit):
    told = json.loads(commercekit("plugins", "quality", str(acme), "--json")[1])
    assert (told["code"], told["tier"], told["next"]) == ("carrier-acme", "platinum", None)
    assert told["findings"][0] == {
        "rule": "packaging", "tier": "bronze", "state": "kept", "said": [],
    }  # fmt: skip


def test_the_command_explains_a_rule_in_both_languages(commercekit):
    english = commercekit("plugins", "quality", "--rule", "limits", "--lang", "en")[1]
    chinese = commercekit("plugins", "quality", "--rule", "limits", "--lang", "zh")[1]
    assert english.startswith("limits (silver): It says what it does not do\n")
    assert chinese.startswith("limits (silver): 说明做不到什么\n")
    assert commercekit("plugins", "quality", "--rule", "cheese")[0] == 1
