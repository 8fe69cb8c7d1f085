"""The contract of :class:`commercekit.pricing.TaxProvider`, rule by rule."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any, ClassVar, Final

import msgspec
import pytest

from commercekit.errors import CommerceKitError
from commercekit.platform.providers import ProviderUnavailable
from commercekit.pricing import TaxComponent, TaxDestination, TaxProvider, TaxRequest
from commercekit.testing.conformance.called import Call, CalledContract
from commercekit.testing.conformance.tax_rules import TAX_PROVIDER_RULES

__all__ = ["TaxProviderContract"]

_CODE = re.compile(r"[a-z][a-z0-9-]{0,62}")
_NOON: Final = datetime(2026, 11, 22, 12, tzinfo=UTC)
_MILLION = 1_000_000
_STRANGE: Final = (
    TaxDestination(country=""),
    TaxDestination(country="cn", region="\x00", postcode="0" * 5_000, city="🏙"),
    TaxDestination(country="??", region="'; DROP TABLE--", postcode="../..", city="\u202e"),
    TaxDestination(country="CN", region="浙江省", postcode="３１００００", city="杭州"),
)


class TaxProviderContract(CalledContract):
    """Inherit it, give the ``provider``, and say where it knows the rates."""

    rules = TAX_PROVIDER_RULES
    pytestmark = pytest.mark.asyncio

    destinations: ClassVar[Sequence[TaxDestination]] = ()
    """Places whose rates it knows, each with some tax; one with several taxes shows most."""
    tax_classes: ClassVar[Sequence[str]] = ("standard", "reduced", "zero")
    """Classes that it is asked for; it need not know them all."""
    elsewhere: ClassVar[TaxDestination] = TaxDestination(country="AQ")
    """A place that it knows nothing of."""
    at: ClassVar[datetime] = _NOON
    """The moment that is asked for."""

    # ---------------------------------------------------------------- what a plugin's tests supply

    @pytest.fixture
    def provider(self) -> TaxProvider:
        """The provider under test, with rates or with the fake of whoever knows them."""
        raise NotImplementedError

    async def goes_down(self, provider: TaxProvider) -> bool:
        """Have the vendor's fake not answer from now on; ``False`` where there is nobody to ask."""
        return False

    @pytest.fixture
    def calls(self, provider: TaxProvider) -> Sequence[Call]:
        """All places, ordinary, unknown and impossible ones."""

        def asked(place: TaxDestination, *classes: str) -> Callable[[], Awaitable[Any]]:
            return lambda: provider.rates(self._request(place, *classes))

        places = (*self.destinations, self.elsewhere, *_STRANGE)
        many = tuple(f"class-{n}" for n in range(100))
        return [
            *(Call(f"{place}", asked(place)) for place in places),
            *(Call(f"a hundred classes in {place}", asked(place, *many)) for place in places[:1]),
            Call("classes of any name", asked(places[0], "", "💥", "x" * 5_000)),
        ]

    # ------------------------------------------------------------------------------------- the rules

    async def test_declares_itself(self, provider: TaxProvider) -> None:
        """Rule ``declares-itself``."""
        code: object = getattr(provider, "code", None)
        fits = isinstance(code, str) and bool(_CODE.fullmatch(code))
        self.hold("declares-itself", fits, f"code is {code!r}")

    async def test_knows_its_destinations(self, provider: TaxProvider) -> None:
        """Rule ``knows-its-destinations``: there is some tax at each of ``destinations``."""
        self.hold("knows-its-destinations", bool(self.destinations), "destinations are empty")
        for place in self.destinations:
            said = await self._asked(provider, place)
            self.hold("knows-its-destinations", bool(said), f"nothing is taxed at {place}")

    async def test_answers_with_components(self, provider: TaxProvider) -> None:
        """Rule ``answers-with-components``."""
        for place in (*self.destinations, self.elsewhere):
            await self._asked(provider, place)

    async def test_taxes_only_what_was_asked(self, provider: TaxProvider) -> None:
        """Rule ``taxes-only-what-was-asked``: a single class too."""
        for place in self.destinations:
            for asked in (tuple(self.tax_classes), *((each,) for each in self.tax_classes)):
                for each in await self._asked(provider, place, *asked):
                    detail = f"{place}: asked for {asked}, told of {each.tax_class!r}"
                    self.hold("taxes-only-what-was-asked", each.tax_class in asked, detail)

    async def test_rates_are_millionths(self, provider: TaxProvider) -> None:
        """Rule ``rates-are-millionths``: integers from 0 to 1,000,000."""
        for place in self.destinations:
            for each in await self._asked(provider, place):
                rate: object = each.rate_ppm
                fits = type(rate) is int and 0 <= rate <= _MILLION
                self.hold("rates-are-millionths", fits, f"{place}: {each}")

    async def test_taxes_once(self, provider: TaxProvider) -> None:
        """Rule ``taxes-once``: also when a class is asked for twice."""
        for place in self.destinations:
            for asked in (tuple(self.tax_classes), tuple(self.tax_classes) * 2):
                said = await self._asked(provider, place, *asked)
                taxes = [(each.tax_class, each.code) for each in said]
                once = len(set(taxes)) == len(taxes) or len(set(asked)) < len(asked)
                self.hold("taxes-once", once, f"{place}: {taxes}")

    async def test_compounds_on_something(self, provider: TaxProvider) -> None:
        """Rule ``compounds-on-something``."""
        for place in self.destinations:
            for tax_class, of_class in _by_class(await self._asked(provider, place)).items():
                detail = f"{place}: the first tax of {tax_class!r} is compound"
                self.hold("compounds-on-something", not of_class[0].compound, detail)

    async def test_stays_below_the_price(self, provider: TaxProvider) -> None:
        """Rule ``stays-below-the-price``: all taxes of a class, reckoned in their order."""
        for place in self.destinations:
            for tax_class, of_class in _by_class(await self._asked(provider, place)).items():
                share = _whole(of_class)
                detail = f"{place}: {tax_class!r} is taxed with {float(share * 100):g} %"
                self.hold("stays-below-the-price", share <= 1, detail)

    async def test_names_its_taxes(self, provider: TaxProvider) -> None:
        """Rule ``names-its-taxes``: no name, or one by language without blanks."""
        for place in self.destinations:
            for each in await self._asked(provider, place):
                named = all(text.strip() and len(text) <= 200 for text in each.name.values())
                self.hold("names-its-taxes", named, f"{place}: {each}")

    async def test_says_the_same_twice(self, provider: TaxProvider) -> None:
        """Rule ``says-the-same-twice``: the same request, the same components in the same order."""
        for place in (*self.destinations, self.elsewhere):
            first = await self._asked(provider, place)
            for _ in range(3):
                again = await self._asked(provider, place)
                self.hold("says-the-same-twice", first == again, f"{place}: {first}, then {again}")

    async def test_each_class_for_itself(self, provider: TaxProvider) -> None:
        """Rule ``each-class-for-itself``: alone, together and in any order."""
        for place in self.destinations:
            together = _by_class(await self._asked(provider, place))
            turned = _by_class(await self._asked(provider, place, *reversed(self.tax_classes)))
            for tax_class in self.tax_classes:
                alone = _by_class(await self._asked(provider, place, tax_class)).get(tax_class, [])
                for other in (together.get(tax_class, []), turned.get(tax_class, [])):
                    detail = f"{place}: {tax_class!r} alone {alone}, with others {other}"
                    self.hold("each-class-for-itself", alone == other, detail)

    async def test_keeps_requests_apart(self, provider: TaxProvider) -> None:
        """Rule ``keeps-requests-apart``: what is asked at once is answered as if asked in turn."""
        places = [*self.destinations, self.elsewhere] * 3
        in_turn = [await self._asked(provider, place) for place in places]
        at_once = await asyncio.gather(*(self._asked(provider, place) for place in places))
        for place, one, other in zip(places, in_turn, at_once, strict=True):
            detail = f"{place}: {one} in turn, {other} at once"
            self.hold("keeps-requests-apart", one == other, detail)

    async def test_spelling_means_nothing(self, provider: TaxProvider) -> None:
        """Rule ``spelling-means-nothing``: upper and lower case, and blanks around."""
        for place in self.destinations:
            as_given = await self._asked(provider, place)
            for spelt in (str.upper, str.lower, " {} ".format):
                other = msgspec.structs.replace(
                    place, region=spelt(place.region), postcode=spelt(place.postcode)
                )
                said = await self._asked(provider, other)
                detail = f"{place}: {as_given}, and {said} for {other}"
                self.hold("spelling-means-nothing", as_given == said, detail)

    async def test_knows_no_strangers(self, provider: TaxProvider) -> None:
        """Rule ``knows-no-strangers``."""
        said = await self._asked(provider, self.elsewhere)
        self.hold("knows-no-strangers", not said, f"{self.elsewhere}: {said}")

    async def test_says_unavailable(self, provider: TaxProvider) -> None:
        """Rule ``says-unavailable``: and not that there is no tax."""
        if not self.destinations or not await self.goes_down(provider):
            self.pass_over("goes_down() does nothing")
            return
        place = self.destinations[-1]
        refused = await self.refusal(provider.rates(self._request(place)))
        fits = isinstance(refused, ProviderUnavailable)
        self.hold("says-unavailable", fits, f"{refused!r} while nobody answers")

    # ------------------------------------------------------------------------------------------------

    def _request(self, place: TaxDestination, *classes: str) -> TaxRequest:
        return TaxRequest(
            destination=place, tax_classes=classes or tuple(self.tax_classes), at=self.at
        )

    async def _asked(
        self, provider: TaxProvider, place: TaxDestination, *classes: str
    ) -> list[TaxComponent]:
        __tracebackhide__ = True
        try:
            said: Any = await self.spoken(provider.rates(self._request(place, *classes)))
        except CommerceKitError as error:
            strange = place == self.elsewhere
            rule = "knows-no-strangers" if strange else "knows-its-destinations"
            raise self.breach(of=rule, seen=f"{place}: {error!r}") from error
        made = isinstance(said, list) and all(isinstance(each, TaxComponent) for each in said)
        self.hold("answers-with-components", made, f"{place}: {said!r}")
        found: list[TaxComponent] = said
        return found


def _by_class(components: Sequence[TaxComponent]) -> dict[str, list[TaxComponent]]:
    found: dict[str, list[TaxComponent]] = {}
    for each in components:
        found.setdefault(each.tax_class, []).append(each)
    return found


def _whole(components: Sequence[TaxComponent]) -> Fraction:
    """The share of the price that all of them come to."""
    whole = Fraction(0)
    for each in components:
        base = 1 + whole if each.compound else Fraction(1)
        whole += base * Fraction(each.rate_ppm) / _MILLION
    return whole
