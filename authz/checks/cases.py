"""A version against its own tests: what they expect and is not so, or is and they do not. Pure."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from typing import TYPE_CHECKING

from authz import questions
from authz.case_file import check_case, coordinates, expected
from authz.ceiling import effective
from authz.checks.finding import Check, Finding, Severity
from authz.decided import decided
from authz.decision import Allow, Deny, condition
from authz.errors import CaseInvalid
from authz.holds import holds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from authz.case import Case
    from authz.decision import Decision
    from authz.document import Document
    from authz.policy import PolicySet


def failures(document: Document) -> tuple[Finding, ...]:
    """What the tests of a version say against it, each on the decisions of its own instant. A test
    that has no meaning any more fails. Requests that lack what the role needs are refused, so in
    these nothing is allowed."""
    policies: dict[datetime, PolicySet] = {}
    found: list[Finding] = []
    for case in sorted(document.cases, key=lambda each: each.name):
        try:
            check_case(document.policy, case)
        except CaseInvalid as error:
            found.append(Finding(Severity.ERROR, Check.CASE, error.detail, row=case.name))
            continue
        if case.as_of not in policies:
            policies[case.as_of] = effective(document.policy, document.orders, case.as_of)
        found += _failures(policies[case.as_of], case)
    return tuple(found)


def is_withheld(document: Document, failure: Finding) -> bool:
    """Whether a test fails because less is allowed than it expects, and not more."""
    return any(
        (failure.coordinate, failure.action) in expected(document.policy, case)
        for case in document.cases
        if case.name == failure.row and failure.coordinate is not None
    )


def _failures(policy: PolicySet, case: Case) -> Iterator[Finding]:
    wanted = expected(policy, case)
    refusal = _refusal(policy, case)
    table = decided(policy, case.role)
    alike: defaultdict[tuple[str, str], list[str]] = defaultdict(list)
    reasons: dict[tuple[str, str], str] = {}
    held: dict[int, bool] = {}
    for coordinate in sorted(coordinates(policy, case)):
        wrong: dict[str, str] = {}
        for action in questions.actions(policy.catalog, coordinate):
            decision = table.decide(coordinate, action)
            # Few different decisions are behind many questions.
            if id(decision) not in held:
                held[id(decision)] = refusal is None and _holds(case, decision)
            if held[id(decision)] is ((coordinate, action) in wanted):
                continue
            wrong[action] = "may not" if (coordinate, action) in wanted else "may"
            if isinstance(decision, Deny):
                reasons[wrong[action], action] = decision.reason.value
        for action, kind in wrong.items():
            # What fails for filtering at all is not said of each operator again.
            if wrong.get(questions.parent(action) or "") != kind:
                alike[kind, action].append(coordinate)
    for (kind, action), found in alike.items():
        why = refusal or reasons.get((kind, action), "the row does not meet the condition")
        told = f"and should ({why})" if kind == "may not" else "and should not"
        more = f" and {len(found) - 1} more" if len(found) > 1 else ""
        yield Finding(
            Severity.ERROR,
            Check.CASE,
            f"case '{case.name}': {case.role} {kind} {action} {found[0]}{more}, {told}",
            case.role,
            found[0],
            action,
            case.name,
        )


def _holds(case: Case, decision: Decision) -> bool:
    if case.row is None:
        return isinstance(decision, Allow)
    return holds(condition(decision), case.row, case.attributes, case.as_of.date())


def _refusal(policy: PolicySet, case: Case) -> str | None:
    """Why a request as in a test is refused whatever it asks of records; None where it is not."""
    if case.row is None:
        return None
    required = decided(policy, case.role).reads | policy.requires(case.role)
    if missing := sorted(required - case.attributes.keys()):
        return f"the request lacks {', '.join(missing)}"
    if "until" in required:
        (until,) = case.attributes.lists["until"]
        if datetime.fromisoformat(until) <= case.as_of:
            return "the time of this access has ended"
    return None
