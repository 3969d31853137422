"""A written policy goes out as Casbin and comes back; what could mean another is refused."""

from __future__ import annotations

import os
from dataclasses import replace
from random import Random
from types import MappingProxyType

import pytest

from authz.casbin_import import imported
from authz.casbin_lines import policy_csv
from authz.ceiling import effective
from authz.document import Document
from authz.enforcer import MODEL
from authz.errors import CasbinInvalid, CasbinModelOther, PolicyInvalid
from authz.packaged import load_seed
from authz.policy import Effect, PolicySet, Rule
from authz.policy_check import policy_set
from authz.snapshot import take
from authz.store import text_of
from db.catalog_records import CATALOG
from db.errors import FieldwardError
from tests.properties.policies import DAY, SCOPES, SMALL, random_order, random_policy, role

POLICIES = int(os.environ.get("FIELDWARD_CASES", "300")) // 5
SEED = int(os.environ.get("FIELDWARD_SEED", "20260106"))


def emptied(policy: PolicySet) -> PolicySet:
    """The roles and scopes of a policy: what no CSV says."""
    return replace(
        policy,
        roles={name: replace(role, inherits=frozenset()) for name, role in policy.roles.items()},
        classes={},
        rules=(),
    )


def test_the_seed_policy_comes_back_whole_into_a_version_that_has_no_rules() -> None:
    policy, orders = load_seed(CATALOG)
    document = Document(policy, orders, assignments=MappingProxyType({"a": frozenset({"auditor"})}))
    bare = replace(document, policy=emptied(policy))
    found = imported(bare, MODEL, policy_csv(policy))
    assert found == document
    assert text_of(found) == text_of(document)


def test_random_policies_come_back_whole() -> None:
    dice = Random(SEED)
    for _ in range(POLICIES):
        policy = random_policy(dice)
        document = Document(policy, (random_order(dice, policy),))
        found = imported(replace(document, policy=emptied(policy)), MODEL, policy_csv(policy))
        assert found == document
        assert found.policy.digest == policy.digest


def test_a_line_less_is_another_policy_or_none() -> None:
    """No line is without meaning: without it, a file is refused or says something else."""
    dice = Random(SEED)
    for _ in range(POLICIES):
        policy = random_policy(dice)
        lines = policy_csv(policy).splitlines(keepends=True)
        missing = dice.randrange(len(lines))
        csv = "".join(lines[:missing] + lines[missing + 1 :])
        try:
            found = imported(Document(emptied(policy)), MODEL, csv)
        except FieldwardError:
            continue
        assert lines[missing].startswith(("p,", "g,", "g2,"))
        assert found.policy.digest != policy.digest


