"""Doing things once although they are asked for twice.

A key is claimed before the work and completed with its answer. While the work runs its claim is leased;
after a crash the lease runs out and the client's retry takes the claim over, with the same ``id`` for
what is to be made, so that the work finds what it had made before. What was refused frees the key.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import re
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final
from uuid import UUID

import msgspec
from msgspec import Struct

from commercekit.errors import CommerceKitError, Conflict, Malformed, Refused, Unprocessable
from commercekit.kernel import new_id
from commercekit.platform.http.answers import Answer
from commercekit.platform.security import PrincipalKind, SealedTable, Sealer, principal_of

if TYPE_CHECKING:
    from litestar import Request, Response

    from commercekit.platform.db import Database, UnitOfWork

__all__ = [
    "KEY_PATTERN",
    "Claim",
    "Idempotency",
    "IdempotencyKeyRequired",
    "IdempotencyKeyReused",
    "IdempotentRun",
    "KeyInFlight",
    "claim_of",
    "idempotent",
    "to_the_end",
]

TABLE: Final = "platform_idempotency_key"
SEALED: Final = (SealedTable(TABLE, ("body",), row_id="work_id"),)
"""What is sealed here, for the sealer to load its keys."""
IDEMPOTENCY: Final = "commercekit_idempotency"
LEASE_SECONDS: Final = 15
LEASE: Final = timedelta(seconds=LEASE_SECONDS)
KEPT_HOURS: Final = 26
"""At least the 24 hours that clients rely on, and some for clocks that disagree."""
ABANDONED: Final = "abandoned"
"""The step of keys whose execution died and whose client has not come back."""
_GIVE_BACK_SECONDS: Final = 2.0
KEY_PATTERN: Final = "^[A-Za-z0-9._:+/=@-]{1,255}$"
_KEY: Final = re.compile(KEY_PATTERN)
_logger = logging.getLogger(__name__)


class IdempotencyKeyRequired(Malformed):
    """A call that must be repeatable came without a key."""

    slug = "idempotency-key-required"
    title = "Idempotency-Key required"
    title_zh = "缺少 Idempotency-Key 请求头"


class IdempotencyKeyInvalid(Malformed):
    """Too long, or with characters that no generator of keys makes."""

    slug = "idempotency-key-invalid"
    title = "Idempotency-Key not usable"
    title_zh = "Idempotency-Key 无效"


class IdempotencyKeyReused(Unprocessable):
    """The same key came with another request before."""

    slug = "idempotency-key-reused"
    title = "Idempotency-Key used for another request"
    title_zh = "Idempotency-Key 已用于其他请求"


class KeyInFlight(Conflict):
    """The first request with this key is still running; nothing is done twice."""

    slug = "idempotency-key-in-flight"
    title = "Still working on it"
    title_zh = "请求仍在处理中"


class Claim(Struct, frozen=True, kw_only=True):
    """What a request says about itself: who repeats what under which key."""

    scope: str
    subject: str
    key: str
    request_hash: bytes


class IdempotentRun(Struct, frozen=True, kw_only=True):
    """One execution under a key. ``id`` is the same in every execution: give it to what is made."""

    id: UUID
    scope: str
    subject: str
    key: str
    step: str | None = None
    """The last step that an earlier execution recorded, ``None`` in a first one."""
    attempt: int = 1


Work = Callable[[IdempotentRun], Awaitable[Answer]]
Resumer = Callable[[IdempotentRun], Awaitable[Answer | None]]
"""Finishes what a crashed execution began; ``None`` when it had not begun, which frees the key."""


class Idempotency:
    """The keys of a shop. Answers are kept sealed, since they may hold personal data."""

    def __init__(self, db: Database, sealer: Sealer) -> None:
        self._db = db
        self._sealer = sealer

    async def execute(self, claim: Claim, work: Work) -> Answer:
        """Run ``work`` under ``claim``, or give the answer it gave before.

        A refusal or malformed input frees the key, unless a step was recorded by then; any other
        failure leaves the claim to the next retry, which takes over at once.
        """
        # One statement each: they commit by themselves, without the round trips of a transaction.
        run = await self.claim(self._db, claim)
        if isinstance(run, Answer):
            return run
        return await self.finish(run, work)

    async def finish(self, run: IdempotentRun, work: Work) -> Answer:
        """:meth:`execute` for a key that is claimed already, by :meth:`claim_row`."""
        try:
            answer = await work(run)
        except (Refused, Malformed):
            await self._give_back(run, keep_started=True)
            raise
        except BaseException:
            await self._give_back(run, keep_started=None)
            raise
        await self.complete(self._db, run, answer)
        return answer

    async def claim(self, uow: UnitOfWork | Database, claim: Claim) -> IdempotentRun | Answer:
        """Take the key in the caller's transaction, or give the stored answer.

        Raises :class:`KeyInFlight` while another execution holds the lease and
        :class:`IdempotencyKeyReused` when the key was used for another request. A second transaction
        with the same key waits for the first to end.
        """
        for _ in range(3):
            row = await uow.fetchrow(_CLAIM, *_identity(claim), claim.request_hash, new_id())
            if row is not None:
                return IdempotentRun(
                    id=row["work_id"],
                    scope=claim.scope,
                    subject=claim.subject,
                    key=claim.key,
                    step=row["step"],
                    attempt=row["attempt"],
                )
            row = await uow.fetchrow(_LOOK, *_identity(claim))
            if row is not None:
                return self._earlier(claim, row)
        message = "The first request with this key has just ended; send it again."
        raise KeyInFlight(message, retry_after=1)

    async def replay(self, claim: Claim) -> Answer | None:
        """The answer given under ``claim`` before; ``None`` when nobody has used the key.

        Raises :class:`KeyInFlight` and :class:`IdempotencyKeyReused` as :meth:`claim` does. For work
        that claims its key in its own transaction and was refused before it came to that.
        """
        row = await self._db.fetchrow(_LOOK, *_identity(claim))
        return None if row is None else self._earlier(claim, row)

    def claim_row(
        self, claim: Claim, work_id: UUID, *, answer: Answer | None, step: str | None = None
    ) -> dict[str, Any]:
        """A claim as the SQL function ``platform_claim_keys`` takes it.

        With an ``answer`` the key is complete from the start; without, it is leased, and ``step`` is
        what will have been done when the transaction commits.
        """
        row: dict[str, Any] = {
            "scope": claim.scope,
            "subject": claim.subject,
            "key": claim.key,
            "request_hash": "\\x" + claim.request_hash.hex(),
            "work_id": work_id,
            "step": step,
        }
        if answer is not None:
            row["status"] = answer.status
            row["headers"] = dict(answer.headers)
            row["body"] = "\\x" + self._sealer.seal(TABLE, "body", work_id, answer.body).hex()
        return row

    async def advance(self, uow: UnitOfWork, run: IdempotentRun, step: str) -> None:
        """Record that ``step`` is done, in the transaction that does it, and renew the lease.

        Raises :class:`KeyInFlight` when another execution has taken over in the meantime, so that the
        slower one does not go on beside it.
        """
        tag = await uow.execute(
            f"UPDATE {TABLE} SET step = $5,"  # noqa: S608 - a constant
            f" lease_until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'" + _MINE,
            *_identity(run),
            run.attempt,
            step,
        )
        _check_owner(tag)

    async def complete(
        self, uow: UnitOfWork | Database, run: IdempotentRun, answer: Answer
    ) -> None:
        """Keep the answer; every later request with this key gets these bytes."""
        tag = await uow.execute(
            f"UPDATE {TABLE} SET state = 'completed', status = $5, headers = $6::jsonb,"  # noqa: S608 - a constant
            " body = $7, lease_until = clock_timestamp()" + _MINE,
            *_identity(run),
            run.attempt,
            answer.status,
            msgspec.json.encode(dict(answer.headers)).decode(),
            self._sealer.seal(TABLE, "body", run.id, answer.body),
        )
        _check_owner(tag)

    async def free(self, uow: UnitOfWork, run: IdempotentRun) -> None:
        """Forget the key, because nothing was done: the same key may be used again."""
        await uow.execute(
            f"DELETE FROM {TABLE}" + _MINE,  # noqa: S608 - a constant
            *_identity(run),
            run.attempt,
        )

    async def sweep(self, resumers: Mapping[str, Resumer], *, limit: int = 100) -> int:
        """Finish, free or set aside keys whose execution died a lease ago; gives how many.

        Without a resumer nobody knows what the execution had made, so its key is never freed: the
        client's retry has to find it with the same ``id``. It is set aside until then, or until it is
        too old to be relied on. Keys on which a step was recorded are left, and counted by the invariant
        on abandoned keys.
        """
        rows = await self._db.fetch(_ABANDONED, limit, sorted(resumers))
        done = 0
        for row in rows:
            run = IdempotentRun(**{**dict(row), "attempt": row["attempt"]})
            resumer = resumers.get(run.scope)
            try:
                answer = None if resumer is None else await resumer(run)
                async with self._db.unit_of_work() as uow:
                    if resumer is None:
                        await self._set_aside(uow, run)
                    elif answer is None:
                        await self.free(uow, run)
                    else:
                        await self.complete(uow, run, answer)
            except (CommerceKitError, OSError):
                _logger.exception("an abandoned key of scope %s could not be finished", run.scope)
            else:
                done += 1
        return done

    async def _set_aside(self, uow: UnitOfWork, run: IdempotentRun) -> None:
        await uow.execute(
            f"UPDATE {TABLE} SET step = '{ABANDONED}', lease_until = clock_timestamp()" + _MINE,  # noqa: S608 - constants
            *_identity(run),
            run.attempt,
        )

    async def prune(self) -> int:
        """Forget keys older than clients may rely on; gives how many."""
        tag = await self._db.execute(
            f"DELETE FROM {TABLE} WHERE (scope, subject, key) IN (SELECT scope, subject, key"  # noqa: S608 - a constant
            f" FROM {TABLE} WHERE"
            f" (state = 'completed' OR step = '{ABANDONED}')"
            f" AND created_at < clock_timestamp() - interval '{KEPT_HOURS} hours' LIMIT 5000)"
        )
        return int(tag.rpartition(" ")[2])

    def _earlier(self, claim: Claim, row: Any) -> Answer:
        if row["request_hash"] != claim.request_hash:
            message = "This Idempotency-Key was used for another request; make a new one."
            raise IdempotencyKeyReused(message)
        if row["state"] != "completed":
            message = "The first request with this key is still being worked on."
            raise KeyInFlight(message, retry_after=max(1, min(LEASE_SECONDS, row["wait"])))
        headers = msgspec.json.decode(row["headers"], type=dict[str, str])
        return Answer(
            status=row["status"],
            content=self._sealer.open(TABLE, "body", row["work_id"], row["body"]) or None,
            headers={**headers, "Idempotency-Replayed": "true"},
        )

    async def _give_back(self, run: IdempotentRun, *, keep_started: bool | None) -> None:
        """Free the key or end its lease; a database that is away leaves the lease to run out."""
        free_it = keep_started is not None
        try:
            # Whoever waits for the answer has waited already, perhaps for this very database.
            async with asyncio.timeout(_GIVE_BACK_SECONDS), self._db.unit_of_work() as uow:
                tag = "DELETE 0"
                if free_it:
                    tag = await uow.execute(
                        f"DELETE FROM {TABLE}" + _MINE + " AND step IS NULL",  # noqa: S608 - a constant
                        *_identity(run),
                        run.attempt,
                    )
                if tag == "DELETE 0":
                    await uow.execute(
                        f"UPDATE {TABLE} SET lease_until = clock_timestamp()" + _MINE,  # noqa: S608 - a constant
                        *_identity(run),
                        run.attempt,
                    )
        except Exception:  # the failure of the work is what the caller must hear of
            _logger.exception("the lease of a key of scope %s could not be given back", run.scope)


async def claim_of(request: Request[Any, Any, Any], scope: str) -> Claim:
    """The claim that ``request`` makes; raises :class:`IdempotencyKeyRequired` without a key."""
    key = request.headers.get("idempotency-key")
    if key is None:
        message = "Send an Idempotency-Key, such as a UUID, so that a retry does nothing twice."
        raise IdempotencyKeyRequired(message)
    if not _KEY.match(key):
        message = "Use 1 to 255 letters, digits and . _ : + / = @ - for the Idempotency-Key."
        raise IdempotencyKeyInvalid(message)
    digest = hashlib.sha256(f"{request.method} {request.scope['path']}\n".encode())
    digest.update(request.scope["query_string"] + b"\n")
    digest.update(await request.body())
    return Claim(scope=scope, subject=_subject(request), key=key, request_hash=digest.digest())


async def idempotent(request: Request[Any, Any, Any], *, scope: str, work: Work) -> Response[Any]:
    """Answer ``request`` by ``work``, once per ``Idempotency-Key``.

    ``scope`` names the kind of work, such as ``refunds``. A client that hangs up cancels nothing: the
    work goes on and its answer waits for the retry.
    """
    keys: Idempotency = request.app.state[IDEMPOTENCY]
    claim = await claim_of(request, scope)
    return (await to_the_end(keys.execute(claim, work))).to_response()


async def to_the_end(work: Coroutine[Any, Any, Answer]) -> Answer:
    """The answer of ``work``, which goes on although its caller is cancelled."""
    task = asyncio.ensure_future(work)
    _running.add(task)
    task.add_done_callback(_finished)
    return await asyncio.shield(task)


_running: set[asyncio.Task[Answer]] = set()


def _finished(task: asyncio.Task[Answer]) -> None:
    """Drop the reference, and look at the outcome, so that nobody complains it was never looked at."""
    _running.discard(task)
    if not task.cancelled():
        task.exception()


def _subject(request: Request[Any, Any, Any]) -> str:
    principal = principal_of(request)
    if principal.kind is not PrincipalKind.GUEST:
        return f"{principal.kind}:{principal.id}"
    for name in ("x-order-token", "x-cart-token"):
        token = request.headers.get(name)
        if token:
            return "token:" + hashlib.sha256(token.encode()).hexdigest()[:32]
    return "guest"


def _identity(one: Claim | IdempotentRun) -> tuple[str, str, str]:
    return one.scope, one.subject, one.key


def _check_owner(tag: str) -> None:
    if tag.endswith(" 0"):
        message = "Another execution has taken this key over."
        raise KeyInFlight(message, retry_after=LEASE_SECONDS)


_MINE: Final = (
    " WHERE scope = $1 AND subject = $2 AND key = $3 AND state = 'running' AND attempt = $4"
)
_CLAIM: Final = f"""
INSERT INTO {TABLE} AS known
    (scope, subject, key, request_hash, state, attempt, work_id, lease_until, created_at)
