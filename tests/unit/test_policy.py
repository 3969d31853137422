"""Policies: what a file may say, and how everything that it may not is refused."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from authz.casbin_lines import Line, lines, policy_csv
from authz.decision import DenialMode, Reason
from authz.errors import PolicyInvalid
from authz.packaged import load_seed
from authz.policy import ALWAYS, Effect, PolicySet, Role, Rule, join, parts
from authz.policy_check import policy_set
from authz.policy_file import parse_policy
from authz.questions import FILTERS
from db.catalog_records import CATALOG

GOOD = """
rules = [
  { role = "clerk", on = ["person"], actions = ["read", "filter"], where = "adults & own_state" },
  { role = "clerk", on = ["Enrollee.ssn"], actions = ["read"], where = "always", effect = "deny" },
  { role = "chief", on = ["Enrollee.ssn"], actions = ["filter:eq"], where = "own_state" },
  { role = "chief", on = ["Policy.version"], actions = ["read"], where = "always" },
]

[roles.clerk]
description = "A clerk."
page_limit = 20

[roles.chief]
description = "Chief of the clerks."
page_limit = 50
denial = "refuse"
inherits = ["clerk"]
requires = ["reason"]

[classes]
name = ["Enrollee.firstName", "Enrollee.lastName"]
person = ["name", "Enrollee.dateOfBirth"]

[scopes.own_state]
Enrollee = "submitting_state in principal.state"
Claim = "submitting_state in principal.state"

