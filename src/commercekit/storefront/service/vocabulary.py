"""The words of each market's products, and those that mean the same: what search knows before it looks."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any
from uuid import UUID

from commercekit.catalog import StaleVersion
from commercekit.errors import NotFound
from commercekit.kernel import new_id
from commercekit.storefront.freshness import Freshness, Stale
from commercekit.storefront.models import Synonym
from commercekit.storefront.rules.plans import RARE, TOLD, Near, Plan
from commercekit.storefront.rules.searching import (
    MAX_UNITS,
    asked_terms,
    planned,
    split_terms,
    unknown_words,
)
from commercekit.storefront.rules.words import deletions, stem, units

if TYPE_CHECKING:
    from commercekit.platform.db import Database, UnitOfWork

__all__ = ["SynonymNotFound", "Vocabulary"]

_ALL = ""
"""The term that counts all products of a market; no word is empty."""
_CANDIDATES = 200
_AT_ONCE = 2000
_COUNTED = """
    CREATE TEMP TABLE storefront_counted (term text COLLATE "C", documents integer, named integer)
    ON COMMIT DROP
"""
# A product has a word either in its description alone or not, never both.
_COUNT = """
    INSERT INTO storefront_counted
    SELECT ltrim(term, $2), count(*), count(*) FILTER (WHERE NOT starts_with(term, $2))
    FROM storefront_words, unnest(tsvector_to_array(terms)) AS w (term) WHERE market_id = $1 GROUP BY 1
"""
_COUNTING = timedelta(minutes=10)
_HIGHEST = "\U0010ffff"
# The values stand in SELECTs of their own so that the planner does not look at them: for three words it
# likes a plan of their own better than the one for all, and plans anew at each search.
_KNOWN = """
    SELECT term, documents, named, 0 AS words FROM storefront_term
    WHERE market_id = $1 AND term = ANY ((SELECT $2::text[])::text[])
    UNION ALL
    SELECT w.word, sum(t.documents)::int, sum(t.named)::int, count(*)::int
    FROM unnest((SELECT $3::text[])) AS w (word), LATERAL (
        SELECT documents, named FROM storefront_term
        WHERE market_id = $1 AND term > w.word COLLATE "C" AND term < (w.word || $4) COLLATE "C"
        LIMIT (SELECT $5::int)
    ) t
    GROUP BY w.word
