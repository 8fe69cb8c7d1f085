from __future__ import annotations

import pytest

from commercekit.kernel import Money
from commercekit.notifications import TEMPLATES, TemplateUnknown
from commercekit.notifications.rules import Texts

PARAMS = {
    "number": "A-1",
    "total": Money(123450, "CNY"),
    "amount": Money(500, "JPY"),
    "reason": "out of stock",
    "carrier": "SF",
    "tracking_number": "SF1",
    "customer_pays": True,
    "refund": Money(0, "CNY"),
    "missing": 1,
    "lines": [{"name": "Shirt", "quantity": 2, "total": {"amount": 1999, "currency": "CNY"}}],
}


@pytest.fixture
def texts():
    return Texts(shop_name="A shop")


@pytest.mark.parametrize("template", TEMPLATES)
def test_every_template_reads_well_in_both_languages(texts, template):
    english, chinese = (texts.render(template, tag, PARAMS) for tag in ("en", "zh"))
    for message in (english, chinese):
        assert "A-1" in message.subject
        assert "\n" not in message.subject
        assert message.text.rstrip().endswith("A shop")
        assert "{" not in message.text
        assert "None" not in message.text
        assert "\n\n\n" not in message.text
    assert english.subject.isascii()
    assert any("\u4e00" <= letter <= "\u9fff" for letter in chinese.subject)
    assert 'lang="zh"' in chinese.html


def test_a_return_that_is_done_says_what_goes_back_and_what_did_not_arrive(texts):
    done = {**PARAMS, "refund": {"amount": 1999, "currency": "CNY"}, "missing": 0}
    assert "CN¥19.99 go back to you" in texts.render("return-closed", "en", done).text
    assert "did not arrive" not in texts.render("return-closed", "en", done).text
    nothing = texts.render("return-closed", "en", PARAMS).text
    assert "Nothing is due to you" in nothing
    assert "1 did not arrive" in nothing
    assert "at your cost" in texts.render("return-approved", "en", PARAMS).text
    theirs = texts.render("return-approved", "zh", {**PARAMS, "customer_pays": False}).text
    assert "退货运费由我们承担" in theirs


def test_amounts_are_written_as_the_reader_writes_them(texts):
    assert "Total: CN¥1,234.50\n" in texts.render("order-placed", "en", PARAMS).text
    assert "合计:¥1,234.50\n" in texts.render("order-placed", "zh-CN", PARAMS).text
    assert "sent ¥500 back" in texts.render("order-refunded", "en", PARAMS).text
    assert "退款 JP¥500 已" in texts.render("order-refunded", "zh", PARAMS).text


@pytest.mark.parametrize(
    ("locale", "begins"),
    [("zh-Hans-CN", "订单"), ("en-GB", "Your order"), ("fr", "Your order"), ("??", "Your order")],
)
def test_reader_gets_the_nearest_language_there_is(texts, locale, begins):
    assert texts.render("order-shipped", locale, PARAMS).subject.startswith(begins)


def test_names_that_look_like_html_stay_text(texts):
    message = texts.render("order-cancelled", "en", {**PARAMS, "reason": "<script>x</script>"})
    assert "<script>x</script>" in message.text
    assert "<script>" not in message.html
    assert "&lt;script&gt;x&lt;/script&gt;" in message.html


def test_subject_stays_one_line_whatever_it_is_made_of(texts):
    number = "A-1\r\nBcc: everyone@example.com"
    message = texts.render("order-paid", "en", {**PARAMS, "number": number})
    assert message.subject == "Your payment for order A-1 Bcc: everyone@example.com has arrived"


def test_template_that_is_not_there_is_refused(texts):
    with pytest.raises(TemplateUnknown):
        texts.check("order-eaten")
    with pytest.raises(TemplateUnknown):
        texts.check("../en/order-paid")


def test_parameters_that_are_missing_are_an_error_and_no_gap(texts):
    with pytest.raises(Exception, match="'total' is undefined"):
        texts.render("order-paid", "en", {"number": "A-1"})


def test_shop_replaces_a_text_with_its_own_and_templates_run_in_a_sandbox(tmp_path):
    (tmp_path / "en").mkdir()
    (tmp_path / "en" / "order-paid.txt").write_text("Subject: Yay {{ number }}\n\nThanks!\n")
    (tmp_path / "en" / "order-placed.txt").write_text(
        "Subject: {{ number.__class__.__mro__ }}\n\nThanks!\n"
    )
    texts = Texts(shop_name="A shop", folder=tmp_path)
    assert texts.render("order-paid", "en", PARAMS).subject == "Yay A-1"
    assert texts.render("order-shipped", "en", PARAMS).subject == "Your order A-1 is on its way"
    with pytest.raises(Exception, match="unsafe"):
        texts.render("order-placed", "en", PARAMS)
