"""Has an answer made under the head. Knows that a policy can be too old; not what an answer is."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, TypeVar

from authz.follower import Cause
from db.errors import FieldwardError, FloorDrift, PrivilegeMissing, StalePolicy

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable
    from datetime import datetime

    from authz.follower import Follower
    from authz.snapshot import Snapshot

T = TypeVar("T")

MOST_TRIES: Final = 8
"""One is enough unless a policy is committed between reading the head and asking under it, each
time anew: docs/freshness.md has how often."""


async def under_head(
    policy: Follower,
    as_of: datetime,
    answer: Callable[[Snapshot], Awaitable[T]],
    role: Callable[[], str],
) -> T:
    """What `answer` makes of a snapshot that is the head when it does.

    A refusal rests on the policy as an answer does, so the head is looked at before one goes out.
    `role` says whose decisions are needed, once `answer` has begun. Raises what `answer` and
    `catch_up` raise; StalePolicy when each snapshot was too old; FloorDrift when PostgreSQL refuses
    a role what the head gives it.
    """
    try:
        snapshot = policy.current(as_of)
    except FloorDrift:
        raise
    except FieldwardError:
        # An order that begins by now forbids what is held; the head may be another one.
        snapshot = await policy.catch_up(as_of, Cause.REFUSAL)
    settled = False  # whether the head was this very snapshot's after a statement was refused
    for _ in range(MOST_TRIES):
        try:
            return await answer(snapshot)
        except StalePolicy:
            newer = await policy.catch_up(as_of, Cause.STALE, role())
        except PrivilegeMissing:
            newer = await policy.catch_up(as_of, Cause.PRIVILEGE, role())
            if settled and newer.number == snapshot.number:
                raise FloorDrift(
                    f"{role()} was refused what the policy in force gives it"
                ) from None
            settled = newer.number == snapshot.number
        except FieldwardError as error:
            if error.status >= 500:
                raise
            newer = await policy.catch_up(as_of, Cause.REFUSAL, role())
            if newer.number == snapshot.number:
                raise
        snapshot = newer
    raise StalePolicy
