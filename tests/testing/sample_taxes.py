"""A source of tax rates that keeps its contract, and one for every way to break it."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any, ClassVar

import msgspec

from commercekit.platform.providers import ProviderUnavailable
from commercekit.pricing import TaxComponent, TaxDestination, TaxProvider, TaxRequest
from commercekit.testing.conformance import TaxProviderContract

QUEBEC = TaxDestination(country="CA", region="Quebec", postcode="G1A 0A2")
ONTARIO = TaxDestination(country="CA", region="Ontario")


class GoodTaxes(TaxProvider):
    """Two taxes in one place, one of them on the other; half the rates for what is reduced."""

    code = "good"

    def __init__(self) -> None:
        self.is_down = False
        self.asked = 0

    async def rates(self, request: TaxRequest) -> list[TaxComponent]:
        await asyncio.sleep(0)  # the vendor answers
        if self.is_down:
            raise ProviderUnavailable(detail="no answer")
        self.asked += 1
        place = request.destination
        return [
            each
            for tax_class in request.tax_classes
            for each in self.taxes(tax_class, place.country, place.region.strip().casefold())
        ]

    def taxes(self, tax_class: str, country: str, region: str) -> list[TaxComponent]:
        if country != "CA" or tax_class == "zero":
            return []
        half = 2 if tax_class == "reduced" else 1
        found = [
            TaxComponent(
                tax_class=tax_class, code="gst", rate_ppm=50_000 // half, name={"en": "GST"}
            )
        ]
        if region == "quebec":
            found.append(
                TaxComponent(
                    tax_class=tax_class, code="qst", rate_ppm=99_750 // half, compound=True
                )
            )
        return found


class GoodContract(TaxProviderContract):
    destinations = (QUEBEC, ONTARIO)

    async def goes_down(self, provider: Any) -> bool:
        provider.is_down = True
        return True


def changed(components, **changes):
    return [msgspec.structs.replace(each, **changes) for each in components]


class Nameless(GoodTaxes):
    code: ClassVar[str] = "Our Taxes"


class NoRates(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return []


class AnswersWithNumbers(GoodTaxes):
    async def rates(self, request):
        return {each.tax_class: each.rate_ppm for each in await super().rates(request)}


class TaxesEverything(GoodTaxes):
    async def rates(self, request):
        known = {*request.tax_classes, "freight"}
        asked = msgspec.structs.replace(request, tax_classes=tuple(sorted(known)))
        return await super().rates(asked)


class InFractions(GoodTaxes):
    def taxes(self, tax_class, country, region):
        found = super().taxes(tax_class, country, region)
        return [changed([each], rate_ppm=each.rate_ppm / 1_000_000)[0] for each in found]


class TaxesTwice(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return changed(super().taxes(tax_class, country, region), code="tax")


class CompoundsOnNothing(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return changed(super().taxes(tax_class, country, region), compound=True)


class SlipsADigit(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return changed(super().taxes(tax_class, country, region), rate_ppm=990_000)


class BlankNames(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return changed(super().taxes(tax_class, country, region), name={"en": " "})


class Turns(GoodTaxes):
    def taxes(self, tax_class, country, region):
        found = super().taxes(tax_class, country, region)
        return [changed([each], name={"en": f"{self.asked}"})[0] for each in found]


class TaxesTheFirst(GoodTaxes):
    async def rates(self, request):
        first = request.tax_classes[0]
        found = await super().rates(request)
        return [changed([e], code=f"{e.code}-1")[0] if e.tax_class == first else e for e in found]


class OnePlace(GoodTaxes):
    place: TaxDestination

    async def rates(self, request):
        self.place = request.destination
        await asyncio.sleep(0)
        return await super().rates(msgspec.structs.replace(request, destination=self.place))


class ReadsLetterByLetter(GoodTaxes):
    async def rates(self, request):
        region = request.destination.region
        found = await super().rates(request)
        return found if region in {"Quebec", "Ontario", ""} else found[:1]


class RefusesStrangers(GoodTaxes):
    def taxes(self, tax_class, country, region):
        if country == "AQ":
            raise ProviderUnavailable(detail="no such country")
        return super().taxes(tax_class, country, region)


class TaxesStrangers(GoodTaxes):
    def taxes(self, tax_class, country, region):
        return super().taxes(tax_class, "CA", region)


class UntaxedWhenDown(GoodTaxes):
    async def rates(self, request):
        try:
            return await super().rates(request)
        except ProviderUnavailable:
            return []


class RaisesAnything(GoodTaxes):
    def taxes(self, tax_class, country, region):
        if not country:
            raise KeyError(country)
        return super().taxes(tax_class, country, region)


class Sleeps(GoodTaxes):
    async def rates(self, request):
        time.sleep(0.001)
        return await super().rates(request)


class ReadsAFile(GoodTaxes):
    async def rates(self, request):
        Path(__file__).read_bytes()
        return await super().rates(request)


class Computes(GoodTaxes):
    async def rates(self, request):
        if len(request.tax_classes) > 50:
            until = time.thread_time() + 0.15
            while time.thread_time() < until:
                sum(range(1000))
        return await super().rates(request)


class NeverGivesUp(GoodTaxes):
    async def rates(self, request):
        for _ in range(30):
            try:
                await asyncio.sleep(0.01 if request.destination == QUEBEC else 0)
                break
            except asyncio.CancelledError:
                await asyncio.shield(asyncio.sleep(2))
        return await super().rates(request)


class Forks(GoodTaxes):
    async def rates(self, request):
        self.refresh = asyncio.ensure_future(asyncio.sleep(30))
        return await super().rates(request)


BROKEN: dict[type[GoodTaxes], set[str]] = {
    Nameless: {"declares-itself"},
    NoRates: {"knows-its-destinations"},
    AnswersWithNumbers: {"answers-with-components"},
    TaxesEverything: {"taxes-only-what-was-asked"},
    InFractions: {"rates-are-millionths"},
    TaxesTwice: {"taxes-once"},
    CompoundsOnNothing: {"compounds-on-something"},
    SlipsADigit: {"stays-below-the-price"},
    BlankNames: {"names-its-taxes"},
    # What differs each time differs in every comparison.
    Turns: {
        "says-the-same-twice",
        "each-class-for-itself",
        "keeps-requests-apart",
        "spelling-means-nothing",
    },
    TaxesTheFirst: {"each-class-for-itself"},
    OnePlace: {"keeps-requests-apart"},
    ReadsLetterByLetter: {"spelling-means-nothing"},
    RefusesStrangers: {"knows-no-strangers"},
    TaxesStrangers: {"knows-no-strangers"},
    UntaxedWhenDown: {"says-unavailable"},
    RaisesAnything: {"fails-in-our-words"},
    Sleeps: {"holds-up-nobody"},
    ReadsAFile: {"holds-up-nobody"},
    Computes: {"holds-up-nobody"},
    NeverGivesUp: {"lets-itself-be-cut-short"},
    Forks: {"leaves-no-task-behind"},
}
"""Which rules, and no others, each of them breaks."""