[scopes.adults]
Enrollee = "date_of_birth <= as_of - 216 months"
"""


def parsed(text: str = GOOD) -> PolicySet:
    return parse_policy(CATALOG, text)


def test_a_file_says_roles_classes_scopes_and_a_rule_for_each_target_and_action() -> None:
    policy = parsed()
    assert policy.roles["clerk"] == Role("clerk", "A clerk.", 20, DenialMode.NULL)
    assert policy.roles["chief"] == Role(
        "chief", "Chief of the clerks.", 50, DenialMode.REFUSE,
        frozenset({"clerk"}), frozenset({"reason"}),
    )  # fmt: skip
    assert policy.classes["person"] == {"name", "Enrollee.dateOfBirth"}
    assert set(policy.scopes["own_state"]) == {"Enrollee", "Claim"}
    assert set(policy.rules) == {
        Rule("clerk", "person", "read", "adults&own_state", Effect.ALLOW),
        Rule("clerk", "person", "filter", "adults&own_state", Effect.ALLOW),
        Rule("clerk", "Enrollee.ssn", "read", ALWAYS, Effect.DENY),
        Rule("chief", "Enrollee.ssn", "filter:eq", "own_state", Effect.ALLOW),
        Rule("chief", "Policy.version", "read", ALWAYS, Effect.ALLOW),
    }
    assert policy.requires("chief") == {"reason"}
    assert policy.requires("clerk") == frozenset()


def test_a_role_requires_what_those_that_it_inherits_require() -> None:
    text = GOOD.replace("page_limit = 20", 'page_limit = 20\nrequires = ["agreement"]')
    assert parsed(text).requires("chief") == {"agreement", "reason"}


CHANGES: dict[str, tuple[str | re.Pattern[str], str, str]] = {
    "a key of the file": ("[classes]", "[clases]\n[classes]", "unknown key 'clases'; did you mean"),
    "a key of a rule": ('where = "own_state" }', 'where = "own_state", efect = "deny" }',
                        "the file, rules 3: unknown key 'efect'; did you mean 'effect'?"),
    "a key of a role": ("page_limit = 20", "page_limit = 20\npages = 2", "unknown key 'pages'"),
    "no condition": (', where = "own_state" }', " }", "'where' is missing"),
    "no roles": (re.compile(r"\[roles.*?\[classes", re.DOTALL), "[classes", "'roles' is missing"),
    "a role": ('role = "chief", on = ["Enrollee.ssn"]', 'role = "cheif", on = ["Enrollee.ssn"]',
               "unknown role 'cheif'; did you mean 'chief'?"),
    "a coordinate": ('on = ["Enrollee.ssn"], actions = ["filter:eq"]',
                     'on = ["Enrollee.sssn"], actions = ["filter:eq"]',
                     "unknown coordinate or class 'Enrollee.sssn'; did you mean 'Enrollee.ssn'?"),
    "a class": ('"person"', '"persons"', "unknown coordinate or class 'persons'; did you mean "
                "'person'?"),
    "a member": ('"Enrollee.lastName"', '"Enrollee.lastname"',
                 "class 'name': unknown coordinate or class 'Enrollee.lastname'; did you mean "
                 "'Enrollee.lastName'?"),
    "an action": ('"read", "filter"', '"reed", "filter"', "unknown action 'reed'; did you mean"),
    "an operator": ("filter:eq", "filter:eqq", "unknown action 'filter:eqq'; did you mean "
                    "'filter:eq'?"),
    "an operator that is only a negation": ("filter:eq", "filter:isNotNull",
                                            "unknown action 'filter:isNotNull'"),
    "an operator that nothing there offers": ("filter:eq", "filter:has",
                                              "no filter there offers 'filter:has'"),
    "an effect": ('"deny"', '"Deny"', "unknown effect 'Deny'; did you mean 'deny'?"),
    "a scope": ('"own_state" }', '"own_sate" }', "unknown scope 'own_sate'; did you mean "
                "'own_state'?"),
    "a scope in a conjunction": ("adults & own_state", "adults & own_sate",
                                 "unknown scope 'own_sate'"),
    "an anchor": ("Claim = ", "Clam = ", "scope 'own_state': unknown anchor 'Clam'; did you mean "
                  "'Claim'?"),
    "an entity that is no anchor": ("Claim = ", "HomeAddress = ", "unknown anchor 'HomeAddress'"),
    "a scope's text": ("as_of - 216", "asof - 216", "scope 'adults' on Enrollee: character 18"),
    "a scope without that anchor": ('"Enrollee.lastName"', '"Claim.icn"',
                                    "scope 'adults' has no meaning on Claim, as Claim.icn needs"),
    "a scope where there are no rows": ('["Policy.version"], actions = ["read"], where = "always"',
                                        '["Policy.version"], actions = ["read"], where = "adults"',
                                        "Policy.version has no rows, so only 'always' holds"),
    "always and more": ("adults & own_state", "adults & always", "'where' is 'always', or"),
    "half a conjunction": ("adults & own_state", "adults &", "'where' is 'always', or"),
    "a scope twice": ("adults & own_state", "adults & adults", "'where' is 'always', or"),
    "a role that is inherited": ('["clerk"]', '["clark"]', "role 'chief': unknown role 'clark'; "
                                 "did you mean 'clerk'?"),
    "an attribute": ('["reason"]', '["raison"]', "role 'chief': unknown attribute 'raison'; did "
                     "you mean 'reason'?"),
    "a way to deny": ('"refuse"', '"refused"', "unknown denial 'refused'; did you mean 'refuse'?"),
    "a role that inherits itself": ('["clerk"]', '["chief"]', "a cycle: chief → chief"),
    "roles in a circle": ("page_limit = 20", 'page_limit = 20\ninherits = ["chief"]',
                          "roles: a cycle: chief → clerk → chief"),
    "classes in a circle": ('name = ["Enrollee.firstName"', 'name = ["person"',
                            "classes: a cycle: name → person → name"),
    "a class of nothing": ('name = ["Enrollee.firstName", "Enrollee.lastName"]', "name = []",
                           "class 'name' is empty"),
    "a scope of nothing": ('[scopes.adults]\nEnrollee = "date_of_birth <= as_of - 216 months"',
                           "[scopes.adults]", "scope 'adults' is empty"),
    "a rule on nothing": ('["person"]', "[]", "this rule would say nothing"),
    "a rule of no action": ('["filter:eq"]', "[]", "this rule would say nothing"),
    "a rule twice": ("rules = [", 'rules = [\n  { role = "chief", on = ["Policy.version"], actions '
                     '= ["read"], where = "always" },',
                     "rule allow chief read Policy.version: twice"),
    "a target twice": ('["person"]', '["person", "person"]', "'on' says something twice"),
    "a target that is no text": ('["person"]', "[1]", "'on' is not a list of text"),
    "targets that are no list": ('["person"]', '"person"', "'on' is not a list"),
    "rules that are no list": (re.compile(r"rules = \[.*?\n\]", re.DOTALL), "rules = 1",
                               "'rules' is not a list"),
    "a rule that is no table": ("rules = [", "rules = [ 1,", "the file, rules 1 is not a table"),
    "no classes": (re.compile(r"\[classes\].*?\n\n", re.DOTALL), "",
                                  "'classes' is missing"),
    "a page that is no number": ("page_limit = 20", "page_limit = true", "is not a whole number"),
    "a page without rows": ("page_limit = 20", "page_limit = 0", "a page has 1 to 10000 rows"),
    "a page of everything": ("page_limit = 20", "page_limit = 10001", "a page has 1 to 10000 rows"),
    "a blank description": ('"A clerk."', '" "', "'description' is not text"),
    "a description that is no text": ('"A clerk."', "7", "'description' is not text"),
    "a role's name": ("[roles.clerk]", '[roles."Clerk, chief"]', "a name is a-z, 0-9 and _"),
    "a class's name": ("name = [", '"na.me" = [', "class 'na.me': a name is"),
    "a scope's name": ("[scopes.adults]", "[scopes.always]", "scope 'always': a name is"),
    "a name twice": ("[scopes.adults]", "[roles.clerk]", "Cannot declare"),
    "no TOML": ("rules = [", "rules = [[", "Unclosed array"),
    "TOML without a bottom": ("rules = [", "x = " + "[" * 5000 + "]" * 5000 + "\nrules = [",
                              "nested too deep"),
}  # fmt: skip


def changed(text: str, what: str | re.Pattern[str], into: str) -> str:
    """The text with one change, which must be one."""
    found = (
        what.sub(lambda _: into, text, count=1)
        if isinstance(what, re.Pattern)
        else text.replace(what, into, 1)
    )
    assert found != text
    return found


@pytest.mark.parametrize("case", CHANGES)
def test_what_a_policy_does_not_know_it_refuses_and_never_skips(case: str) -> None:
    what, into, problem = CHANGES[case]
    with pytest.raises(PolicyInvalid, match=re.escape(problem)):
        parsed(changed(GOOD, what, into))


def test_a_role_twice_is_refused() -> None:
    clerk = parsed().roles["clerk"]
    with pytest.raises(PolicyInvalid, match="role 'clerk' twice"):
        policy_set(CATALOG, [clerk, clerk], {}, {}, [])


def test_a_condition_in_another_order_is_another_name_and_so_refused() -> None:
    policy = parsed()
    scopes = {name: {"Enrollee": "always"} for name in "abcde"}
    for condition in ("b&a", "a&a"):
        rule = Rule("clerk", "Enrollee.ssn", "read", condition, Effect.ALLOW)
        with pytest.raises(PolicyInvalid, match="is not sorted, or says a scope twice"):
            policy_set(CATALOG, [policy.roles["clerk"]], {}, scopes, [rule])


def test_a_condition_of_too_many_scopes_is_refused() -> None:
    scopes = {name: {"Enrollee": "always"} for name in "abcde"}
    rule = Rule("clerk", "Enrollee.ssn", "read", join("abcde"), Effect.ALLOW)
    with pytest.raises(PolicyInvalid, match="more than 4 scopes"):
        policy_set(CATALOG, [parsed().roles["clerk"]], {}, scopes, [rule])


def nested(depth: int) -> dict[str, frozenset[str]]:
    """Classes within classes: `depth` steps from the coordinate to the outermost."""
    inner = {f"c{n}": frozenset({f"c{n - 1}"}) for n in range(2, depth + 1)}
    return {"c1": frozenset({"Enrollee.ssn"}), **inner}


@pytest.mark.parametrize("depth", [9, 10, 5000])
def test_nesting_deeper_than_casbin_looks_is_refused(depth: int) -> None:
    with pytest.raises(PolicyInvalid, match="classes: more than 8 steps deep"):
        policy_set(CATALOG, [], nested(depth), {}, [])
    roles = [parsed().roles["clerk"]] + [
        replace(
            parsed().roles["clerk"],
            name=f"r{n}",
            inherits=frozenset({f"r{n - 1}" if n else "clerk"}),
        )
        for n in range(min(depth, 12))
    ]
    with pytest.raises(PolicyInvalid, match="roles: more than 8 steps deep"):
        policy_set(CATALOG, roles, {}, {}, [])


def test_names_joined_are_one_name_whatever_their_order() -> None:
    assert join(["b", "a", "b"]) == "a&b"
    assert join([]) == ALWAYS
    assert parts("a&b") == {"a", "b"}
    assert parts(ALWAYS) == frozenset()


def test_every_word_of_a_policy_is_in_its_digest() -> None:
    policy = parsed()
    clerk = policy.roles["clerk"]
    rule = policy.rules[0]
    variants = [
        replace(policy, roles={**policy.roles, "clerk": changed_role})
        for changed_role in (
            replace(clerk, description="Another."),
            replace(clerk, page_limit=21),
            replace(clerk, denial_mode=DenialMode.REFUSE),
            replace(clerk, requires=frozenset({"reason"})),
        )
    ]
    variants += [
        replace(policy, rules=(changed_rule, *policy.rules[1:]))
        for changed_rule in (
            replace(rule, action="update"),
            replace(rule, reason=Reason.ORDER),
            replace(rule, effect=Effect.DENY if rule.effect is Effect.ALLOW else Effect.ALLOW),
        )
    ]
    variants.append(replace(policy, classes={**policy.classes, "name": frozenset({"person"})}))
    variants.append(parsed(GOOD.replace("216", "252")))
    digests = {variant.digest for variant in [policy, *variants]}
    assert len(digests) == 1 + len(variants)


def test_lines_and_blanks_of_the_file_are_not_in_the_digest() -> None:
    assert parsed("# a comment\n" + GOOD.replace("  {", "{")).digest == parsed().digest


def test_the_csv_has_a_line_for_every_rule_role_member_condition_and_operator() -> None:
    assert set(lines(parsed())) == {
        ("p", "clerk", "person", "read", "adults&own_state", "allow"),
        ("p", "clerk", "person", "filter", "adults&own_state", "allow"),
        ("p", "clerk", "Enrollee.ssn", "read", "always", "deny"),
        ("p", "chief", "Enrollee.ssn", "filter:eq", "own_state", "allow"),
        ("p", "chief", "Policy.version", "read", "always", "allow"),
        ("g", "chief", "clerk"),
        ("g2", "Enrollee.firstName", "name"),
        ("g2", "Enrollee.lastName", "name"),
        ("g2", "name", "person"),
        ("g2", "Enrollee.dateOfBirth", "person"),
        ("g3", "adults&own_state", "adults"),
        ("g3", "adults&own_state", "own_state"),
        ("g3", "adults&own_state", "always"),
        ("g3", "adults", "always"),
        ("g3", "own_state", "always"),
        *(("g4", action, "filter") for action in FILTERS),
    }


def test_the_csv_has_the_conjunctions_of_what_allows_and_what_denies() -> None:
    text = GOOD.replace('where = "always", effect = "deny"', 'where = "adults", effect = "deny"')
    conditions = {line[1] for line in lines(parsed(text)) if line[0] == "g3"}
    assert conditions == {"adults", "own_state", "adults&own_state"}


def test_every_token_of_the_seed_is_one_that_every_casbin_reads_alike() -> None:
    policy, _ = load_seed(CATALOG)
    read: list[Line] = [tuple(line.split(",")) for line in policy_csv(policy).splitlines()]
    assert read == list(lines(policy))
    assert all(re.fullmatch(r"[A-Za-z0-9_.&*:-]+", token) for line in read for token in line)


def test_a_name_that_no_csv_should_hold_is_not_exported() -> None:
    policy = parsed()
    odd = replace(policy, rules=(Rule("a,b", "person", "read", ALWAYS, Effect.ALLOW),))
    with pytest.raises(PolicyInvalid, match="'a,b' cannot stand in a CSV"):
        policy_csv(odd)
