"""``commercekit plugins quality``: the tier of a plugin, computed, and what the next one asks."""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import TYPE_CHECKING

import rich_click as click

from commercekit.cli.exits import EXIT_CODES_HELP, ExitCode, Failed
from commercekit.cli.languages import lang_option
from commercekit.cli.output import as_json, console, print_json, print_table

if TYPE_CHECKING:
    from commercekit.cli.quality import Finding, Report, Rule

__all__ = ["quality"]


@click.command(epilog=EXIT_CODES_HELP)
@click.argument("plugin", required=False)
@click.option(
    "--run",
    is_flag=True,
    help="Run its tests, mypy and its wheel too. This executes the plugin's code.",
)
@click.option("--rule", "slug", metavar="RULE", help="Explain one rule of the scale instead.")
@lang_option
@as_json
def quality(
    *, plugin: str | None, run: bool, slug: str | None, lang: str, json_output: bool
) -> ExitCode:
    """Compute the quality tier of PLUGIN: bronze, silver, gold or platinum.

    PLUGIN is the folder of its sources, or the code of an installed plugin; without it, every
    installed plugin is judged. Files are read and nothing is executed unless --run is given. What
    stands between the plugin and its next tier is said in plain words; the exit code is 1 when its
    quality.toml claims what does not hold.

    \b
    commercekit plugins quality payment-sandbox
    commercekit plugins quality ./commercekit-payment-acme --run
    commercekit plugins quality --rule never-blocks
    """
    from commercekit.cli.quality import RULES, judge

    if slug is not None:
        if slug not in RULES:
            message = f"There is no rule {slug}; there are {', '.join(RULES)}"
            raise Failed(message)
        _explain(RULES[slug], lang)
        return ExitCode.OK
    codes = sorted({entry.name for entry in entry_points(group="commercekit")})
    reports = [judge(one, run=run) for one in ([plugin] if plugin is not None else codes)]
    if json_output:
        print_json(reports[0] if plugin is not None else reports)
    elif plugin is not None:
        _tell(reports[0])
    else:
        rows = [
            (r.code, r.tier, r.next or "", ", ".join(one.rule for one in r.missing))
            for r in reports
        ]
        print_table(("plugin", "tier", "next", "lacks"), rows, empty="No plugin is installed.")
    return ExitCode.FAILED if any(report.false_claims for report in reports) else ExitCode.OK


def _tell(report: Report) -> None:
    from commercekit.cli.quality import State

    out = console()
    out.print(
        f"{report.code} ({report.distribution} {report.version}): {report.tier}", markup=False
    )
    for claim in report.false_claims:
        out.print(f"  false: {claim}", markup=False)
    if report.untried:
        names = ", ".join(finding.rule for finding in report.untried)
        out.print(f"  supposed, until --run shows it: {names}", markup=False)
    exempt = [one for one in report.findings if one.state is State.EXEMPT]
    for finding in exempt:
        out.print(f"  exempt from {finding.rule}: {' '.join(finding.said)}", markup=False)
    if report.next is None:
        out.print("There is no higher tier.", markup=False)
        return
    if report.missing:
        out.print(f"For {report.next} it lacks:", markup=False)
    for finding in report.missing:
        _tell_missing(finding)


def _tell_missing(finding: Finding) -> None:
    out = console()
    first, *more = finding.said
    out.print(f"  {finding.rule}: {first}", markup=False)
    for sentence in more:
        out.print(f"    {sentence}", markup=False)


def _explain(rule: Rule, lang: str) -> None:
    def said(words: tuple[str, str]) -> str:
        return words[lang == "zh"]

    none = ("No exceptions.", "没有例外。")
    click.echo(f"{rule.slug} ({rule.tier.word}): {said(rule.title)}\n")
    click.echo(f"{said(rule.reason)}\n\n{rule.example}\n")
    click.echo(said(rule.exceptions) if rule.exceptions is not None else said(none))