"""


class SynonymNotFound(NotFound):
    """There is no such group of synonyms."""

    slug = "synonym-not-found"
    title = "No such synonyms"
    title_zh = "没有该同义词组"


class Vocabulary:
    """Keeps the words, and reads queries with them."""

    def __init__(self, db: Database, freshness: Freshness) -> None:
        self._db = db
        self._freshness = freshness
        self._synonyms: dict[tuple[str, ...], list[tuple[str, ...]]] | None = None
        self._round = 0
        freshness.on_stale(self._forget)

    def _forget(self, stale: Stale) -> None:
        if stale.slugs is None:
            self._synonyms = None
            self._round += 1

    async def learn(
        self, uow: UnitOfWork, market_id: UUID, terms: Sequence[str], documents: int = 1
    ) -> None:
        """Add words that a market gets; how often it has them is counted later."""
        wanted = sorted(set(terms))
        for start in range(0, len(wanted), _AT_ONCE):
            some = wanted[start : start + _AT_ONCE]
            rows = await uow.fetch(
                # The LIMIT has each looked up: joined, all words of the market would be read.
                "SELECT w.term FROM unnest($2::text[]) AS w (term) LEFT JOIN LATERAL"
                " (SELECT true AS known FROM storefront_term t"
                " WHERE t.market_id = $1 AND t.term = w.term LIMIT 1) t ON true"
                " WHERE t.known IS NULL",
                market_id,
                some,
            )
            new = sorted(row["term"] for row in rows)
            if new:
                # One statement, where each row of several would be planned and answered for itself.
                await uow.execute(
                    "INSERT INTO storefront_term (market_id, term, documents, named, near)"
                    " SELECT $1, w.term, $2, $2, coalesce(string_to_array(nullif(w.near, ''), ' '), '{}')"
                    " FROM unnest($3::text[], $4::text[]) AS w (term, near) ON CONFLICT DO NOTHING",
                    market_id,
                    documents,
                    new,
                    [" ".join(deletions(term)) for term in new],
                )

    async def recount(self, market_id: UUID) -> int:
        """Count in how many products each word is, drop those in none; tells how many words there are.

        Not in one snapshot with those who change products: what they add meanwhile is counted next time.
        """
        async with self._db.unit_of_work() as uow:
            # It reads every product of the market, which nobody waits for.
            await uow.be_patient(_COUNTING)
            # Not ts_stat: its tree degenerates where words come sorted, as article numbers do.
            await uow.execute(_COUNTED)
            await uow.execute(_COUNT, market_id, TOLD)
            documents = await uow.fetchval(
                "SELECT count(*) FROM storefront_words WHERE market_id = $1", market_id
            )
            await uow.execute("INSERT INTO storefront_counted VALUES ($1, $2, $2)", _ALL, documents)
            await uow.execute("ANALYZE storefront_counted")
            missing = await uow.fetch(
                "SELECT term FROM storefront_counted c WHERE NOT EXISTS (SELECT FROM storefront_term t"
                " WHERE t.market_id = $1 AND t.term = c.term)",
                market_id,
            )
            await self.learn(uow, market_id, [row["term"] for row in missing])
            await uow.execute(
                "UPDATE storefront_term t SET documents = c.documents, named = c.named"
                " FROM storefront_counted c WHERE t.market_id = $1 AND t.term = c.term"
                " AND (t.documents, t.named) <> (c.documents, c.named)",
                market_id,
            )
            gone = await uow.fetch(
                "SELECT term FROM storefront_term t WHERE market_id = $1 AND NOT EXISTS"
                " (SELECT FROM storefront_counted c WHERE c.term = t.term)",
                market_id,
            )
            # Asked again, by the index: products that came while the others were counted have words, too.
            await uow.executemany(
                "DELETE FROM storefront_term WHERE market_id = $1 AND term = $2 AND NOT EXISTS"
                " (SELECT FROM storefront_words WHERE market_id = $1"
                " AND terms @@ (quote_literal($2) || ' | ' || quote_literal($3))::tsquery)",
                [(market_id, row["term"], TOLD + row["term"]) for row in gone],
            )
            words: int = await uow.fetchval("SELECT count(*) - 1 FROM storefront_counted")
        return words

    async def plan(self, market_id: UUID, text: str) -> Plan:
        """What to ask the database for when a shopper types ``text``."""
        synonyms = await self._meanings()
        words = [unit.text for unit in list(units(text))[:MAX_UNITS] if not unit.cjk]
        # Beginnings are looked for in the last word, which may not be typed to its end, and in words
        # that are none.
        rows = await self._known(market_id, [_ALL, *asked_terms(text, synonyms)], words[-1:])
        known = _documents(rows)
        documents = known.pop(_ALL, 100)
        near = {word: await self._near(market_id, word) for word in unknown_words(text, known)}
        begun = _begun(rows)
        others = [word for word in near if word != words[-1]]
        parts = split_terms(text, known.keys() | begun.keys())
        if others or parts:
            more = await self._known(market_id, parts, others)
            known |= _documents(more)
            begun |= _begun(more)
            rows += more
        named = {row["term"]: row["named"] for row in rows if not row["words"]}
        return planned(
            text,
            known,
            documents,
            synonyms,
            lambda word: near.get(word, ()),
            lambda word: begun.get(word, 0),
            lambda word: named.get(word, 0),
        )

    async def _known(
        self, market_id: UUID, terms: Sequence[str], beginnings: Sequence[str]
    ) -> list[Any]:
        """Which of these there are, and how often words begin like those; 0 ``words`` are themselves."""
        return await self._db.fetch(
            _KNOWN, market_id, list(terms), list(beginnings), _HIGHEST, _CANDIDATES
        )

    async def _near(self, market_id: UUID, word: str) -> list[Near]:
        rows = await self._db.fetch(
            "SELECT term, documents FROM storefront_term"
            " WHERE market_id = $1 AND near && $2::text[] LIMIT $3",
            market_id,
            deletions(word),
            _CANDIDATES,
        )
        return [Near(row["term"], row["documents"]) for row in rows]

    async def synonyms(self) -> list[Synonym]:
        """All groups, oldest first."""
        rows = await self._db.fetch("SELECT * FROM storefront_synonym ORDER BY id LIMIT 10000")
        return [_synonym(row) for row in rows]

    async def synonym(self, synonym_id: UUID) -> Synonym:
        """One group; ``SynonymNotFound`` if there is none."""
        row = await self._db.fetchrow("SELECT * FROM storefront_synonym WHERE id = $1", synonym_id)
        if row is None:
            raise _not_found(synonym_id)
        return _synonym(row)

    async def add_synonym(self, words: Sequence[str]) -> Synonym:
        """Say that these mean the same, from the next search on."""

        async def work(uow: UnitOfWork) -> Synonym:
            row = await uow.fetchrow(
                "INSERT INTO storefront_synonym (id, words, created_at, updated_at)"
                " VALUES ($1, $2, $3, $3) RETURNING *",
                new_id(),
                list(words),
                uow.clock.now(),
            )
            await self._freshness.touch(uow, None, lists=True)
            return _synonym(row)

        return await self._db.run(work)

    async def change_synonym(
        self, synonym_id: UUID, words: Sequence[str], *, version: int
    ) -> Synonym:
        """Replace the words of a group; ``StaleVersion`` unless it has that version."""

        async def work(uow: UnitOfWork) -> Synonym:
            row = await uow.fetchrow(
                "UPDATE storefront_synonym SET words = $2, version = version + 1, updated_at = $4"
                " WHERE id = $1 AND version = $3 RETURNING *",
                synonym_id,
                list(words),
                version,
                uow.clock.now(),
            )
            if row is None:
                await self._stale_or_gone(uow, synonym_id)
            await self._freshness.touch(uow, None, lists=True)
            return _synonym(row)

        return await self._db.run(work)

    async def remove_synonym(self, synonym_id: UUID, *, version: int) -> None:
        """Say no longer that they mean the same."""

        async def work(uow: UnitOfWork) -> None:
            gone = await uow.fetchrow(
                "DELETE FROM storefront_synonym WHERE id = $1 AND version = $2 RETURNING id",
                synonym_id,
                version,
            )
            if gone is None:
                await self._stale_or_gone(uow, synonym_id)
            await self._freshness.touch(uow, None, lists=True)

        await self._db.run(work)

    async def _stale_or_gone(self, uow: UnitOfWork, synonym_id: UUID) -> None:
        if await uow.fetchval("SELECT 1 FROM storefront_synonym WHERE id = $1", synonym_id):
            message = "These synonyms were changed meanwhile."
            raise StaleVersion(message)
        raise _not_found(synonym_id)

    async def _meanings(self) -> Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]:
        if self._synonyms is None:
            begun = self._round
            meanings: dict[tuple[str, ...], list[tuple[str, ...]]] = {}
            for group in await self.synonyms():
                phrases = [_phrase(words) for words in group.words]
                for phrase in filter(None, phrases):
                    others = [other for other in phrases if other and other != phrase]
                    meanings.setdefault(phrase, []).extend(others)
            if begun != self._round:
                return meanings
            self._synonyms = meanings
        return self._synonyms


def _documents(rows: Sequence[Any]) -> dict[str, int]:
    return {row["term"]: row["documents"] for row in rows if not row["words"]}


def _begun(rows: Sequence[Any]) -> dict[str, int]:
    return {row["term"]: _named(row) for row in rows if row["words"]}


def _named(row: Any) -> int:
    """How many products may have words that begin so, not in the description alone, and one at least.

    Nobody knows when there are more words.
    """
    found: int = max(1, row["named"])
    return found if row["words"] < _CANDIDATES else max(found, RARE + 1)


def _phrase(text: str) -> tuple[str, ...]:
    return tuple(unit.text if unit.cjk else stem(unit.text) for unit in units(text))


def _synonym(row: Any) -> Synonym:
    return Synonym(
        id=row["id"],
        words=list(row["words"]),
        version=row["version"],
        created_at=row["created_at"],
        updated_at=row["updated_at"],
    )


def _not_found(synonym_id: UUID) -> SynonymNotFound:
    message = f"There are no synonyms {synonym_id}."
    return SynonymNotFound(message, synonym=str(synonym_id))
