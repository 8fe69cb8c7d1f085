"""Mails are written with the policy of the shop: the same bytes, and no classes left behind."""

from __future__ import annotations

import gc
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP, SMTPUTF8

import pytest

from commercekit.notifications import mail_policy


def written(policy, number=0):
    mail = EmailMessage(policy=policy)
    mail["Message-ID"] = f"<{number}@shop.example>"
    mail["Date"] = "Mon, 23 Nov 2026 04:00:00 +0000"
    mail["From"] = Address("茶 Shop", addr_spec="shop@shop.example")
    mail["To"] = "li.lei@example.com"
    mail["Subject"] = "Your order has left: 订单已发货, and it is on its way to you as we speak"
    mail["X-Shop"] = "tea"
    mail.set_content("In two days.\n两天后。\n")
    mail.add_alternative("<p>In two days.</p>", subtype="html")
    mail.set_boundary("a-boundary")
    return mail.as_bytes()


@pytest.mark.parametrize("policy", [SMTP, SMTPUTF8])
def test_a_mail_has_the_same_bytes(policy):
    assert written(mail_policy(policy)) == written(policy)


def test_a_hundred_mails_leave_no_class_behind():
    policy = mail_policy()
    written(policy)
    gc.collect()
    gc.disable()  # what a collector frees later was made all the same
    try:
        before = sum(isinstance(each, type) for each in gc.get_objects())
        for number in range(100):
            written(policy, number)
        assert sum(isinstance(each, type) for each in gc.get_objects()) == before
    finally:
        gc.enable()
