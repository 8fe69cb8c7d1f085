"""The promotion engine: which promotions count, in which order, and what they take off what.

The sequence, in full:

1. Promotions that are off, outside their period, or whose coupon was not given take no part.
2. **Lanes** run in ascending order, each on the amounts that the lanes before it left.
3. In a lane promotions compete. First for lines: each line goes to the promotion that takes most off it.
   Then one promotion wins the order as a whole, then one wins shipping. Equal offers go to the higher
   ``priority``, then to the code that sorts first. Promotions that should add up stand in different lanes.
4. **Each application is preceded by a fresh test** on the basket as it is then: what an earlier promotion
   invalidated does not apply.
5. An **exclusive** promotion applies alone or not at all. It does when no other promotion that would apply
   has a higher priority; of several exclusive ones the highest priority wins, then the best for the
   shopper, then the code that sorts first.
6. Nothing goes below zero: an offer is cut to what its line, the lines in its scope, or shipping still
   cost. An order-level amount is split over the lines in scope by what they cost then, by largest
   remainder, so that the shares sum to it exactly.
"""

from commercekit.promotions.rules.book import (
    Book,
    Entry,
    RegisteredRule,
    open_book,
)
from commercekit.promotions.rules.evaluation import RuleAsker, evaluate, taking_part

__all__ = [
    "Book",
    "Entry",
    "RegisteredRule",
    "RuleAsker",
    "evaluate",
    "open_book",
    "taking_part",
]
