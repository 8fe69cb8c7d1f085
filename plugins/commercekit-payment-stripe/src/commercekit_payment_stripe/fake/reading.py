"""The vendor's interface, as far as it answers questions: single objects, lists, a search."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final, TypeVar

from commercekit_payment_stripe.fake.moves import Moves
from commercekit_payment_stripe.fake.params import Params, Refused

__all__ = ["Reading", "found", "no_such_path"]

T = TypeVar("T")

_SEARCHABLE_AFTER: Final = 60
_LISTS: Final = {
    "balance_transactions": ("transactions", "balance transaction", "source", "type"),
    "charges": ("charges", "charge", "payment_intent"),
    "checkout/sessions": ("sessions", "checkout session", "payment_intent"),
    "disputes": ("disputes", "dispute", "payment_intent", "charge"),
    "payment_intents": ("intents", "payment_intent"),
    "refunds": ("refunds", "refund", "payment_intent", "charge"),
}
"""By path: where the books keep them, what one is called, and what a list can be narrowed by."""


class Reading:
    """Answers GET; gives JSON, or raises :class:`Refused`."""

    def __init__(self, moves: Moves, now: Callable[[], int]) -> None:
        self._moves = moves
        self._books = moves.books
        self._now = now

    def get(self, path: list[str], asked: Params) -> dict[str, Any]:
        """Answer a question."""
        expand = asked.texts("expand")
        if path == ["payment_intents", "search"]:
            return self._search(asked, expand)
        name, key = ("/".join(path), None)
        if name not in _LISTS:
            name, key = ("/".join(path[:-1]), "".join(path[-1:]))
        if name not in _LISTS:
            raise no_such_path(path)
        kept, what, *filters = _LISTS[name]
        among = getattr(self._books, kept)
        if key is None:
            return self._list(name, asked, expand, *filters)
        if kept == "intents":
            asked.text("client_secret")
        return self._one(among, what, key, asked, expand)

    def _one(
        self, kept: dict[str, Any], what: str, key: str, asked: Params, expand: list[str]
    ) -> dict[str, Any]:
        asked.done()
        found(kept, what, key)
        return self._moves.objects.of(key, expand)

    def _list(self, name: str, asked: Params, expand: list[str], *filters: str) -> dict[str, Any]:
        kept: dict[str, Any] = getattr(self._books, _LISTS[name][0])
        limit = asked.whole("limit") or 10
        if not 1 <= limit <= 100:
            raise Refused(400, "Invalid integer: limit is from 1 to 100", param="limit")
        after = asked.text("starting_after")
        within = asked.part("created")
        bounds = {name: within.whole(name) for name in ("gt", "gte", "lt", "lte")}
        within.done()
        wanted = {each: asked.text(each) for each in filters}
        asked.done()
        listed = [
            each
            for each in reversed(kept.values())
            if _fits(each, wanted) and _is_within(each.created, bounds)
        ]
        if after is not None:
            found(kept, "object", after, "starting_after")
            ids = [each.id for each in listed]
            listed = listed[ids.index(after) + 1 :] if after in ids else []
        inner = [path.removeprefix("data.") for path in expand]
        data = [self._moves.objects.of(each.id, inner) for each in listed[:limit]]
        more = len(listed) > limit
        return {"object": "list", "url": f"/v1/{name}", "has_more": more, "data": data}

    def _search(self, asked: Params, expand: list[str]) -> dict[str, Any]:
        """Behind by a minute, as the vendor's own is."""
        query, limit = asked.must("query"), asked.whole("limit") or 10
        asked.text("page")
        asked.done()
        head, _, value = query.partition(":")
        name = head.removeprefix("metadata['").removesuffix("']")
        if f"metadata['{name}']" != head or value[:1] != "'" or value[-1:] != "'":
            raise Refused(400, "We were unable to parse your search query.", param="query")
        hits = [
            self._moves.objects.of(each.id, [path.removeprefix("data.") for path in expand])
            for each in self._books.intents.values()
            if each.metadata.get(name) == value[1:-1]
            and each.created <= self._now() - _SEARCHABLE_AFTER
        ]
        data, more = hits[:limit], len(hits) > limit
        url = "/v1/payment_intents/search"
        return {"object": "search_result", "url": url, "has_more": more, "data": data}


def found(kept: dict[str, T], what: str, key: str, param: str = "id") -> T:
    """One of ``kept``; refused with 404 where there is none."""
    if key not in kept:
        message = f"No such {what}: '{key}'"
        raise Refused(404, message, code="resource_missing", param=param)
    return kept[key]


def no_such_path(path: list[str]) -> Refused:
    """The refusal of a path that the vendor does not have."""
    return Refused(404, f"Unrecognized request URL (/v1/{'/'.join(path)}).")


def _fits(each: Any, wanted: dict[str, str | None]) -> bool:
    names = {"payment_intent": "intent"}
    return all(
        value is None or getattr(each, names.get(name, name)) == value
        for name, value in wanted.items()
    )


def _is_within(created: int, bounds: dict[str, int | None]) -> bool:
    gt, gte, lt, lte = (bounds[name] for name in ("gt", "gte", "lt", "lte"))
    return (
        (gt is None or created > gt)
        and (gte is None or created >= gte)
        and (lt is None or created < lt)
        and (lte is None or created <= lte)
    )
