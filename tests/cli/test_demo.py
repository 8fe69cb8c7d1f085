import httpx
import pytest

from commercekit.cli.demo.client import ShopClient, StepFailed
from commercekit.cli.demo.narration import _TEXTS, Narrator, money
from commercekit.cli.demo.payment_page import forms_of
from commercekit.cli.demo.purchase import Purchase
from commercekit.cli.exits import NotReachable
from commercekit.cli.languages import preferred_language


def client(answer) -> ShopClient:
    transport = httpx.MockTransport(answer)
    return ShopClient("http://shop.test", staff_token="ck_x", lang="zh", transport=transport)


def test_an_answer_as_expected_is_given_back_decoded():
    seen = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return httpx.Response(201, json={"id": 1})

    told = client(answer).call(
        "POST", "/store/carts", {}, expect=201, token=("X-Cart-Token", "t"), key="k", staff=True
    )
    assert told == {"id": 1}
    headers = seen[0].headers
    assert headers["x-cart-token"] == "t"
    assert headers["idempotency-key"] == "k"
    assert headers["authorization"] == "Bearer ck_x"
    assert headers["accept-language"] == "zh"


def test_another_status_ends_the_demo_with_the_shops_own_words():
    def answer(_request: httpx.Request) -> httpx.Response:
        problem = {"detail": "Only 1 left.", "errors": [{"pointer": "/quantity", "message": "2"}]}
        return httpx.Response(409, json=problem)

    with pytest.raises(StepFailed) as caught:
        client(answer).call("POST", "/store/carts", {}, expect=201)
    assert caught.value.detail == (
        "POST /store/carts answered 409, not 201: Only 1 left. /quantity: 2"
    )


def test_a_shop_that_is_away_is_not_reachable():
    def answer(_request: httpx.Request) -> httpx.Response:
        message = "refused"
        raise httpx.ConnectError(message)

    with pytest.raises(NotReachable, match="does not answer at http://shop.test"):
        client(answer).call("GET", "/readyz")


def test_what_never_happens_ends_the_demo():
    shop = client(lambda _request: httpx.Response(200))
    with pytest.raises(StepFailed, match=r"the payment did not happen within 0\.01 s"):
        shop.wait_for("the payment", lambda: 1, lambda seen: seen == 2, seconds=0.01)


def test_an_empty_shop_fails_at_the_step_that_needs_a_product(capsys):
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(200, json={"items": [], "status": "ok"})

    purchase = Purchase(client(answer), Narrator("en"), "http://shop.test")
    with pytest.raises(StepFailed, match="nothing in stock; import products first"):
        purchase.walk()
    assert capsys.readouterr().out == " 1. The shop at http://shop.test answers.\n"


def test_the_demo_turns_pages_until_it_finds_enough_of_something(capsys):
    stock = {"scarce": 2, "plenty": 3}

    def answer(request: httpx.Request) -> httpx.Response:
        path, cursor = request.url.path, request.url.params.get("cursor")
        if path == "/store/products":
            slug = "plenty" if cursor else "scarce"
            told = {"items": [{"slug": slug}], "next_cursor": None if cursor else "c/+="}
            return httpx.Response(200, json=told)
        if path.startswith("/store/products/"):
            slug = path.rpartition("/")[2]
            price = {"amount": 100, "currency": "CNY"}
            variant = {"sku": slug.upper(), "price": price, "available": stock[slug]}
            return httpx.Response(200, json={"name": slug, "variants": [variant]})
        return httpx.Response(200, json={}) if path == "/readyz" else httpx.Response(404)

    purchase = Purchase(client(answer), Narrator("en"), "http://shop.test")
    with pytest.raises(StepFailed, match="POST /store/carts answered 404"):
        purchase.walk()
    assert purchase.variant["sku"] == "PLENTY"


def test_a_payment_page_is_read_as_a_browser_does():
    page = """
    <form method="post"><input type="hidden" name="csrf" value="t">
      <button name="action" value="pay">Pay</button>
      <button name="action" value="decline">No</button></form>
    <form action="/other"><button>search</button></form>
    """
    first, second = forms_of(page, "http://gateway.test/pay/1")
    assert (first.action, first.method) == ("http://gateway.test/pay/1", "POST")
    assert first.fields == {"csrf": "t"}
    assert first.buttons == [("action", "pay"), ("action", "decline")]
    assert (second.action, second.method, second.buttons) == (
        "http://gateway.test/other",
        "GET",
        [],
    )


def test_everything_is_said_in_both_languages():
    for key, texts in _TEXTS.items():
        assert set(texts) == {"en", "zh"}, key


def test_money_is_shown_as_people_write_it():
    assert money({"amount": 199900, "currency": "CNY"}) == "1,999.00 CNY"
    assert money({"amount": 500, "currency": "JPY"}) == "500 JPY"


@pytest.mark.parametrize(
    ("lang", "spoken"), [("zh_CN.UTF-8", "zh"), ("de_DE.UTF-8", "en"), ("C", "en"), ("", "en")]
)
def test_the_terminals_language_is_spoken(monkeypatch, lang, spoken):
    for name in ("LC_ALL", "LC_MESSAGES"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LANG", lang)
    assert preferred_language() == spoken
