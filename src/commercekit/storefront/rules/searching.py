"""From what a shopper typed to what PostgreSQL matches and ranks.

A query becomes *concepts*, one per word or per two Chinese characters, each with alternatives: the word
itself; other forms of it and synonyms; and, weakest, beginnings and corrections. The vocabulary of the
market decides which of them are worth asking for.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from itertools import groupby
from math import log

from commercekit.storefront.rules.plans import (
    ANYWHERE,
    EXACT,
    NEAR,
    TOLD,
    WEAK,
    Alternative,
    Concept,
    Near,
    Plan,
)
from commercekit.storefront.rules.words import (
    STOP_WORDS,
    Unit,
    deletions,
    distance,
    index_terms,
    stem,
    units,
)

__all__ = [
    "MAX_UNITS",
    "Synonyms",
    "asked_terms",
    "planned",
    "split_terms",
    "unknown_words",
    "vector",
]

MAX_UNITS = 24
"""Words and characters of a query that are looked at."""
MAX_CONCEPTS = 8
_LONGEST_PHRASE = 6
_CORRECTIONS = 3
_SHORTEST_PART = 3

Synonyms = Mapping[tuple[str, ...], Sequence[tuple[str, ...]]]
"""From each phrase to those that mean the same; phrases are tuples of stemmed words or characters."""


def vector(fields: Iterable[tuple[str, str]]) -> tuple[str, list[str]]:
    """The ``tsvector`` of ``(weight, text)`` fields as text, and the terms in it.

    What is in the description alone stands there as told, see :data:`~.plans.TOLD`.
    """
    terms = index_terms(fields)
    text = " ".join(
        f"'{'' if any(weight != 'D' for _, weight in places) else TOLD}{term}':"
        + ",".join(f"{place}{weight}" for place, weight in places)
        for term, places in terms.items()
    )
    return text, list(terms)


def asked_terms(text: str, synonyms: Synonyms) -> list[str]:
    """Every term of the vocabulary that :func:`planned` will want to know of.

    Of words that turn out to be unknown it wants :func:`split_terms` as well.
    """
    asked = list(units(text))[:MAX_UNITS]
    found: set[str] = set()
    for number, unit in enumerate(asked):
        found |= {unit.text, stem(unit.text)}
        after = asked[number + 1] if number + 1 < len(asked) else None
        if after is not None:
            found |= {unit.text + after.text, stem(unit.text + after.text)}
    for phrase in _synonyms_in(asked, synonyms).values():
        for other in synonyms[phrase]:
            found |= {term for term, _ in _phrase(other)}
    return sorted(found)


def unknown_words(text: str, known: Container[str]) -> list[str]:
    """Words of the query that the market does not have, and that may be misspelt."""
    return [word for word in _unknown(text, known) if deletions(word)][:4]


def split_terms(text: str, known: Container[str]) -> list[str]:
    """What a missing space may have joined to words that the market does not have."""
    pairs = (pair for word in _unknown(text, known) for pair in _splits(word))
    return sorted({part for pair in pairs for part in pair})


def _unknown(text: str, known: Container[str]) -> Iterator[str]:
    for unit in list(units(text))[:MAX_UNITS]:
        if not unit.cjk and unit.text not in known and stem(unit.text) not in known:
            yield unit.text


def planned(
    text: str,
    known: Mapping[str, int],
    documents: int,
    synonyms: Synonyms,
    near: Callable[[str], Sequence[Near]] = lambda _word: (),
    begun: Callable[[str], int] = lambda _word: 0,
    named: Callable[[str], int] = lambda _word: 0,
) -> Plan:
    """The plan for ``text``, given how many ``documents`` there are and in how many each term is.

    ``near`` gives the candidates that a misspelt word may stand for, ``begun`` in how many documents a
    word begins with these letters and goes on, ``named`` in how many this one is not in the description
    alone.
    """
    asked = list(units(text))[:MAX_UNITS]
    phrases = _synonyms_in(asked, synonyms)
    concepts: list[Concept] = []
    at = 0
    while at < len(asked) and len(concepts) < MAX_CONCEPTS:
        if at in phrases:
            span = asked[at : at + len(phrases[at])]
            own = _word(asked, at, known, near, begun)[0] if len(span) == 1 else Concept()
            if span[0].cjk or len(span) > 1:
                own = Concept([Alternative(_phrase(u.text for u in span), EXACT)])
            for other in synonyms[phrases[at]]:
                terms = _phrase(other)
                if all(term in known for term, _ in terms):
                    own.alternatives.append(Alternative(terms, NEAR))
            concepts.append(own)
            at += len(span)
        elif asked[at].cjk:
            end = at
            while end < len(asked) and asked[end].cjk and end not in phrases:
                end += 1
            concepts += _characters("".join(u.text for u in asked[at:end]), known)
            at = end
        else:
            concept, taken = _word(asked, at, known, near, begun)
            concepts.append(concept)
            at += taken
    useful = [concept for concept in concepts if _is_known(concept, known)][:MAX_CONCEPTS]
    meant = [concept for concept in useful if not _is_stop(concept)] or useful
    sizes = dict(known)
    for unit in asked:
        sizes |= {each.term: each.documents for each in near(unit.text)}
    for concept in meant:
        concept.at_most = sum(_at_most(each, sizes, begun) for each in concept.alternatives)
        begins = [each.terms[-1][0] for each in concept.alternatives if each.prefix]
        concept.begun = sum(begun(word) + named(word) for word in begins)
        found = max((known.get(term, 0) for term in _main_terms(concept)), default=0)
        concept.weight = round(log(1.5 + documents / (found + 1)), 2) * (
            0.7 if concept.optional else 1
        )
    return Plan(tuple(meant), documents)


def _at_most(
    alternative: Alternative, sizes: Mapping[str, int], begun: Callable[[str], int]
) -> int:
    """In how many documents it can be: in no more than its rarest term.

    What a beginning finds without going on is found by the whole word, which is always beside it.
    """
    found = [sizes.get(term, 0) for term, _ in alternative.terms]
    if alternative.prefix:
        found[-1] = begun(alternative.terms[-1][0])
    return min(found)


def _word(
    asked: Sequence[Unit],
    at: int,
    known: Mapping[str, int],
    near: Callable[[str], Sequence[Near]],
    begun: Callable[[str], int],
) -> tuple[Concept, int]:
    """The concept of the Latin word there, with those glued to it, and how many units it takes."""
    end = at + 1
    while end < len(asked) and asked[end].glued and not asked[end].cjk:
        end += 1
    chain = [unit.text for unit in asked[at:end]]
    whole = "".join(chain)
    is_last = end == len(asked)
    concept = Concept()
    add = concept.alternatives.append
    if len(chain) > 1:
        add(Alternative(tuple((term, number) for number, term in enumerate(chain)), EXACT))
        add(Alternative(_one(whole), EXACT))
        add(Alternative(_one(whole), WEAK, prefix=True))
        return concept, end - at
    word, root = whole, stem(whole)
    add(Alternative(_one(word), EXACT))
    if root != word:
        add(Alternative(_one(root), EXACT))
    following = asked[end] if end < len(asked) and not asked[end].cjk else None
    if following is not None and (word + following.text) in known:
        joined = Alternative(_one(word + following.text), NEAR)
        both = Alternative(((word, 0), (following.text, 1)), EXACT)
        return Concept([both, joined]), end + 1 - at
    is_known = word in known or root in known
    if len(word) > 1 and (is_last or not is_known) and begun(word):
        add(Alternative(_one(word), WEAK, prefix=True))
        is_known = True
    if not is_known:
        for one, other in _splits(word):
            if one in known and other in known:
                add(Alternative(((one, 0), (other, 1)), NEAR))
                is_known = True
        if not is_known:
            concept.alternatives += [Alternative(_one(term), NEAR) for term in _meant(word, near)]
    return concept, end - at


def _characters(run: str, known: Mapping[str, int]) -> list[Concept]:
    """The concepts of a run of Chinese characters: the words of two that the market has, and the rest.

    Which pairs are words and which only touch is told by how often the market has them.
    """
    best: list[tuple[float, list[str]]] = [(0.0, [])]
    for end in range(1, len(run) + 1):
        score, parts = best[end - 1]
        chosen = (score - 1.0, [*parts, run[end - 1]])
        pair = run[end - 2 : end]
        if end > 1 and pair in known:
            before, earlier = best[end - 2]
            chosen = max(chosen, (before + 1.0 + log(known[pair] + 1), [*earlier, pair]))
        best.append(chosen)
    parts = best[-1][1]
    concepts: list[Concept] = []
    for is_pair, grouped in groupby(parts, key=lambda part: len(part) > 1):
        group = list(grouped)
        if is_pair:
            concepts += [
                Concept(
                    [
                        Alternative(_one(pair), EXACT),
                        Alternative(((pair[0], 0), (pair[1], 2)), WEAK),
                    ]
                )
                for pair in group
            ]
        elif len(group) == 1:
            concepts.append(Concept([Alternative(_one(group[0]), EXACT)]))
        else:
            # A word that the market lacks: its characters count together or not at all.
            together = tuple((character, ANYWHERE) for character in group)
            concepts.append(
                Concept([Alternative(together, WEAK)], optional=len(parts) > len(group))
            )
    return concepts


def _meant(word: str, near: Callable[[str], Sequence[Near]]) -> list[str]:
    """What a misspelt word may stand for, the likeliest first."""
    allowed = 1 if len(word) < 8 else 2
    ranked = sorted(
        (distance(word, each.term), each.term[0] != word[0], -each.documents, each.term)
        for each in near(word)
    )
    close = [entry for entry in ranked if entry[0] <= allowed]
    return [entry[3] for entry in close if entry[0] == close[0][0]][:_CORRECTIONS]


def _synonyms_in(asked: Sequence[Unit], synonyms: Synonyms) -> dict[int, tuple[str, ...]]:
    """Where phrases that have synonyms begin; the longest at each place, none within another."""
    found: dict[int, tuple[str, ...]] = {}
    at = 0
    roots = [unit.text if unit.cjk else stem(unit.text) for unit in asked]
    while at < len(roots):
        for length in range(min(_LONGEST_PHRASE, len(roots) - at), 0, -1):
            phrase = tuple(roots[at : at + length])
            if phrase in synonyms:
                found[at] = phrase
                at += length - 1
                break
        at += 1
    return found


def _phrase(words: Iterable[str]) -> tuple[tuple[str, int], ...]:
    """A phrase as terms in their places: characters in pairs, words by themselves."""
    listed = list(words)
    found: list[tuple[str, int]] = []
    for place, word in enumerate(listed):
        after = listed[place + 1] if place + 1 < len(listed) else ""
        if _is_character(word) and _is_character(after):
            found.append((word + after, place))
        elif not (_is_character(word) and place and _is_character(listed[place - 1])):
            found.append((word if _is_character(word) else stem(word), place))
    return tuple(found)


def _is_character(word: str) -> bool:
    return len(word) == 1 and not word.isascii() and not word.isdigit() and word >= "\u3040"


def _splits(word: str) -> list[tuple[str, str]]:
    return [(word[:n], word[n:]) for n in range(_SHORTEST_PART, len(word) - _SHORTEST_PART + 1)]


def _one(term: str) -> tuple[tuple[str, int], ...]:
    return ((term, 0),)


def _is_known(concept: Concept, known: Mapping[str, int]) -> bool:
    return any(
        alternative.prefix
        or alternative.quality == NEAR
        or all(term in known for term, _ in alternative.terms)
        for alternative in concept.alternatives
    )


def _is_stop(concept: Concept) -> bool:
    return all(
        len(alternative.terms) == 1 and alternative.terms[0][0] in STOP_WORDS
        for alternative in concept.alternatives
    )


def _main_terms(concept: Concept) -> list[str]:
    return [
        term
        for alternative in concept.alternatives
        if alternative.quality in (EXACT, NEAR)
        for term, _ in alternative.terms
    ]
