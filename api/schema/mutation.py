"""What can be changed: the policy and the orders, never by one person alone. No record is near.

Root fields run one after the other. To propose takes `create` on the reason of a change, to move
one on takes `update` on its state; that a change may hold what it holds is decided besides.
"""

from __future__ import annotations

from typing import Annotated, Any

from api.guard import Guard, Opens, guarded_by, record
from api.schema.policy_change import PolicyChange
from api.schema.policy_fields import Edits, RollbackTo, Text, about

_Id = Annotated[int, about("Number of the change.", "id")]
_Reason = Annotated[str, about("Why: it is kept for ever.")]
_Said = "What to say with it."
_Note = Annotated[str | None, about(_Said)]
_Emergency = Annotated[
    bool | None,
    about("Whether one person may commit it, which only a change may be that only narrows."),
]


async def _propose(
    root: Any,
    reason: _Reason,
    edits: Edits = None,
    text: Text = None,
    rollback_to: RollbackTo = None,
    base: Annotated[int | None, about("Number of the version that the author has seen.")] = None,
    emergency: _Emergency = False,
) -> Any:
    return await root.administration.propose(
        root.caller, reason, edits, text, rollback_to, base, emergency=bool(emergency)
    )


async def _approve(root: Any, id_: _Id, note: _Note = "") -> Any:
    return await root.administration.approve(root.caller, id_, note or "")


async def _reject(root: Any, id_: _Id, note: Annotated[str, about(_Said)]) -> Any:
    return await root.administration.reject(root.caller, id_, note)


async def _withdraw(root: Any, id_: _Id, note: _Note = "") -> Any:
    return await root.administration.withdraw(root.caller, id_, note or "")


async def _commit(root: Any, id_: _Id) -> Any:
    return await root.administration.commit(root.caller, id_)


async def _add_order(
    root: Any,
    text: Annotated[str, about("A court order in TOML.")],
    reason: _Reason,
    emergency: _Emergency = False,
) -> Any:
    return await root.administration.add_order(root.caller, text, reason, emergency=bool(emergency))


async def _set_status(
    root: Any,
    name: Annotated[str, about("Name of the order.")],
    status: Annotated[str, about("in_force, stayed, paused, superseded or vacated.")],
    reason: _Reason,
    at: Annotated[
        str | None, about("Instant since which, with its offset from UTC; now unless given.")
    ] = None,
    emergency: _Emergency = False,
) -> Any:
    return await root.administration.set_order_status(
        root.caller, name, status, at, reason, emergency=bool(emergency)
    )


def _field(name: str, opens: Opens, coordinate: str, resolver: Any, text: str) -> Any:
    return guarded_by(
        Guard(opens, coordinate), name=name, resolver=resolver, graphql_type=PolicyChange | None,
        description=text,
    )  # fmt: skip


_PROPOSES = (Opens.CREATE, "PolicyChange.reason")
_MOVES = (Opens.UPDATE, "PolicyChange.state")


@record("Mutation", "What can be changed: policy and court orders.")
class Mutation:
    """Each answers with the change as it then is."""

    policy_propose: Any = _field(
        "policyPropose",
        *_PROPOSES,
        _propose,
        "Proposes a change: edits, a whole policy, or a version to go back to.",
    )
    policy_approve: Any = _field(
        "policyApprove", *_MOVES, _approve, "Approves a change of somebody else's."
    )
    policy_reject: Any = _field("policyReject", *_MOVES, _reject, "Rejects a change.")
    policy_withdraw: Any = _field(
        "policyWithdraw", *_MOVES, _withdraw, "Withdraws a change of one's own."
    )
    policy_commit: Any = _field(
        "policyCommit",
        *_MOVES,
        _commit,
        "Checks a change once more and makes it the policy. It is in force when this answers.",
    )
    order_add: Any = _field(
        "orderAdd", Opens.CREATE, "Order.name", _add_order, "Proposes to put an order on file."
    )
    order_set_status: Any = _field(
        "orderSetStatus", Opens.UPDATE, "Order.status", _set_status,
        "Proposes to say what becomes of an order.",
    )  # fmt: skip
