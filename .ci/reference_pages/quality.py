"""The quality scale: a page for each rule, and the page that lists them, both in two languages."""

from __future__ import annotations

from commercekit.cli.quality import RULES, Rule, Tier

FOLDER = "docs/plugins/quality"
TIERS = {
    Tier.BRONZE: ("It can be installed, it fits, and it does what its kind must.", "铜", "可安装，符合接口，并做到该类插件必须做到的事。"),
    Tier.SILVER: ("A stranger can run it, read it, and change it.", "银", "陌生人也能运行、读懂并修改它。"),
    Tier.GOLD: ("Real money, real parcels and real people's data can be left to it.", "金", "可以托付真实的钱款、包裹和个人数据。"),
    Tier.PLATINUM: ("As good as we know how.", "铂金", "我们所知道的最好水平。"),
}  # fmt: skip
BY_RUN = (
    "`commercekit plugins quality --run` tries it out",
    "由 `commercekit plugins quality --run` 实际运行检验",
)
BY_READING = ("a machine reads it from the plugin's files", "由程序读取插件文件判断")
BY_PEOPLE = (
    "people; `quality.toml` says where it is done",
    "由人判断，在 `quality.toml` 中写明出处",
)


def _judged(rule: Rule, language: int) -> str:
    if rule.by_people:
        return BY_PEOPLE[language]
    parts = [BY_READING[language]] if rule.check is not None else []
    parts += [BY_RUN[language]] if rule.trial is not None else []
    return ("; " if language == 0 else "；").join(parts)


def _rule_page(rule: Rule) -> str:
    exempt = f'```toml\n[rules]\n{rule.slug} = {{ exempt = "why, in a sentence" }}\n```'
    english = f"{rule.exceptions.en}\n\n{exempt}" if rule.exceptions else "None."
    chinese = f"{rule.exceptions.zh}" if rule.exceptions else "无。"
    example = rule.example
    return (
        f"# {rule.slug}\n\n"
        f"**{rule.title.en}.** A rule of [{rule.tier.word}](README.md#{rule.tier.word}). "
        f"Judged: {_judged(rule, 0)}.\n\n"
        f"## Reason\n\n{rule.reason.en}\n\n"
        f"## Example\n\n{example}\n\n"
        f"## Exceptions\n\n{english}\n\n"
        f"## 中文\n\n**{rule.title.zh}。** 属于{TIERS[rule.tier][1]}级。判断方式：{_judged(rule, 1)}。\n\n"
        f"理由：{rule.reason.zh}\n\n例外：{chinese}\n"
    )


def _index() -> str:
    text = (
        "# The quality scale\n\n"
        "How far a plugin has come: bronze, silver, gold, platinum. A tier is computed, not claimed; each asks\n"
        "for all that the ones below it ask for. [The plugins of this repository and their tiers]"
        "(../../../plugins/README.md). [中文](#中文)\n\n"
        "```sh\n"
        "commercekit plugins quality                        # every installed plugin\n"
        "commercekit plugins quality ./my-plugin            # what the next tier asks of one\n"
        "commercekit plugins quality ./my-plugin --run      # its tests, mypy and wheel too: runs its code\n"
        "commercekit plugins quality --rule never-blocks    # one rule, explained\n"
        "```\n\n"
        "Files are read and nothing is executed unless you say `--run`. Without it, the tier supposes that the\n"
        "tests would pass, and says so. What only people can judge, and what does not apply, stands in the\n"
        "plugin's `quality.toml`, with where to see it or why:\n\n"
        "```toml\n"
        'tier = "gold"   # promised: less fails the build\n\n'
        "[rules]\n"
        'bad-days = { done = "tests/test_bad_days.py, one test for each error of the manual" }\n'
        'vendor-fake = { exempt = "There is no vendor: it decides by its settings." }\n'
        "```\n\n"
        "An exemption without a reason, one that no longer applies, a rule that is said to be done and is not,\n"
        "and a promise that is not kept all leave the plugin without a tier. In a plugin's own tests:\n\n"
        "```text\n"
        "from commercekit.testing.quality import Tier, judge\n\n\n"
        "def test_we_are_gold_at_least():\n"
        "    report = judge(Path(__file__).parents[1])\n"
        "    assert report.rank >= Tier.GOLD, report.missing\n"
        "```\n"
    )
    for tier, (meaning, _, _) in TIERS.items():
        text += f"\n## {tier.word.title()}\n\n{meaning}\n\n| rule | |\n|---|---|\n"
        text += "".join(
            f"| [{rule.slug}]({rule.slug}.md) | {rule.title.en} |\n"
            for rule in RULES.values()
            if rule.tier is tier
        )
    text += (
        "\n## 中文\n\n"
        "质量等级说明插件的成熟程度：铜、银、金、铂金。等级由程序计算，而非自称；每一级都包含其下各级的全部要求。"
        "运行 `commercekit plugins quality 文件夹` 可查看距离下一级还缺什么；默认只读取文件，不执行插件代码，加 `--run` "
        "才会运行其测试、mypy 并构建 wheel。只有人能判断的规则，以及不适用的规则，写在插件的 `quality.toml` 中，并注明出处或理由；"
        "没有理由的豁免、已无必要的豁免、不属实的“已完成”以及未兑现的承诺，都会使插件失去等级。\n"
    )
    for tier, (_, word, meaning) in TIERS.items():
        text += f"\n### {word}\n\n{meaning}\n\n| 规则 | |\n|---|---|\n"
        text += "".join(
            f"| [{rule.slug}]({rule.slug}.md#中文) | {rule.title.zh} |\n"
            for rule in RULES.values()
            if rule.tier is tier
        )
    return text


def quality_pages() -> dict[str, str]:
    """The index, and a page for each rule."""
    pages = {f"{FOLDER}/{rule.slug}.md": _rule_page(rule) for rule in RULES.values()}
    pages[f"{FOLDER}/README.md"] = _index()
    return pages
