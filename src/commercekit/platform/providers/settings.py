"""The section ``[providers]`` of a shop's settings: what operators change of the kinds' policies."""

from collections.abc import Iterable, Mapping
from datetime import timedelta
from difflib import get_close_matches
from typing import Annotated, Any

from msgspec import Meta, Struct, field

from commercekit.platform.providers.policies import (
    BreakerPolicy,
    FailurePolicy,
    Line,
    ProviderKind,
    Verb,
)
from commercekit.platform.settings import SettingProblem, SettingsError

__all__ = ["BreakerSettings", "KindSettings", "Policies", "ProviderSettings", "VerbSettings"]

_LONGEST = timedelta(minutes=2)


class BreakerSettings(Struct, frozen=True, kw_only=True):
    """When a provider that fails is left alone; each process counts for itself."""

    failures: Annotated[
        int | None, Meta(ge=1, le=1000, description="So many failures open the circuit.")
    ] = None
    window: Annotated[
        timedelta | None, Meta(description="Only failures of so long count together.")
    ] = None
    rest: Annotated[
        timedelta | None, Meta(description="So long nobody asks it; then one call tries.")
    ] = None


class VerbSettings(Struct, frozen=True, kw_only=True):
    """One verb, such as `rates`."""

    deadline: Annotated[
        timedelta | None,
        Meta(description="An answer that is not there by then is none; all tries together."),
    ] = None
    retries: Annotated[
        int | None,
        Meta(
            ge=0,
            le=5,
            description="Further tries within the deadline; only for verbs that may be repeated.",
        ),
    ] = None
    policy: Annotated[
        FailurePolicy | None,
        Meta(
            description="`closed` refuses the operation with 503, `open` goes on without the answer and "
            "says so, `retry-later` does it later; each verb allows some of them."
        ),
    ] = None


class ProviderSettings(Struct, frozen=True, kw_only=True):
    """What holds for one provider."""

    verbs: Annotated[
        dict[str, VerbSettings], Meta(description="By the verb's name, such as `rates`.")
    ] = field(default_factory=dict)
    breaker: BreakerSettings = field(default_factory=BreakerSettings)


class KindSettings(ProviderSettings, frozen=True, kw_only=True):
    """What holds for all providers of a kind, and what only for some."""

    only: Annotated[
        dict[str, ProviderSettings],
        Meta(description="By the provider's code; goes before what holds for the whole kind."),
    ] = field(default_factory=dict)


class Policies:
    """The kinds' declarations with the settings laid over them.

    Raises :class:`~commercekit.platform.settings.SettingsError` with everything that is wrong at once.
    """

    def __init__(
        self,
        kinds: Iterable[ProviderKind] = (),
        settings: Mapping[str, KindSettings] | None = None,
    ) -> None:
        self.kinds = {kind.code: kind for kind in kinds}
        self._settings = dict(settings or {})
        problems = [problem for code in self._settings for problem in self._problems(code)]
        if problems:
            raise SettingsError(problems)

    def check_codes(self, there: Mapping[str, Iterable[str]]) -> None:
        """Raise ``SettingsError`` for a provider that ``only`` names and no enabled plugin brings."""
        problems = []
        for kind, settings in self._settings.items():
            known = sorted(there.get(kind, ()))
            problems += [
                _unknown(
                    f"providers.{kind}.only.{code}",
                    f"no enabled plugin brings a {self.kinds[kind].name} {code!r}",
                    code,
                    known,
                )
                for code in settings.only
                if code not in known
            ]
        if problems:
            raise SettingsError(problems)

    def line(self, verb: Verb[Any], provider: str) -> Line:
        """What holds for ``verb`` of ``provider``."""
        declared = Line.declared(verb)
        kind = self._settings.get(verb.family)
        if kind is None:
            return declared
        said = [kind.verbs.get(verb.name)]
        if provider in kind.only:
            said.insert(0, kind.only[provider].verbs.get(verb.name))
        return Line(
            deadline=_first([each.deadline for each in said if each], declared.deadline),
            retries=_first([each.retries for each in said if each], declared.retries),
            policy=_first([each.policy for each in said if each], declared.policy),
        )

    def breaker(self, family: str, provider: str) -> BreakerPolicy:
        """When ``provider`` is left alone."""
        kind = self.kinds.get(family)
        declared = kind.breaker if kind else BreakerPolicy()
        settings = self._settings.get(family)
        if settings is None:
            return declared
        said = [settings.breaker]
        if provider in settings.only:
            said.insert(0, settings.only[provider].breaker)
        return BreakerPolicy(
            failures=_first([each.failures for each in said], declared.failures),
            window=_first([each.window for each in said], declared.window),
            rest=_first([each.rest for each in said], declared.rest),
        )

    def _problems(self, code: str) -> Iterable[SettingProblem]:
        kind = self.kinds.get(code)
        path = f"providers.{code}"
        if kind is None:
            yield _unknown(path, "is no kind of providers", code, sorted(self.kinds))
            return
        settings = self._settings[code]
        yield from _faults(kind, path, settings)
        for provider, only in settings.only.items():
            yield from _faults(kind, f"{path}.only.{provider}", only)


def _faults(kind: ProviderKind, path: str, settings: ProviderSettings) -> Iterable[SettingProblem]:
    for name in ("window", "rest"):
        at = f"{path}.breaker.{name}"
        value = getattr(settings.breaker, name)
        if value is not None and value <= timedelta():
            yield SettingProblem(at, "is not longer than nothing")
    for name, said in settings.verbs.items():
        at = f"{path}.verbs.{name}"
        verb = kind.verb(name)
        if verb is None:
            known = [verb.name for verb in kind.verbs]
            yield _unknown(at, f"is nothing that a {kind.name} is asked", name, known)
            continue
        if said.deadline is not None and not timedelta() < said.deadline <= _LONGEST:
            yield SettingProblem(f"{at}.deadline", "is not between nothing and two minutes")
        if said.retries and not verb.may_repeat:
            yield SettingProblem(
                f"{at}.retries",
                f"would repeat {name} of a {kind.name}, and that twice is not as good as once; "
                "take it out",
            )
        if said.policy is not None and said.policy not in verb.policies:
            able = " or ".join(policy.value for policy in verb.policies)
            yield SettingProblem(
                f"{at}.policy", f"is {said.policy.value!r}; {name} of a {kind.name} may be {able}"
            )


def _unknown(path: str, problem: str, given: str, known: list[str]) -> SettingProblem:
    meant = get_close_matches(given, known, n=1)
    there = ", ".join(known) or "none"
    return SettingProblem(
        path,
        f"{problem}; there are: {there}",
        suggestion=f"{path.rpartition('.')[0]}.{meant[0]}" if meant else "",
    )


def _first(said: Iterable[Any], otherwise: Any) -> Any:
    return next((value for value in said if value is not None), otherwise)
