"""What tests of logins stand on: the shop's limits, a courier, an authenticator."""

from __future__ import annotations

from commercekit.kernel import new_id
from commercekit.notifications import Outcome
from commercekit.platform.limits import DEFAULTS, Addresses, Limiter, PostgresCounters


class Limits:
    """The shop's own rules, counted in the test's database."""

    def __init__(self, database, **changes):
        self.rules = {rule.name: rule for rule in DEFAULTS} | changes
        self.limiter = Limiter(PostgresCounters(database))
        self.addresses = Addresses()

    @property
    def is_away(self):
        return self.limiter.is_away

    def counted_as(self, address):
        return self.addresses.subject({"client": (address, 0)})

    async def ask(self, rule, subject):
        found = self.rules[rule]
        return self.limiter.quick(found, subject) or await self.limiter.ask(found, subject)

    async def give_back(self, rule, subject):
        await self.limiter.give_back(self.rules[rule], subject)


class Courier:
    """Takes the place of notifications: remembers what it was to send, and loses nothing."""

    def __init__(self):
        self.sent = []
        self.mails = []
        self.outcome = Outcome.SENT
        self.channels = {"email", "sms"}

    async def send(self, uow, *, template, to, locale, params, dedupe_key):
        mail = (template, to, locale, params)
        uow.after_commit(lambda: self.mails.append(mail))
        return new_id()

    def carries(self, channel):
        return channel in self.channels

    async def send_now(self, *, template, to, locale, params, channel):
        if isinstance(self.outcome, Exception):
            raise self.outcome
        if self.outcome is not Outcome.SENT:
            return self.outcome
        self.sent.append((channel, to, template, locale, params["code"]))
        return self.outcome
