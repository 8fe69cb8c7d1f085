"""What a plugin implements to bring a kind of promotion."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, ClassVar, Final, Generic, TypeVar

from msgspec import Struct

from commercekit.platform.plugins import since
from commercekit.platform.providers import FailurePolicy, ProviderKind, Verb
from commercekit.promotions.models import PricedBasket, Proposal

__all__ = ["DESCRIBE", "EVALUATE", "PROMOTION_RULES", "WHY_NOT", "PromotionRule"]

C = TypeVar("C", bound=Struct)


@since("0.1")
class PromotionRule(ABC, Generic[C]):
    """A kind of promotion, such as "so much per cent off".

    A rule is pure: the same settings and the same basket give the same proposals, on every node and
    years later. It does no I/O, keeps nothing between calls and looks at no clock but ``basket.now``.
    It only proposes; the engine decides, clamps at zero and splits over the lines.

    *When it fails.* A rule that raises, answers with something else than proposals, or takes longer than
    half a second is left out of this evaluation, logged and counted; the shopper pays the price
    without it and the checkout goes on, unless the settings say ``closed``. A rule that keeps failing is
    not asked for a while, and one that did not come back is not asked a second time until then.
    """

    code: ClassVar[str]
    """Unique in a shop, such as ``percentage-off``."""
    config_type: ClassVar[type[Struct]]
    """A msgspec Struct with ``forbid_unknown_fields=True``; its constraints are what staff are told."""
    name: ClassVar[dict[str, str]]
    """For the list of rules that staff choose from, by language."""

    @abstractmethod
    def evaluate(self, config: C, basket: PricedBasket) -> Sequence[Proposal]:
        """What this promotion would take off ``basket`` as it is now.

        Called again whenever an earlier promotion changed the basket.

        :param config: the promotion's settings, an instance of :attr:`config_type`
        :param basket: the lines in the promotion's scope, with what they cost at this point
        :returns: proposals with positive amounts; none when its conditions are not met
        """

    def why_not(self, config: C, basket: PricedBasket) -> dict[str, str]:
        """Why :meth:`evaluate` proposes nothing, for the explanation of a price.

        :param config: the promotion's settings
        :param basket: the basket it proposed nothing for
        :returns: a sentence by language; empty when there is nothing to add
        """
        return {}

    def describe(self, config: C) -> dict[str, str]:
        """The offer in a few words, such as "10 % off", for lists of what is on now.

        :param config: the promotion's settings
        :returns: the words by language
        """
        return dict(self.name)


_KIND: Final = "promotion-rule"

# It has the event loop for so long; the engine itself looks at what it proposes.
EVALUATE: Final[Verb[Sequence[Proposal]]] = Verb(
    _KIND,
    "evaluate",
    Any,
    deadline=timedelta(milliseconds=500),
    # The shopper pays the price without it.
    policies=(FailurePolicy.OPEN, FailurePolicy.CLOSED),
)
WHY_NOT: Final[Verb[dict[str, str]]] = Verb(
    _KIND,
    "why_not",
    dict[str, str],
    deadline=timedelta(milliseconds=500),
    policies=(FailurePolicy.OPEN,),
)
DESCRIBE: Final[Verb[dict[str, str]]] = Verb(
    _KIND,
    "describe",
    dict[str, str],
    deadline=timedelta(milliseconds=500),
    policies=(FailurePolicy.OPEN,),
)

PROMOTION_RULES: Final = ProviderKind(_KIND, "promotion rule", (EVALUATE, WHY_NOT, DESCRIBE))
"""What a promotion rule is asked, and what the core does when it fails."""
