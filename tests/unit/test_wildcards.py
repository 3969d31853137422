"""Wildcards: classes that follow from the catalog, to Casbin and to the store like any other."""

from __future__ import annotations

import pytest

from authz import questions
from authz.casbin_lines import lines
from authz.decision import Allow, Deny
from authz.enforcer import decision_set, enforcer_for
from authz.errors import OrderInvalid, PolicyInvalid
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule
from authz.policy_check import policy_set
from authz.store import document_of, read_document
from authz.wildcards import is_wildcard, wildcards
from db.catalog_records import CATALOG
from tests.properties.policies import FLAGS, SMALL, role
from tests.unit.test_ceiling import ORDER, order

ONE = role("one")


def policy(
    *rules: Rule, classes: dict[str, frozenset[str]] | None = None, roles: tuple[Role, ...] = (ONE,)
) -> PolicySet:
    return policy_set(CATALOG, roles, classes or {}, {}, rules)


def rule(on: str, effect: Effect = Effect.ALLOW, action: str = "read") -> Rule:
    return Rule("one", on, action, ALWAYS, effect)


def readable(given: PolicySet) -> set[str]:
    table = decision_set(given, "one").table
    return {
        name for (name, action), found in table.items() if action == "read" and found == Allow()
    }


def test_a_type_stands_for_all_of_its_coordinates_and_for_no_other() -> None:
    own = {name for name in questions.coordinates(CATALOG) if name.startswith("Enrollee.")}
    assert readable(policy(rule("Enrollee.*"))) == own
    assert "EnrolleeConnection.totalCount" not in own


def test_the_star_stands_for_everything() -> None:
    assert readable(policy(rule("*"))) == questions.coordinates(CATALOG)


def test_every_coordinate_is_in_the_star_and_in_its_type_alone() -> None:
    found = wildcards(CATALOG)
    everything = found.pop("*")
    assert everything == questions.coordinates(CATALOG)
    assert sum(len(members) for members in found.values()) == len(everything)
    assert all(is_wildcard(name) for name in found)
    assert not any(is_wildcard(name) for name in everything)


def test_a_deny_of_a_wildcard_wins_and_holds_in_classes() -> None:
    classes = {"inner": frozenset({"Claim.*"}), "outer": frozenset({"inner"})}
    given = policy(rule("*"), rule("outer", Effect.DENY), classes=classes)
    assert {
        name.partition(".")[0] for name in questions.coordinates(CATALOG) - readable(given)
    } == {"Claim"}
    assert isinstance(decision_set(given, "one").decide("Claim.icn", "read"), Deny)


def test_casbin_sees_plain_links() -> None:
    given = policy(rule("Plan.*"), rule("*", Effect.DENY, "sort"))
    said = set(lines(given))
    assert ("g2", "Plan.name", "Plan.*") in said
    assert ("g2", "Enrollee.ssn", "*") in said
    assert ("g2", "Enrollee.ssn", "Enrollee.*") not in said
    casbin = enforcer_for(given)
    assert casbin.enforce("one", "Plan.name", "read", ALWAYS)
    assert not casbin.enforce("one", "Enrollee.ssn", "read", ALWAYS)


def test_only_what_is_mentioned_is_a_class() -> None:
    assert set(policy(rule("Plan.*")).classes) == {"Plan.*"}
    assert policy(rule("Plan.name")).classes == {}


def test_a_policy_is_stored_without_them_and_read_back_with_them() -> None:
    given = policy(rule("*"), classes={"money": frozenset({"Claim.*"})})
    text = document_of(given, ())
    assert '"classes":{"money":["Claim.*"]}' in text
    again = read_document(text, CATALOG).policy
    assert again.digest == given.digest
    assert set(again.classes) == {"*", "Claim.*", "money"}


def test_a_coordinate_that_is_new_is_in_them() -> None:
    given = policy_set(SMALL, [ONE], {}, {}, [rule("Enrollee.*")])
    read = read_document(document_of(given, ()), CATALOG).policy
    assert given.classes["Enrollee.*"] == {f"Enrollee.{name}" for name in FLAGS}
    assert read.classes["Enrollee.*"] == wildcards(CATALOG)["Enrollee.*"]


def test_a_policy_can_be_made_of_the_classes_of_another() -> None:
    given = policy(rule("Plan.*"))
    again = policy_set(CATALOG, [ONE], given.classes, {}, [rule("Plan.*", action="sort")])
    assert set(again.classes) == {"Plan.*"}
    assert policy_set(CATALOG, [ONE], given.classes, {}, []).classes == {}


@pytest.mark.parametrize("name", ["Plan.*", "*", "Shoe.*"])
def test_a_policy_does_not_say_what_a_wildcard_stands_for(name: str) -> None:
    with pytest.raises(PolicyInvalid, match="a name is a-z"):
        policy(classes={name: frozenset({"Plan.name"})})


@pytest.mark.parametrize("name", ["Enrolee.*", "enrollee.*", "Enrollee*", "**", "Enrollee.f*"])
def test_an_unknown_wildcard_is_refused(name: str) -> None:
    with pytest.raises(PolicyInvalid, match="unknown coordinate or class"):
        policy(rule(name))
    with pytest.raises(PolicyInvalid, match="unknown coordinate or class"):
        policy(classes={"some": frozenset({name})})


def test_the_nearest_wildcard_is_named() -> None:
    with pytest.raises(PolicyInvalid, match=r"did you mean 'Enrollee\.\*'"):
        policy(rule("Enrolle.*"))


@pytest.mark.parametrize("name", ["*", "Enrollee.*"])
def test_an_order_names_no_wildcard(name: str) -> None:
    with pytest.raises(OrderInvalid, match="unknown coordinate"):
        order(ORDER.replace("Enrollee.medicaidId", name))
