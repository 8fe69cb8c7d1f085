"""How identity says no."""

from __future__ import annotations

from commercekit.errors import (
    Conflict,
    Forbidden,
    Gone,
    Malformed,
    NotFound,
    Unauthenticated,
    Unavailable,
    Unprocessable,
)

__all__ = [
    "AccountNotFound",
    "BindingNotFound",
    "CaptchaRequired",
    "CodeWrong",
    "EmailTaken",
    "ExpiryPassed",
    "FactorNotFound",
    "FactorOwed",
    "HasJoined",
    "LastOwner",
    "LinkSpent",
    "OwnAccount",
    "OwnRole",
    "PasswordsBusy",
    "RoleBuiltIn",
    "RoleInUse",
    "RoleNotFound",
    "RoleTaken",
    "ScopeNotHeld",
    "SessionNotFound",
    "TokenNotFound",
    "WeakPassword",
    "WrongCredentials",
]


class TokenNotFound(NotFound):
    """No token of this shop has this id."""


class AccountNotFound(NotFound):
    """No account has this id."""


class SessionNotFound(NotFound):
    """The account has no such session."""


class ScopeNotHeld(Forbidden):
    """Nobody gives away what they do not hold themselves."""

    slug = "scope-not-held"
    title = "You cannot grant a scope you do not hold"
    title_zh = "不能授予自己没有的权限"


class ExpiryPassed(Unprocessable):
    """A token that would never have worked."""

    slug = "expiry-passed"
    title = "The expiry lies in the past"
    title_zh = "过期时间已过"


class WrongCredentials(Unauthenticated):
    """No account with this password: which of the two is wrong is not told."""

    slug = "wrong-credentials"
    title = "E-mail address or password wrong"
    title_zh = "邮箱或密码错误"


class WeakPassword(Unprocessable):
    """A password that somebody would guess; the entry says why."""

    slug = "weak-password"
    title = "Password too weak"
    title_zh = "密码强度不足"


class LinkSpent(Gone):
    """A link from a mail that was used, is too old, or was overtaken by something newer."""

    slug = "link-spent"
    title = "This link works no more"
    title_zh = "此链接已失效"


class EmailTaken(Conflict):
    """Another member of staff has this address. Customers are never told such a thing."""

    slug = "email-taken"
    title = "The address belongs to another account"
    title_zh = "该邮箱已被其他账户使用"


class PasswordsBusy(Unavailable):
    """More passwords wait to be judged than this process takes on."""

    slug = "too-many-logins"
    title = "Too many logins at the moment"
    title_zh = "当前登录人数过多"


class HasJoined(Conflict):
    """Who has chosen a password is not invited again."""

    slug = "has-joined"
    title = "They have joined already"
    title_zh = "该成员已加入"


class OwnAccount(Conflict):
    """Nobody closes or deletes the account they are logged in with."""

    slug = "own-account"
    title = "This is your own account"
    title_zh = "不能对自己的账户执行此操作"


class RoleNotFound(NotFound):
    """Neither the software nor the shop has this role."""


class BindingNotFound(NotFound):
    """Nobody was given a role under this id."""


class RoleTaken(Conflict):
    """A code belongs to one role; or the role was changed meanwhile."""

    slug = "role-taken"
    title = "There is such a role already"
    title_zh = "该角色已存在"


class RoleBuiltIn(Conflict):
    """A role that comes with the software is changed with the software."""

    slug = "role-built-in"
    title = "This role comes with the software"
    title_zh = "内置角色不能修改"


class RoleInUse(Conflict):
    """Deleting it would take it from somebody unseen."""

    slug = "role-in-use"
    title = "Somebody has this role"
    title_zh = "该角色仍有人使用"


class LastOwner(Conflict):
    """Nobody could give a role to anybody any more."""

    slug = "last-owner"
    title = "This is the last owner"
    title_zh = "不能移除最后一位店主"


class OwnRole(Forbidden):
    """Nobody changes what they themselves may do."""

    slug = "own-role"
    title = "Somebody else has to change what you may do"
    title_zh = "不能修改自己的权限"


class CaptchaRequired(Malformed):
    """A captcha is due, and no right answer came: none, a wrong one, one for something else, a used one."""

    slug = "captcha"
    title = "Captcha required"
    title_zh = "需要验证码"


class CodeWrong(Unauthenticated):
    """What should have proven a second factor did not: wrong, used before, too late, or not asked for."""

    slug = "code-wrong"
    title = "This did not prove that it is you"
    title_zh = "身份验证未通过"


class FactorNotFound(NotFound):
    """The account has set up no such second factor."""


class FactorOwed(Conflict):
    """The account must have a second factor, and this is its last one: set up another first."""

    slug = "factor-owed"
    title = "The last second factor stays"
    title_zh = "必须保留最后一个第二因素"
