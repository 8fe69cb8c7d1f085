"""What the core asks of staff, in words; a test compares it with the guards of the routes."""

from __future__ import annotations

from commercekit.platform.security import Permission

__all__ = ["CORE_PERMISSIONS"]

CORE_PERMISSIONS = (
    Permission("audit:export", {"en": "Export the audit trail", "zh": "导出审计记录"}),
    Permission("audit:read", {"en": "Read the audit trail", "zh": "查看审计记录"}),
    Permission("catalog:cost", {"en": "See what goods cost the shop", "zh": "查看商品成本价"}),
    Permission(
        "catalog:cost-change", {"en": "Change what goods cost the shop", "zh": "修改商品成本价"}
    ),
    Permission(
        "catalog:read",
        {"en": "See products, categories, brands and pictures", "zh": "查看商品、分类、品牌和图片"},
    ),
    Permission(
        "catalog:write",
        {
            "en": "Change products, categories, brands and pictures",
            "zh": "修改商品、分类、品牌和图片",
        },
    ),
    Permission(
        "console:read",
        {
            "en": "Open the console: pages, fields and permissions",
            "zh": "打开控制台:页面、字段与权限",
        },
    ),
    Permission("customers:read", {"en": "See customers, masked", "zh": "查看客户(已脱敏)"}),
    Permission(
        "customers:unmask",
        {"en": "See who a customer is, saying why", "zh": "说明理由后查看客户身份"},
    ),
    Permission(
        "events:read", {"en": "See facts that wait or failed", "zh": "查看等待中或失败的事件"}
    ),
    Permission(
        "events:write", {"en": "Retry, park and discard facts", "zh": "重试、搁置或丢弃事件"}
    ),
    Permission("jobs:read", {"en": "See background jobs", "zh": "查看后台任务"}),
    Permission(
        "jobs:write",
        {
            "en": "Retry, cancel and pause background jobs, and start periodic ones",
            "zh": "重试、取消或暂停后台任务，并立即执行定时任务",
        },
    ),
    Permission("markets:read", {"en": "See markets", "zh": "查看市场"}),
    Permission("markets:write", {"en": "Change markets", "zh": "修改市场"}),
    Permission(
        "orders:export", {"en": "Export orders with personal data", "zh": "导出含个人信息的订单"}
    ),
    Permission("orders:read", {"en": "See orders", "zh": "查看订单"}),
    Permission(
        "orders:write", {"en": "Change, cancel and annotate orders", "zh": "修改、取消和备注订单"}
    ),
    Permission("payments:read", {"en": "See payments", "zh": "查看支付"}),
    Permission(
        "payments:write", {"en": "Capture, void and settle payments", "zh": "请款、撤销和处理支付"}
    ),
    Permission(
        "personal:show",
        {
            "en": "See who shoppers are: names, addresses, numbers",
            "zh": "查看顾客的姓名、地址和电话",
        },
    ),
    Permission(
        "personal:unmask",
        {
            "en": "See who a shopper is once, with a reason that is kept",
            "zh": "说明理由后查看一次顾客信息,并留下记录",
        },
    ),
    Permission("plugins:read", {"en": "See plugins and how they are", "zh": "查看插件及其状态"}),
    Permission(
        "plugins:write", {"en": "Ask providers again that failed", "zh": "重新启用出现故障的服务商"}
    ),
    Permission("prices:read", {"en": "See prices and tax rates", "zh": "查看价格和税率"}),
    Permission("prices:write", {"en": "Change prices and tax rates", "zh": "修改价格和税率"}),
    Permission("promotions:read", {"en": "See promotions", "zh": "查看促销"}),
    Permission("promotions:write", {"en": "Change promotions", "zh": "修改促销"}),
    Permission("purchase-limits:read", {"en": "See purchase limits", "zh": "查看限购"}),
    Permission("purchase-limits:write", {"en": "Change purchase limits", "zh": "修改限购"}),
    Permission("refunds:approve", {"en": "Approve and reject refunds", "zh": "批准或拒绝退款"}),
    Permission("refunds:read", {"en": "See refunds", "zh": "查看退款"}),
    Permission("returns:approve", {"en": "Approve and reject returns", "zh": "批准或拒绝退货"}),
    Permission("returns:read", {"en": "See returns", "zh": "查看退货"}),
    Permission("returns:write", {"en": "Receive and inspect returns", "zh": "收货和验收退货"}),
    Permission("roles:read", {"en": "See roles and who has them", "zh": "查看角色及其成员"}),
    Permission(
        "roles:write", {"en": "Make roles, give and take them", "zh": "创建、授予和收回角色"}
    ),
    Permission("segments:read", {"en": "See segments and who is in them", "zh": "查看客户分群"}),
    Permission(
        "segments:write",
        {"en": "Change segments and who is in them", "zh": "修改客户分群及其成员"},
    ),
    Permission("shipments:read", {"en": "See shipments", "zh": "查看发货"}),
    Permission("shipments:write", {"en": "Ship, and change shipments", "zh": "发货和修改发货"}),
    Permission("stock:read", {"en": "See stock", "zh": "查看库存"}),
    Permission(
        "stock:write", {"en": "Receive, count and move stock", "zh": "入库、盘点和移动库存"}
    ),
    Permission("tokens:read", {"en": "See staff tokens", "zh": "查看员工令牌"}),
    Permission("tokens:write", {"en": "Issue and revoke staff tokens", "zh": "签发和吊销员工令牌"}),
    Permission("users:read", {"en": "See members of staff", "zh": "查看员工账户"}),
    Permission(
        "users:write",
        {"en": "Invite, close and delete members of staff", "zh": "邀请、停用和删除员工账户"},
    ),
    Permission(
        "webhooks:read",
        {"en": "See webhook endpoints and what was sent", "zh": "查看 Webhook 端点和发送记录"},
    ),
    Permission(
        "webhooks:write",
        {
            "en": "Set up webhook endpoints, replace secrets, send again",
            "zh": "设置 Webhook 端点、更换密钥、重新发送",
        },
    ),
)
