"""The counter: one algorithm for everything of which there is only so much.

Stock, flash-sale quotas, coupons, points and budgets are rows with a number that is left. Whoever takes
from them is served in the order of arrival, wholly or not at all, and a refused turn leaves everything for
the next. The SQL function ``platform_first_come`` decides that over any counters; the owner of the rows
locks them in the order of their ids, asks it, and takes with a guarded UPDATE behind which a CHECK stands,
so that a mistake in the decision fails the transaction instead of selling what is not there.
"""
