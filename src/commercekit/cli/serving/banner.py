"""What ``commercekit run`` tells once the shop answers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

__all__ = ["banner", "text"]

_TEXTS: Final = {
    "database": {"en": "Database ready.", "zh": "数据库已就绪。"},
    "migrated": {"en": "{count} migrations ran.", "zh": "已执行 {count} 个迁移。"},
    "seeding": {"en": "Filling the empty shop with its demo …", "zh": "正在导入演示商品 …"},
    "seeded": {
        "en": "Demo catalogue: {products} products, {variants} variants.",
        "zh": "演示目录：{products} 个商品，{variants} 个规格。",
    },
    "safe-mode": {
        "en": "SAFE MODE: no plugin works but {enabled}.",
        "zh": "安全模式：仅启用插件 {enabled}。",
    },
    "safe-mode-bare": {"en": "SAFE MODE: no plugin works.", "zh": "安全模式：未启用任何插件。"},
    "safe-mode-lacking": {
        "en": "Not offered, or answered with 503: {lacking}.",
        "zh": "以下功能不提供，或返回 503：{lacking}。",
    },
    "starting": {"en": "Starting {count} processes …", "zh": "正在启动 {count} 个进程 …"},
    "stopped": {"en": "Stopped. The data stays in {data}.", "zh": "已停止。数据保留在 {data}。"},
    "shop": {"en": "Shop", "zh": "商店"},
    "docs": {"en": "API docs", "zh": "接口文档"},
    "health": {"en": "Health", "zh": "健康检查"},
    "data": {"en": "Data", "zh": "数据目录"},
    "played": {
        "en": "Played here, moving no money",
        "zh": "本机模拟，不涉及真钱",
    },
    "token": {"en": "Staff token of this run", "zh": "本次运行的员工令牌"},
    "next": {"en": "Try next, in another terminal:", "zh": "接下来，请在另一个终端尝试："},
    "next-demo": {
        "en": "a whole purchase, narrated",
        "zh": "完整演示一次购买",
    },
    "next-played": {
        "en": "the same, paid on the page of a vendor that is played here",
        "zh": "同样的购买，在本机模拟厂商的页面上付款",
    },
    "next-list": {"en": "the catalogue", "zh": "商品列表"},
    "next-orders": {"en": "the orders, as staff", "zh": "以员工身份查看订单"},
    "next-doctor": {"en": "audit the books", "zh": "核对账目"},
    "stop": {"en": "Ctrl-C stops it.", "zh": "按 Ctrl-C 停止。"},
}


def text(key: str, lang: str, **values: object) -> str:
    """One sentence in the wanted language."""
    return _TEXTS[key][lang].format(**values)


def banner(
    *, base_url: str, token: str, data: str, command: str, played: Mapping[str, str], lang: str
) -> str:
    """Addresses, those of played vendors too, the token, and what to try."""

    def line(key: str, value: str) -> str:
        return f"  {text(key, lang)}: {value}"

    def attempt(key: str, what: str) -> str:
        return f"    {what}\n        # {text(key, lang)}"

    lines = [
        "",
        line("shop", f"{base_url}/store/products"),
        line("docs", f"{base_url}/docs"),
        line("health", f"{base_url}/readyz   {base_url}/metrics"),
        line("data", data),
    ]
    if played:
        lines.append(line("played", "   ".join(f"{name} {at}" for name, at in played.items())))
    if token:
        lines.append(line("token", token))
    lines += ["", f"  {text('next', lang)}", attempt("next-demo", f"{command} demo")]
    if played:
        lines.append(attempt("next-played", f"{command} demo --pay-with {next(iter(played))}"))
    lines.append(attempt("next-list", f"curl -s '{base_url}/store/products?limit=3'"))
    if token:
        header = f"-H 'Authorization: Bearer {token}'"
        lines.append(attempt("next-orders", f"curl -s {header} {base_url}/admin/orders"))
    lines += [
        attempt("next-doctor", f"{command} doctor --invariants"),
        "",
        f"  {text('stop', lang)}",
    ]
    return "\n".join(lines) + "\n"