def test_an_effective_policy_is_not_taken_for_the_written_one() -> None:
    policy, orders = load_seed(CATALOG)
    csv = policy_csv(take(policy, orders, DAY).policy)
    with pytest.raises(CasbinInvalid) as refused:
        imported(Document(policy, orders), MODEL, csv)
    assert "this is the effective policy, with orders in it" in refused.value.detail
    dice = Random(SEED)
    for _ in range(POLICIES // 4):
        policy = random_policy(dice)
        csv = policy_csv(effective(policy, [random_order(dice, policy)], DAY))
        with pytest.raises(CasbinInvalid, match="court order"):
            imported(Document(policy), MODEL, csv)


RULES = [
    Rule("one", "names", "read", "a&b", Effect.ALLOW),
    Rule("two", "Enrollee.c", "filter:eq", "always", Effect.ALLOW),
    Rule("two", "names", "read", "c", Effect.DENY),
]
CSV = """\
p,one,names,read,a&b,allow
p,two,Enrollee.c,filter:eq,always,allow
p,two,names,read,c,deny
g,two,one
g2,Enrollee.a,names
g2,Enrollee.b,names
"""


def written() -> PolicySet:
    """A small policy, as it is written."""
    classes = {"names": frozenset({"Enrollee.a", "Enrollee.b"})}
    return policy_set(SMALL, [role("one"), role("two", "one")], classes, SCOPES, RULES)


def whole(csv: str) -> str:
    """The lines with those that follow from them in the small policy."""
    return csv + "".join(
        line for line in policy_csv(written()).splitlines(keepends=True) if line[:2] in ("g3", "g4")
    )


def test_blanks_comments_empty_lines_and_returns_mean_nothing() -> None:
    loose = "# A policy.\r\n\n" + whole(CSV).replace(",", ", ").replace("\n", "  \r\n")
    assert imported(Document(emptied(written())), MODEL, loose).policy == written()
    assert imported(Document(written()), MODEL, "\n".join(reversed(whole(CSV).split("\n")))) == (
        Document(written())
    )


def test_a_model_in_other_words_is_the_same_model() -> None:
    lines = [line.strip() for line in MODEL.splitlines() if not line.startswith("#")]
    tight = "\r\n".join(line.replace(" ", "") for line in lines) + "\n# the end"
    assert imported(Document(written()), tight, whole(CSV)) == Document(written())


def test_wildcards_follow_from_the_catalog_and_not_from_a_file() -> None:
    everywhere = Rule("one", "Enrollee.*", "read", "a", Effect.ALLOW)
    policy = replace(written(), rules=(everywhere,), classes={})
    policy = policy_set(SMALL, policy.roles.values(), {}, SCOPES, policy.rules)
    csv = policy_csv(policy)
    assert imported(Document(written()), MODEL, csv).policy == policy
    for line, text in (
        ("g2,Enrollee.a,Enrollee.*\n", "'g2,Enrollee.a,Enrollee.*' follows from the rules"),
        ("p,one,Enrollee.*,read,a,allow\n", "'g2,Enrollee.a,Enrollee.*' does not follow"),
    ):
        assert line in csv
        with pytest.raises(CasbinInvalid) as refused:
            imported(Document(written()), MODEL, csv.replace(line, "").replace("g3,a,always\n", ""))
        assert text in refused.value.detail


OTHER_MODELS = {
    "nothing": ("[request_definition]\nr = sub, obj, act, cond", "", "[r"),
    "any allow": (" && !some(where (p.eft == deny))", "", "[policy_effect] e differs"),
    "no condition": (" && g3(r.cond, p.cond)", "", "[matchers] m differs"),
    "or": ("&& g3", "|| g3", "[matchers] m differs"),
    "another matcher": ("m = ", "m2 = r.sub == p.sub\nm = ", "[matchers] m2 differs"),
    "two of one": ("m = ", "m = r.sub == p.sub\nm = ", "is no definition, or one given twice"),
    "no definition": ("m = ", "m ", "is no definition"),
    "another section": ("[matchers]", "[matcher]", "[matcher] m differs"),
    "a name in two": ("cond, eft", "co nd, eft", "differs"),
    "hidden": ("m = ", "m = true\u2028m = ", "a character that is not shown"),
    "a return in a comment": ("# c", "# c\rm = true", "a character that is not shown"),
}


@pytest.mark.parametrize("name", OTHER_MODELS)
def test_another_model_is_refused(name: str) -> None:
    old, new, text = OTHER_MODELS[name]
    model = (MODEL + "# c\n").replace(old, new)
    with pytest.raises(CasbinModelOther) as refused:
        imported(Document(written()), model, whole(CSV))
    assert text in refused.value.detail
    assert model != MODEL


BAD = {
    "no such kind": ("g,two,one", "g5,two,one", "line 4: unknown kind of line 'g5'"),
    "no condition": ("read,a&b,allow", "read,allow", "line 1: 4 values; a 'p' line has 5"),
    "one more": ("c,deny", "c,deny,x", "line 3: 6 values; a 'p' line has 5"),
    "quoted": ("g,two,one", 'g,"two",one', "line 4: '\"two\"' cannot stand in a CSV"),
    "empty": ("g,two,one", "g,,one", "line 4: '' cannot stand in a CSV"),
    "comment behind": ("g,two,one", "g,two,one # x", "line 4: 'one # x' cannot stand"),
    "twice": ("g,two,one", "g,two,one\ng, two, one", "line 5 is line 4 again"),
    "hidden": ("g,two,one", "# x\u2028g,two,one", "line 4 has a character that is not shown"),
    "a mark first": ("p,one", "\ufeffp,one", "line 1 has a character that is not shown"),
    "implied by hand": ("g3,a&b,a\n", "g3,a&b,a\ng3,a,c\n", "'g3,a,c' does not follow"),
    "not implied": ("g3,a&b,a\n", "", "'g3,a&b,a' follows from the rules, and is not in the file"),
    "an action by hand": ("g4,", "g4,read,filter\ng4,", "'g4,read,filter' does not follow"),
    "an action lost": ("g4,filter:eq,filter\n", "", "'g4,filter:eq,filter' follows"),
    "of an order": ("names,read,c", "order:two,read,c", "line 3 is about a court order"),
}


@pytest.mark.parametrize("name", BAD)
def test_a_file_that_we_would_not_write_is_refused(name: str) -> None:
    old, new, text = BAD[name]
    assert old in whole(CSV)
    with pytest.raises(CasbinInvalid) as refused:
        imported(Document(written()), MODEL, whole(CSV).replace(old, new, 1))
    assert text in refused.value.detail


UNKNOWN = {
    "role": ("p,one", "p,oone", "line 1: unknown role 'oone'; did you mean 'one'?; a new one has"),
    "inherits": ("g,two,one", "g,two,three", "line 4: unknown role 'three'"),
    "heir": ("g,two,one", "g,three,one", "line 4: unknown role 'three'"),
    "coordinate": ("two,Enrollee.c,", "two,Enrollee.cc,", "did you mean 'Enrollee.c'?"),
    "member": ("g2,Enrollee.b", "g2,Enrolee.b", "did you mean 'Enrollee.b'?"),
    "class": ("two,names", "two,name", "unknown coordinate or class 'name'; did you mean 'names'?"),
    "name of a class": ("g2,Enrollee.a,names", "g2,Enrollee.a,Names", "class 'Names'"),
    "scope": ("read,c,", "read,e,", "unknown scope 'e'"),
    "unsorted": ("a&b,allow", "b&a,allow", "'b&a' is not sorted"),
    "action": ("filter:eq,always", "filter:is,always", "'filter:is'"),
    "effect": ("c,deny", "c,denied", "line 3: unknown effect 'denied'; did you mean 'deny'?"),
    "circle": ("g,two,one", "g,two,one\ng,one,two", "a cycle"),
    "row": ("Enrollee.c,filter:eq,always", "Policy.model,read,a", "has no rows"),
}


@pytest.mark.parametrize("name", UNKNOWN)
def test_what_is_unknown_is_refused_with_the_nearest_that_exists(name: str) -> None:
    old, new, text = UNKNOWN[name]
    assert old in CSV
    with pytest.raises(PolicyInvalid) as refused:
        imported(Document(written()), MODEL, whole(CSV.replace(old, new, 1)))
    assert text in refused.value.detail


def test_what_a_csv_does_not_say_stays_and_what_it_no_longer_says_goes() -> None:
    given = MappingProxyType({"somebody": frozenset({"two"})})
    before = Document(written(), (random_order(Random(1), written()),), assignments=given)
    fewer = replace(
        before.policy, roles=emptied(before.policy).roles, rules=before.policy.rules[1:]
    )
    after = imported(before, MODEL, policy_csv(fewer))
    assert after == replace(before, policy=fewer)
    assert after.policy.roles["two"].inherits == frozenset()
    assert after.policy.roles["one"] == before.policy.roles["one"]
    assert after.policy.scopes == before.policy.scopes