VALUES ($1, $2, $3, $4, 'running', 1, $5,
    clock_timestamp() + interval '{LEASE_SECONDS} seconds', clock_timestamp())
ON CONFLICT (scope, subject, key) DO UPDATE
    SET attempt = known.attempt + 1,
        lease_until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
    WHERE known.state = 'running' AND known.lease_until <= clock_timestamp()
        AND known.request_hash = excluded.request_hash
RETURNING work_id, step, attempt
"""  # noqa: S608 - a constant
_LOOK: Final = f"""
SELECT request_hash, state, work_id, status, headers, body,
    ceil(extract(epoch FROM lease_until - clock_timestamp()))::int AS wait
FROM {TABLE} WHERE scope = $1 AND subject = $2 AND key = $3
"""  # noqa: S608 - a constant
_ABANDONED: Final = f"""
UPDATE {TABLE} AS known
SET attempt = known.attempt + 1,
    lease_until = clock_timestamp() + interval '{LEASE_SECONDS} seconds'
FROM (
    SELECT scope, subject, key FROM {TABLE}
    WHERE state = 'running'
        AND lease_until < clock_timestamp() - interval '{LEASE_SECONDS} seconds'
        AND (scope = ANY($2::text[]) OR step IS NULL)
    ORDER BY lease_until LIMIT $1 FOR UPDATE SKIP LOCKED
) AS dead
WHERE (known.scope, known.subject, known.key) = (dead.scope, dead.subject, dead.key)
RETURNING known.work_id AS id, known.scope, known.subject, known.key, known.step, known.attempt
"""  # noqa: S608 - a constant
