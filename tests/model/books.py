"""What must be, in plain Python: stock, money and units of a tiny shop. Knows nothing of the real one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from fractions import Fraction

PRICES = {"MUG": 4500, "SHIRT-BLUE-M": 19_900, "PIN": 333}
OFF = Fraction(777, 10_000)
"""A discount on every order."""
FREIGHT, FREE_FROM = 1000, 100_000
WAYWARD = range(6600, 6630)
"""Amounts that end so make the sandbox gateway misbehave; the model is about a good day."""


class Refused(Exception):
    """The shop must say no, with this kind of problem."""


def half_up(value: Fraction) -> int:
    """The nearest integer, halves up."""
    return int(value + Fraction(1, 2))


def split(amount: int, weights: Sequence[int]) -> list[int]:
    """Largest remainder, earlier parts first among equals."""
    exact = [Fraction(amount * weight, sum(weights)) for weight in weights]
    parts = [int(each) for each in exact]
    order = sorted(range(len(parts)), key=lambda i: (parts[i] - exact[i], i))
    for index in order[: amount - sum(parts)]:
        parts[index] += 1
    return parts


@dataclass
class Line:
    """Units of one SKU and what became of them."""

    sku: str
    quantity: int
    payable: int
    shipped: int = 0
    cancelled: int = 0
    refunded: int = 0
    claimed: int = 0
    """Asked back by requests that were not declined, and how much money that is."""
    claimed_money: int = 0

    @property
    def open(self) -> int:
        """Still to be shipped."""
        return self.quantity - self.cancelled - self.shipped

    def share(self, units: int) -> int:
        """What so many more units are worth; the last ones get what is left."""
        if self.claimed + units == self.quantity:
            return self.payable - self.claimed_money
        return self.payable * units // self.quantity


@dataclass
class Request:
    """Money that was asked back and not decided yet."""

    units: dict[int, int]
    shares: dict[int, int]
    freight: bool
    amount: int


@dataclass
class Order:
    """One order."""

    lines: list[Line]
    freight: int
    total: int
    status: str = "placed"
    captured: int = 0
    refunded: int = 0
    freight_refunded: bool = False
    payable: bool = True
    """Whether a payment page is open."""
    age: int = 0
    requests: list[Request] = field(default_factory=list)
    delivered: bool = False

    @property
    def waiting(self) -> int:
        """Money in requests that are not decided."""
        return sum(request.amount for request in self.requests)

    @property
    def untouched(self) -> bool:
        """Nothing has left."""
        return all(line.shipped == 0 for line in self.lines)


class Books:
    """The whole of it. Every verb changes the books or raises :class:`Refused`."""

    def __init__(self, stock: dict[str, int]) -> None:
        self.on_hand = dict(stock)
        self.orders: list[Order] = []

    def allocated(self, sku: str) -> int:
        """What orders wait for."""
        return sum(
            line.open
            for order in self.orders
            if order.status == "placed"
            for line in order.lines
            if line.sku == sku
        )

    def available(self, sku: str) -> int:
        """What may be sold."""
        return self.on_hand[sku] - self.allocated(sku)

    def place(self, wanted: dict[str, int]) -> Order:
        """All of it or nothing."""
        if any(quantity > self.available(sku) for sku, quantity in wanted.items()):
            raise Refused("out-of-stock")
        subtotals = [PRICES[sku] * quantity for sku, quantity in wanted.items()]
        discount = half_up(sum(subtotals) * OFF)
        shares = split(discount, subtotals)
        lines = [
            Line(sku, quantity, subtotal - share)
            for (sku, quantity), subtotal, share in zip(
                wanted.items(), subtotals, shares, strict=True
            )
        ]
        goods = sum(subtotals) - discount
        freight = 0 if goods >= FREE_FROM else FREIGHT
        order = Order(lines, freight, goods + freight)
        self.orders.append(order)
        return order

    def receive(self, sku: str, quantity: int) -> None:
        """Goods come in."""
        self.on_hand[sku] += quantity

    def pay(self, order: Order) -> None:
        """On the page; a page that is closed changes nothing."""
        if order.payable and order.status == "placed" and not order.captured:
            order.captured = order.total
        order.payable = False

    def decline(self, order: Order) -> None:
        """The bank says no."""
        order.payable = False

    def pay_again(self, order: Order) -> None:
        """Another page, for who has not paid."""
        if order.status != "placed" or order.captured:
            raise Refused("invalid-transition")
        order.payable = True

    def cancel(self, order: Order) -> None:
        """All of it, before anything has left; what was paid goes back."""
        if order.status == "cancelled":
            return
        if order.status != "placed" or not order.untouched:
            raise Refused("invalid-transition")
        for line in order.lines:
            line.cancelled = line.quantity
        order.status = "cancelled"
        order.refunded = order.captured
        order.payable = False

    def expire(self) -> None:
        """Half an hour and more goes by: nobody waits any longer for those who have not paid."""
        for order in self.orders:
            if order.status == "placed" and not order.captured:
                self.cancel(order)

    def ship(self, order: Order, units: list[int]) -> None:
        """Some units of each line."""
        if order.status != "placed" or not order.captured or order.refunded == order.captured:
            raise Refused("invalid-transition")
        if any(n > line.open for n, line in zip(units, order.lines, strict=True)):
            raise Refused("too-many-units")
        for n, line in zip(units, order.lines, strict=True):
            line.shipped += n
            self.on_hand[line.sku] -= n

    def deliver(self, order: Order) -> None:
        """Every parcel arrives; an order of which nothing is open is done."""
        order.delivered = True
        if order.status == "placed" and all(line.open == 0 for line in order.lines):
            order.status = "completed"

    def ask_back(self, order: Order, units: list[int], *, freight: bool) -> Request:
        """Ask for money; nothing changes but what is left to be asked for."""
        if not order.captured:
            raise Refused("invalid-transition")
        asked = {i: n for i, n in enumerate(units) if n}
        if any(order.lines[i].claimed + n > order.lines[i].quantity for i, n in asked.items()):
            raise Refused("too-many-units")
        shares = {i: order.lines[i].share(n) for i, n in asked.items()}
        taken = freight and not order.freight_refunded
        amount = sum(shares.values()) + (order.freight if taken else 0)
        amount = min(amount, order.captured - order.refunded - order.waiting)
        if amount <= 0:
            raise Refused("nothing-to-refund")
        request = Request(asked, shares, freight=taken, amount=amount)
        for i, n in asked.items():
            order.lines[i].claimed += n
            order.lines[i].claimed_money += shares[i]
        order.requests.append(request)
        return request

    def reject(self, order: Order, request: Request) -> None:
        """What was asked for may be asked for again."""
        order.requests.remove(request)
        for i, n in request.units.items():
            order.lines[i].claimed -= n
            order.lines[i].claimed_money -= request.shares[i]

    def approve(self, order: Order, request: Request) -> None:
        """The money goes back; units that have not left do not leave any more."""
        if order.captured - order.refunded < request.amount:
            raise Refused("refund-exceeds-capture")
        order.requests.remove(request)
        order.refunded += request.amount
        order.freight_refunded |= request.freight
        for i, n in request.units.items():
            line = order.lines[i]
            here = min(n, line.open)
            line.refunded += n
            line.cancelled += here
        if order.status != "placed":
            return
        if all(line.cancelled == line.quantity for line in order.lines):
            order.status = "completed" if order.refunded < order.captured else "cancelled"
        elif order.delivered and all(line.open == 0 for line in order.lines):
            order.status = "completed"

    def may_send_back(self, order: Order, units: list[int]) -> int:
        """The money for units that come back in good order; nothing if they may not."""
        lines = zip(units, order.lines, strict=True)
        if order.status != "completed" or order.requests:
            return 0
        if any(n > line.quantity - line.claimed for n, line in lines):
            return 0
        shares = [line.share(n) if n else 0 for n, line in zip(units, order.lines, strict=True)]
        return min(sum(shares), order.captured - order.refunded)

    def send_back(self, order: Order, units: list[int]) -> None:
        """They come back, are looked at, go on the shelf, and are paid for."""
        order.refunded += self.may_send_back(order, units)
        for n, line in zip(units, order.lines, strict=True):
            if n:
                line.claimed_money += line.share(n)
                line.claimed += n
                line.refunded += n
                self.on_hand[line.sku] += n
