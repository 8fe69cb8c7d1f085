"""The rules of payment gateways by name, each with its reason."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NoReturn

from commercekit.platform.providers import ProviderError
from commercekit.testing.conformance.contract import RuleBroken
from commercekit.testing.conformance.verdicts import Rule, rule_of

__all__ = ["PAYMENT_GATEWAY_RULES", "fail", "hold", "rule"]

PAYMENT_GATEWAY_RULES: Final[Mapping[str, str]] = {
    # what it says of itself
    "declares-itself": "the core finds a gateway by its code and decodes its settings itself",
    "fails-in-our-words": "only the core's own errors say what may be repeated",
    "answers-in-our-words": "the core books what it reads in the answer, and nothing else",
    "goes-the-whole-way": "what a gateway declares it can do has to work, before anything else counts",
    "says-what-it-cannot": "what is not declared is refused in words, not by falling over",
    # asking for money
    "answers-what-was-asked": "an answer about another payment is booked on another order",
    "gives-what-the-flow-needs": "a page that waits for a QR code cannot show a link",
    "asks-once": "the request is repeated after a crash, and the shopper pays once",
    "asks-once-at-once": "a retry may overtake the call it repeats",
    "gives-one-key-one-meaning": "a key that meant something else would ask for money twice",
    "states-the-amount-asked": "a yen has no cents and a dinar has a thousand fils",
    "refuses-other-currencies": "what the vendor cannot take must not become a request in another money",
    "tells-when-it-is-paid": "who does not hear of the money does not ship the goods",
    "declines-as-a-value": "a bank that says no is an answer; an error would be asked again",
    "fails-no-stranger": "before the shopper opens the page a vendor may know nothing; that is no failure",
    "closes-what-is-unpaid": "what the shop has cancelled must not be paid any more",
    "believes-who-was-faster": "money that came before the closing is not lost by it",
    # holding and taking
    "holds-before-it-takes": "goods not yet sent must not be charged",
    "captures-once": "a capture that is repeated after a crash takes the money once",
    "captures-once-at-once": "two members of staff may press the same button",
    "captures-within-what-is-held": "nobody agreed to pay more",
    "captures-nothing-unauthorised": "nobody agreed to pay at all",
    "captures-in-part": "one parcel goes out, the rest of the money goes free",
    "captures-in-parts": "each parcel takes its share, and all of them together no more than is held",
    "voids-what-is-held": "money that is not needed must not stay blocked",
    "voids-nothing-taken": "money that was taken goes back as a refund, or the books are wrong",
    "captures-nothing-voided": "what was given up belongs to the shopper again",
    # giving back
    "refunds-once": "a refund that is repeated after a crash goes out once",
    "refunds-once-at-once": "a retry may overtake the call it repeats",
    "refunds-within-what-was-taken": "more cannot go back than came",
    "refunds-nothing-unpaid": "nothing came that could go back",
    "refunds-in-parts": "each part goes back, and all of them together no more than came",
    "names-this-refund-alone": "the sum of all refunds, booked as this one, pays it out again",
    "gives-one-refund-one-amount": "an id that meant another amount would pay out twice, or too little",
    "knows-no-stranger-refund": "a refund that is not there would never be sent",
    "settles-refunds-later": "a refund on its way may still fail, and somebody waits for it",
    "tries-a-failed-refund-again": "the shopper still waits for money that came back to the shop",
    # keeping the books
    "states-what-moved": "what a statement leaves out, or turns round, is a difference that nobody can explain",
    "states-each-movement-once": "a movement that is read again under another id is booked again",
    "names-what-is-disputed": "money that is taken away belongs to a payment, or nobody can answer for it",
    "follows-disputes-to-their-end": "who is not told how it ended waits, or gives the same money back twice",
    # not knowing
    "says-unknown-when-nobody-knows": "what may have happened must be asked about before it is repeated",
    "says-unavailable-when-nothing-was-done": "what surely did not happen may be repeated at once",
    "tells-the-truth-afterwards": "the question after a lost answer decides what is done next",
    "repeats-without-a-second-effect": "the core repeats what had no answer, with the same key",
    "takes-nonsense-for-unknown": "a page in HTML says nothing about the money",
    # being told
    "accepts-its-own": "a genuine notification is taken in, whatever the case of its headers",
    "names-its-account": "news for another merchant must not pay this one's orders",
    "reads-without-effects": "a notification is read before anything is booked, perhaps twice",
    "reads-without-calls": "whoever can post to a webhook could have the shop call out",
    "resends-under-one-id": "what is told again is known by its id, or is booked twice",
    "takes-late-news": "vendors repeat for days, and sign anew each time",
    "tells-events-apart": "two events under one id, and the second is thrown away",
    "reads-in-any-order": "the internet keeps no order, and the core's books do not need one",
    "answers-both-ways": "the vendor must be told to come again when we could not book its news",
    "reads-the-exact-bytes": "a body that is parsed and written again has another signature",
    "takes-added-fields": "vendors add fields without asking, and go on telling",
    # being lied to
    "refuses-forgeries": "anybody can post to a webhook",
    "refuses-alterations": "one changed digit is another amount",
    "refuses-what-expired": "what was signed long ago was overheard",
    "refuses-strange-bodies": "what nobody signed is not even looked at",
    "survives-strange-bodies": "a vendor's mistake must not look like ours",
    # keeping quiet
    "types-its-secrets": "a secret that is plain text is printed with the settings",
    "keeps-secrets": "logs, errors and links are read by people who must not pay out money",
    "keeps-no-card-number": "a shop that never sees a card cannot lose one",
    "names-what-is-not-set": "an operator mends the setting that is named",
    "trusts-no-empty-secret": "everybody can sign with no key",
    "reports-a-revoked-key": "an operator must be called; the shopper's order is not to blame",
    # manners
    "speaks-through-the-context": "its client has the shop's time-outs and reaches no inner address",
    "ends-when-cancelled": "a call that outlives its deadline holds a request, then all of them",
    "leaves-no-task": "what nobody waits for fails unseen, or goes on for ever",
    "leaves-no-connection": "an answer that is not closed holds a connection until there are none",
    "never-blocks-the-loop": "while one call blocks, every shopper waits",
    "forgets-requests": "there are several processes, and what one remembers the others do not know",
    "keeps-accounts-apart": "one merchant's key must not move another's money",
    "tells-time-by-the-context": "two clocks disagree when it matters",
}
"""Every rule, and why it is one."""

rule: Rule = rule_of(PAYMENT_GATEWAY_RULES, ProviderError)


def fail(name: str, detail: str, cause: BaseException | None = None) -> NoReturn:
    """The rule ``name`` does not hold, because of ``detail``."""
    raise RuleBroken(name, PAYMENT_GATEWAY_RULES[name], detail) from cause


def hold(name: str, holds: bool, detail: str) -> None:  # noqa: FBT001 - the verdict of a rule
    """The rule ``name`` holds, or its test ends here."""
    if not holds:
        fail(name, detail)
