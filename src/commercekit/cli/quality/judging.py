"""Judging a plugin: each rule on its own, then the tier that follows."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from commercekit.cli.quality.declaration import Declaration
from commercekit.cli.quality.folder import PluginFolder
from commercekit.cli.quality.model import Finding, Report, Rule, State, Tier
from commercekit.cli.quality.rules import RULES
from commercekit.cli.quality.running import Runs

__all__ = ["judge", "judge_plugin"]


def judge(name: str | Path, *, run: bool = False) -> Report:
    """What the scale says about a plugin, by its folder or by its code.

    Its files are read and nothing of it is executed. With ``run`` its tests, mypy and its wheel are
    tried too, which does execute its code; without, the tier supposes that they would pass and
    :attr:`Report.untried` names them. Raises :class:`NotAPlugin` when there is none.
    """
    return judge_plugin(PluginFolder.find(str(name)), RULES.values(), run=run)


def judge_plugin(plugin: PluginFolder, rules: Iterable[Rule], *, run: bool) -> Report:
    """The same for a plugin that was read already."""
    rules = tuple(rules)
    declared = Declaration.read(plugin.root, frozenset(rule.slug for rule in rules))
    runs = Runs(plugin, plugin.root) if run and plugin.root is not None else None
    findings, lies = [], [*declared.faults]
    for rule in rules:
        finding, lie = _judge(plugin, rule, declared, runs)
        findings.append(finding)
        lies += [lie] if lie else []
    reached = _reached(rules, findings)
    broken = declared.promised > reached
    promise = f"quality.toml promises {declared.promised.word}, and it is {reached.word}"
    reached = Tier.NONE if lies else reached
    lies += [promise] if broken else []
    following = Tier(reached + 1) if reached < Tier.PLATINUM else None
    return Report(
        code=plugin.code,
        distribution=plugin.distribution,
        version=plugin.version,
        tier=reached.word,
        next=following.word if following else None,
        findings=tuple(findings),
        promised=declared.promised.word,
        false_claims=tuple(lies),
    )


def _judge(
    plugin: PluginFolder, rule: Rule, declared: Declaration, runs: Runs | None
) -> tuple[Finding, str | None]:
    def found(state: State, *said: str, lie: str | None = None) -> tuple[Finding, str | None]:
        return Finding(rule.slug, rule.tier.word, state, said), lie

    excuse = declared.exempt.get(rule.slug)
    if excuse is not None and rule.exceptions is None:
        return found(State.MISSING, "it was said not to apply", lie=_no_exception(rule))
    if rule.by_people and excuse is not None:
        return found(State.EXEMPT, excuse)
    if rule.by_people:
        evidence = declared.done.get(rule.slug)
        if evidence:
            return found(State.KEPT, evidence)
        asked = f'{rule.title.en}: say where in quality.toml, {rule.slug} = {{ done = "…" }}'
        lie = f'{rule.slug} is "done", and nothing says where' if evidence == "" else None
        return found(State.MISSING, asked, lie=lie)
    if plugin.root is None and not rule.from_wheel:
        return found(State.UNKNOWN, "its sources are needed: give the folder")
    said = list(rule.check(plugin)) if rule.check is not None else []
    if not said and rule.trial is not None and runs is not None:
        said = list(rule.trial(plugin, runs))
    untried = rule.trial is not None and runs is None
    lie = None
    if excuse is not None and (said or untried):
        return found(State.EXEMPT, excuse)
    if excuse is not None:
        lie = f"{rule.slug} is kept: its exemption can go"
    elif said and rule.slug in declared.done:
        lie = f"{rule.slug} is not done: {said[0]}"
    kept = State.UNTRIED if untried else State.KEPT
    return found(State.MISSING if said else kept, *said, lie=lie)


def _no_exception(rule: Rule) -> str:
    return f"{rule.slug} knows no exceptions, and quality.toml makes one"


def _reached(rules: Sequence[Rule], findings: Sequence[Finding]) -> Tier:
    reached = Tier.NONE
    for tier in list(Tier)[1:]:
        states = {f.state for r, f in zip(rules, findings, strict=True) if r.tier is tier}
        if states & {State.MISSING, State.UNKNOWN}:
            break
        reached = tier
    return reached
