"""The policy from proposal to commit, through the gateway, as administrators live with it.

One gateway and one database for all of it, which no other test uses: tests run in the order of the
file, and each puts right what it changed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import Any

import pytest

from authz.packaged import load_seed
from db.catalog_records import CATALOG
from tests.database import connected
from tests.gateway import Gateway, gateway_over

ADMINISTRATOR = "policy_administrator"
CAPPED = "immigration_enforcement"
ORDER = "california-v-hhs-2025-12-29"
ANN, BEN = {"sub": "ann@example.org"}, {"sub": "ben@example.org"}

CHANGE = """{ id state base version author approver reason emergency approvalDue
  events { actor event note }
  report { onlyNarrows findings { severity check text role coordinate action row }
    access { role action coordinates before after direction people peopleGained peopleLost }
    settings { what before after direction } replay { operation role } } }"""
PROPOSE = f"""mutation P($reason: String!, $edits: [PolicyEdit!], $text: String, $back: Int,
    $base: Int, $emergency: Boolean) {{
  policyPropose(reason: $reason, edits: $edits, text: $text, rollbackTo: $back, base: $base,
    emergency: $emergency) {CHANGE} }}"""
WIDER = {
    "grant": {
        "role": "front_desk", "on": ["sex"], "actions": ["read"], "where": "own_county"
    }
}  # fmt: skip
NARROWER = {
    "removeRule": {
        "role": "front_desk", "on": ["ssn_last4"], "actions": ["read"], "where": "own_county"
    }
}  # fmt: skip
EXCESS = {
    "grant": {
        "role": CAPPED, "on": ["ssn"], "actions": ["read"], "where": "in_population"
    }
}  # fmt: skip
SEX = "{enrollees(first:3){nodes{sex}}}"
LAST4 = "{enrollees(first:3){nodes{ssnLast4}}}"


@pytest.fixture(scope="module")
async def gateway(seeded: str) -> AsyncIterator[Gateway]:
    """A gateway whose policy the tests of this module change."""
    async with gateway_over(seeded) as made:
        yield made


def codes(answer: dict[str, Any]) -> list[str]:
    return [error["extensions"]["code"] for error in answer.get("errors", ())]


async def propose(gateway: Gateway, *edits: object, **more: object) -> dict[str, Any]:
    """The answer to Ann, who proposes."""
    wanted = {"edits": list(edits) or None, "reason": "a test", **more}
    return await gateway.ask(ADMINISTRATOR, PROPOSE, wanted, **ANN)


async def proposed(gateway: Gateway, *edits: object, **more: object) -> dict[str, Any]:
    """A change that Ann proposed."""
    answer = await propose(gateway, *edits, **more)
    assert "errors" not in answer, answer["errors"]
    change = answer["data"]["policyPropose"]
    assert isinstance(change, dict)
    return change


async def step(
    gateway: Gateway, name: str, change: int, who: dict[str, str], note: str | None = None
) -> dict[str, Any]:
    """The answer to a step: policyApprove, policyReject, policyWithdraw, policyCommit."""
    said = "" if note is None else f", note: {json.dumps(note)}"
    document = f"mutation {{ step: {name}(id: {change}{said}) {CHANGE} }}"
    return await gateway.ask(ADMINISTRATOR, document, **who)


async def committed(gateway: Gateway, *edits: object, **more: object) -> dict[str, Any]:
    """A change that Ann proposed and committed, and that Ben approved."""
    change = (await proposed(gateway, *edits, **more))["id"]
    assert (await step(gateway, "policyApprove", change, BEN))["data"]["step"]["approver"]
    answer = await step(gateway, "policyCommit", change, ANN)
    assert "errors" not in answer, answer["errors"]
    made = answer["data"]["step"]
    assert isinstance(made, dict)
    return made


async def head(gateway: Gateway) -> int:
    answer = await gateway.ask("auditor", "{policy{number}}")
    return int(answer["data"]["policy"]["number"])


async def shows(gateway: Gateway, role: str, document: str) -> bool:
    """Whether something is not denied to a role."""
    answer = await gateway.ask(role, document)
    assert codes(answer) in ([], ["FW120"])
    return not codes(answer)


async def test_two_people_make_a_version_and_the_next_request_is_answered_under_it(
    gateway: Gateway,
) -> None:
    before = await head(gateway)
    assert not await shows(gateway, "front_desk", SEX)
    change = await proposed(gateway, WIDER)
    assert (change["state"], change["base"], change["author"]) == ("proposed", before, ANN["sub"])
    (access,) = change["report"]["access"]
    assert (access["role"], access["coordinates"]) == ("front_desk", ["Enrollee.sex"])
    assert (access["before"], access["direction"]) == ("never", "wider")
    assert not change["report"]["onlyNarrows"]
    assert all(n is None or n == 0 or n >= 11 for n in (access["people"], access["peopleGained"]))
    assert not await shows(gateway, "front_desk", SEX)

    assert codes(await step(gateway, "policyCommit", change["id"], ANN)) == ["FW517"]
    assert codes(await step(gateway, "policyApprove", change["id"], ANN)) == ["FW516"]
    approved = await step(gateway, "policyApprove", change["id"], BEN, "as agreed")
    assert approved["data"]["step"]["state"] == "approved"
    assert not await shows(gateway, "front_desk", SEX)

    done = (await step(gateway, "policyCommit", change["id"], ANN))["data"]["step"]
    assert (done["state"], done["version"]) == ("committed", before + 1)
    assert [(each["event"], each["actor"]) for each in done["events"]] == [
        ("proposed", ANN["sub"]), ("approved", BEN["sub"]), ("committed", ANN["sub"])
    ]  # fmt: skip
    assert await shows(gateway, "front_desk", SEX)
    assert await head(gateway) == before + 1

    again = await step(gateway, "policyCommit", change["id"], ANN)
    assert codes(again) == ["FW515"]
    assert again["data"] == {"step": None}
    assert await head(gateway) == before + 1


async def test_a_version_can_be_gone_back_to(gateway: Gateway) -> None:
    before = await head(gateway)
    made = await committed(gateway, back=before - 1)
    assert made["version"] == before + 1
    assert not await shows(gateway, "front_desk", SEX)
    versions = (
        await gateway.ask(
            "auditor",
            f"{{a:policyVersion(number:{before - 1}){{digest text}}"
            f" b:policyVersion(number:{before + 1}){{digest text author approver reason change}}}}",
        )
    )["data"]
    assert versions["a"]["digest"] == versions["b"]["digest"]
    assert versions["a"]["text"] == versions["b"]["text"]
    assert (versions["b"]["author"], versions["b"]["approver"]) == (ANN["sub"], BEN["sub"])
    assert versions["b"]["change"] == made["id"]
    # A whole policy in TOML, which is what there was before.
    text = (await gateway.ask("auditor", f"{{policyVersion(number:{before}){{text}}}}"))["data"]
    change = await proposed(gateway, text=text["policyVersion"]["text"])
    (access,) = change["report"]["access"]
    assert access["coordinates"] == ["Enrollee.sex"]
    await step(gateway, "policyWithdraw", change["id"], ANN)


async def test_the_second_person_rejects_and_the_first_withdraws(gateway: Gateway) -> None:
    change = (await proposed(gateway, WIDER))["id"]
    assert codes(await step(gateway, "policyReject", change, ANN, "no")) == ["FW516"]
    assert codes(await step(gateway, "policyWithdraw", change, BEN)) == ["FW519"]
    rejected = (await step(gateway, "policyReject", change, BEN, "too wide"))["data"]["step"]
    assert rejected["state"] == "rejected"
    assert rejected["events"][-1] == {
        "actor": BEN["sub"], "event": "rejected", "note": "too wide"
    }  # fmt: skip
    assert codes(await step(gateway, "policyApprove", change, BEN)) == ["FW515"]
    other = (await proposed(gateway, WIDER))["id"]
    withdrawn = await step(gateway, "policyWithdraw", other, ANN)
    assert withdrawn["data"]["step"]["state"] == "withdrawn"
    listed = await gateway.ask("auditor", '{policyChanges(state:"rejected"){id state reason}}')
    assert listed["data"]["policyChanges"] == [
        {"id": change, "state": "rejected", "reason": "a test"}
    ]
    assert codes(await step(gateway, "policyApprove", 10_000, BEN)) == ["FW514"]


async def test_whoever_saw_another_head_is_told_and_open_changes_are_superseded(
    gateway: Gateway,
) -> None:
    before = await head(gateway)
    open_one = (await proposed(gateway, WIDER))["id"]
    await committed(gateway, NARROWER)
    assert codes(await propose(gateway, WIDER, base=before)) == ["FW512"]
    assert codes(await step(gateway, "policyApprove", open_one, BEN)) == ["FW515"]
    await committed(gateway, back=before)


async def test_an_order_refuses_what_exceeds_it_with_a_counterexample(gateway: Gateway) -> None:
    before = await head(gateway)
    change = await proposed(gateway, EXCESS)
    errors = [each for each in change["report"]["findings"] if each["severity"] == "error"]
    assert {(e["check"], e["role"], e["coordinate"], e["action"]) for e in errors} == {
        ("order", CAPPED, "Enrollee.ssn", "read")
    }
    await step(gateway, "policyApprove", change["id"], BEN)
    refused = await step(gateway, "policyCommit", change["id"], BEN)
    (error,) = refused["errors"]
    assert error["path"] == ["step"]
    assert error["extensions"]["code"] == "FW411"
    assert error["extensions"]["findings"][0]["coordinate"] == "Enrollee.ssn"
    assert refused["data"] == {"step": None}
    assert await head(gateway) == before
    assert not await shows(gateway, CAPPED, "{enrollees(first:1){nodes{ssn}}}")


async def test_one_person_commits_an_emergency_that_only_narrows(gateway: Gateway) -> None:
    before = await head(gateway)
    assert codes(await propose(gateway, WIDER, emergency=True)) == ["FW126"]
    assert await shows(gateway, "front_desk", LAST4)
    change = await proposed(gateway, NARROWER, emergency=True)
    assert change["report"]["onlyNarrows"]
    done = (await step(gateway, "policyCommit", change["id"], ANN))["data"]["step"]
    assert (done["state"], done["approver"]) == ("committed", None)
    assert datetime.fromisoformat(done["approvalDue"]) > datetime.now(UTC)
    assert not await shows(gateway, "front_desk", LAST4)
    late = (await step(gateway, "policyApprove", change["id"], BEN))["data"]["step"]
    assert (late["approver"], late["approvalDue"]) == (BEN["sub"], None)
    await committed(gateway, back=before)


async def test_a_change_that_nobody_committed_in_time_is_over(gateway: Gateway) -> None:
    change = (await proposed(gateway, WIDER))["id"]
    async with connected(gateway.owner_url) as owner:
        await owner.execute("alter table fieldward.policy_change disable trigger hold")
        await owner.execute(
            "update fieldward.policy_change set proposed_at = now() - interval '15 days',"
            " expires_at = now() - interval '1 second' where id = $1",
            change,
        )
        await owner.execute("alter table fieldward.policy_change enable trigger hold")
    for name in ("policyApprove", "policyCommit"):
        assert codes(await step(gateway, name, change, BEN)) == ["FW518"]
    seen = await gateway.ask("auditor", f"{{policyChange(id:{change}){{state}}}}")
    assert seen["data"]["policyChange"]["state"] == "expired"


async def test_a_paused_order_closes_at_once_and_opens_again(gateway: Gateway) -> None:
    six = "{enrollees(first:1){nodes{citizenship}}}"
    status = """mutation S($status: String!) { orderSetStatus(name: "california-v-hhs-2025-12-29",
      status: $status, reason: "as the court said", emergency: true) """ + CHANGE + "}"  # fmt: skip
    assert await shows(gateway, CAPPED, six)
    answer = await gateway.ask(ADMINISTRATOR, status, {"status": "paused"}, **ANN)
    change = answer["data"]["orderSetStatus"]
    assert change["report"]["onlyNarrows"]
    assert (await step(gateway, "policyCommit", change["id"], ANN))["data"]["step"]["version"]
    assert not await shows(gateway, CAPPED, six)
    shown = await gateway.ask("auditor", "{orders{name status inForce}}")
    assert shown["data"]["orders"] == [{"name": ORDER, "status": "paused", "inForce": False}]

    wider = await gateway.ask(ADMINISTRATOR, status, {"status": "in_force"}, **ANN)
    assert codes(wider) == ["FW126"]
    opened = {"setOrderStatus": {"name": ORDER, "status": "in_force"}}
    await committed(gateway, opened)
    assert await shows(gateway, CAPPED, six)
    # Going back goes back to the policy of then, never to the orders of then.
    assert codes(await propose(gateway, back=await head(gateway) - 1)) == ["FW127"]


async def test_a_new_order_is_put_on_file(gateway: Gateway) -> None:
    text = """
name = "another"
caption = "A v. B"
court = "A court"
docket = "1"
issued = 2026-01-01
effective = 2026-01-02
role = "actuary"
states = []
history = [{ at = 2026-01-02, status = "in_force" }]
grants = [{ on = ["Enrollee.sex"], actions = ["aggregate"] }]
[population]
scope = "in_population"
Enrollee = "population covers as_of"
"""
    before = await head(gateway)
    document = 'mutation A($text:String!){orderAdd(text:$text,reason:"it arrived")' + CHANGE + "}"
    answer = await gateway.ask(ADMINISTRATOR, document, {"text": text}, **ANN)
    change = answer["data"]["orderAdd"]
    assert change["report"]["access"]
    await step(gateway, "policyApprove", change["id"], BEN)
    done = await step(gateway, "policyCommit", change["id"], BEN)
    assert "errors" not in done, done["errors"]
    count = "{enrolleesAggregate{count}}"
    assert not await shows(gateway, "actuary", count)
    other = text.replace("another", "third") + "x = 1\n"
    wrong = await gateway.ask(ADMINISTRATOR, document, {"text": other}, **ANN)
    assert codes(wrong) == ["FW403"]
    # An order that is on file stays there; what it says of its end is a status.
    assert codes(await propose(gateway, back=before)) == ["FW127"]
    await committed(gateway, {"setOrderStatus": {"name": "another", "status": "vacated"}})


WRONG: list[tuple[dict[str, Any], str, str]] = [
    # What is wanted, the code, a word of what is told of it.
    ({"edits": []}, "FW127", ""),
    ({"edits": None}, "FW114", ""),
    ({"edits": [WIDER], "back": 1}, "FW114", ""),
    ({"edits": [{"grant": {**WIDER["grant"], "on": ["sexx"]}}]}, "FW401", "sex"),
    ({"edits": [{"grant": {**WIDER["grant"], "role": "front_disk"}}]}, "FW401", "front_desk"),
    ({"edits": [{"setScope": {"name": "s", "meanings": [{"anchor": "Plan", "text": "a = 1"}]}}]},
     "FW401", "'a'"),
    ({"text": "rules = 1"}, "FW401", "missing"),
    ({"edits": [{"removeRole": {"name": CAPPED}}]}, "FW417", CAPPED),
    ({"back": 999}, "FW521", ""),
]  # fmt: skip


@pytest.mark.parametrize(("wanted", "code", "told"), WRONG)
async def test_what_cannot_be_meant_is_told_in_words_of_policy(
    gateway: Gateway, wanted: dict[str, Any], code: str, told: str
) -> None:
    answer = await gateway.ask(ADMINISTRATOR, PROPOSE, {"reason": "a test", **wanted}, **ANN)
    assert answer["data"] == {"policyPropose": None}
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["policyPropose"])
    assert told in error["extensions"].get("detail", "")


async def test_an_edit_of_two_keys_or_none_is_no_edit(gateway: Gateway) -> None:
    for edit in ({**WIDER, **NARROWER}, {}, {"grant": None}):
        answer = await propose(gateway, edit)
        assert codes(answer) == ["FW112"]
        assert "data" not in answer
    two = '{removeRole:{name:"a"},removeCase:{name:"b"}}'
    literal = f'mutation{{policyPropose(reason:"r",edits:[{two}]){{id}}}}'
    answer = await gateway.ask(ADMINISTRATOR, literal, **ANN)
    assert set(codes(answer)) <= {"FW110", "FW112"} and answer.get("data") is None
    assert (await gateway.ask("auditor", "{policyChanges(last:1){reason}}"))["data"][
        "policyChanges"
    ][0]["reason"] != "r"


async def test_nothing_is_done_for_whom_it_is_denied(gateway: Gateway) -> None:
    listing = "{policyChanges(last:1){id state}}"
    change = (await proposed(gateway, WIDER))["id"]
    before = await gateway.ask("auditor", listing)
    edits = {"reason": "r", "edits": [WIDER]}
    for role in ("auditor", "front_desk", CAPPED):
        answer = await gateway.ask(role, PROPOSE, edits)
        assert answer["data"] == {"policyPropose": None}
        (error,) = answer["errors"]
        assert error["extensions"] == {"code": "FW120", "coordinate": "Mutation.policyPropose"}
        for name in ("policyApprove", "policyCommit", "policyWithdraw"):
            answer = await gateway.ask(role, f"mutation{{{name}(id:{change}){{id}}}}")
            assert answer["data"] == {name: None}
            assert codes(answer) == ["FW120"]
    assert await gateway.ask("auditor", listing) == before
    for role in ("front_desk", CAPPED):
        answer = await gateway.ask(
            role, "{policyChanges{id} policyStatus{number} policyMatrix{coordinate}}"
        )
        assert set(answer["data"].values()) == {None}
    await step(gateway, "policyWithdraw", change, ANN)


async def test_who_may_edit_policy_and_not_orders_changes_no_order(gateway: Gateway) -> None:
    """What a change holds is decided besides the mutation."""
    before = await head(gateway)
    deny = {
        "deny": {
            "role": ADMINISTRATOR, "on": ["Order.status"], "actions": ["update"], "where": "always"
        }
    }  # fmt: skip
    pause = {"setOrderStatus": {"name": ORDER, "status": "paused"}}
    open_one = await proposed(gateway, pause)
    assert open_one["state"] == "proposed"
    # The seed expects the opposite; who changes a policy changes its tests.
    await committed(gateway, deny, {"removeCase": {"name": "a policy administrator edits policy"}})
    answer = await propose(gateway, pause)
    (error,) = answer["errors"]
    assert error["extensions"] == {
        "code": "FW120", "coordinate": "Order.status", "action": "update"
    }  # fmt: skip
    named = 'mutation{orderSetStatus(name:"x",status:"paused",reason:"r"){id}}'
    assert codes(await gateway.ask(ADMINISTRATOR, named, **ANN)) == ["FW120"]
    await committed(gateway, back=before)


async def test_root_fields_of_a_mutation_run_one_after_the_other(gateway: Gateway) -> None:
    document = """mutation($e: [PolicyEdit!]) {
      a: policyPropose(reason: "one", edits: $e) { id }
      __typename
      b: policyCommit(id: 999999) { id }
      c: policyPropose(reason: "two", edits: $e) { id state }
    }"""
    answer = await gateway.ask(ADMINISTRATOR, document, {"e": [WIDER]}, **ANN)
    assert list(answer["data"]) == ["a", "__typename", "b", "c"]
    assert answer["data"]["__typename"] == "Mutation"
    assert answer["data"]["c"]["id"] == answer["data"]["a"]["id"] + 1
    assert [(e["path"], e["extensions"]["code"]) for e in answer["errors"]] == [(["b"], "FW514")]
    for key in ("a", "c"):
        await step(gateway, "policyWithdraw", answer["data"][key]["id"], ANN)


async def test_a_mutation_by_get_is_refused_and_does_nothing(gateway: Gateway) -> None:
    listing = "{policyChanges(last:1){id}}"
    before = await gateway.ask("auditor", listing)
    document = 'mutation($e:[PolicyEdit!]){policyPropose(reason:"by GET",edits:$e){id}}'
    headers = {"Authorization": f"Bearer {gateway.token(ADMINISTRATOR)}"}
    variables = json.dumps({"e": [WIDER]})
    for _ in range(2):
        for accept in ("application/json", "application/graphql-response+json"):
            answer = await gateway.client.get(
                "/graphql",
                params={"query": document, "variables": variables},
                headers={**headers, "Accept": accept},
            )
            assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
            assert codes(answer.json()) == ["FW104"]
        assert await gateway.ask("auditor", listing) == before
        # The same document by POST is done; by GET it is refused after that as before.
        made = await gateway.ask(ADMINISTRATOR, document, {"e": [WIDER]}, **ANN)
        await step(gateway, "policyWithdraw", made["data"]["policyPropose"]["id"], ANN)
        before = await gateway.ask("auditor", listing)


async def test_records_and_policy_in_one_query_keep_the_order_of_the_document(
    gateway: Gateway,
) -> None:
    document = """{ a: policyVersions(last: 1) { number } enrollees(first: 1) { nodes { sex } }
      policyStatus { number } viewer { actingRole } z: plans(first: 1) { nodes { name } } }"""
    answer = await gateway.ask("eligibility_supervisor", document)
    assert list(answer["data"]) == ["a", "enrollees", "policyStatus", "viewer", "z"]
    assert answer["data"]["a"] is None and answer["data"]["policyStatus"] is None
    assert answer["data"]["enrollees"]["nodes"]
    assert codes(answer) == ["FW120", "FW120"]


async def test_questions_are_answered_from_the_policy_of_a_moment(gateway: Gateway) -> None:
    before = await head(gateway)
    moment = datetime.now(UTC).isoformat()
    await committed(gateway, WIDER)
    document = """query($t: String) {
      e: policyExplain(role: "front_desk", coordinate: "Enrollee.sex", asOf: $t) {
        decision allowed condition reason orders rules { role object effect condition holds } }
      w: policyWhoCan(coordinate: "Enrollee.sex", asOf: $t) { role condition meaning subjects }
      m: policyMatrix(roles: ["front_desk", "actuary"], coordinates: ["Enrollee.sex"], asOf: $t) {
        coordinate cells { role condition } } }"""
    now = (await gateway.ask("auditor", document))["data"]
    assert now["e"]["decision"] == "allow where" and now["e"]["condition"] == "own_county"
    assert [rule["object"] for rule in now["e"]["rules"]] == ["sex"]
    assert "front_desk" in {each["role"] for each in now["w"]}
    assert {c["role"]: c["condition"] for c in now["m"][0]["cells"]}["front_desk"] == "own_county"
    then = (await gateway.ask("auditor", document, {"t": moment}))["data"]
    assert then["e"]["decision"] == "deny" and then["e"]["rules"] == []
    assert "front_desk" not in {each["role"] for each in then["w"]}
    assert {c["role"]: c["condition"] for c in then["m"][0]["cells"]} == {
        "front_desk": "", "actuary": ""
    }  # fmt: skip
    row = {"entity": "Enrollee", "home_address": {"county": "06037"}}
    on_a_row = """query($a: String, $r: String) { policyExplain(role: "front_desk",
      coordinate: "Enrollee.sex", attributes: $a, row: $r) { decision allowed } }"""
    for county, allowed in (("06037", True), ("06001", False)):
        variables = {"a": json.dumps({"county": [county]}), "r": json.dumps(row)}
        answer = await gateway.ask("auditor", on_a_row, variables)
        assert answer["data"]["policyExplain"]["allowed"] is allowed
    compared = (
        f"{{policyCompare(before:{before},after:{before + 1}){{onlyNarrows access{{role}}}}}}"
    )
    diff = (await gateway.ask("auditor", compared))["data"]["policyCompare"]
    assert diff == {"onlyNarrows": False, "access": [{"role": "front_desk"}]}
    await committed(gateway, back=before)


QUESTIONS = [
    ('policyExplain(role:"x",coordinate:"Enrollee.sex"){decision}', "FW114"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sexx"){decision}', "FW422"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",action:"reed"){decision}', "FW422"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",row:"x"){decision}', "FW114"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",row:"{}"){decision}', "FW414"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",attributes:"[]"){decision}', "FW114"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",attributes:"{\\"x\\":1}"){decision}',
     "FW114"),
    ('policyWhoCan(coordinate:"Enrollee.sex",asOf:"yesterday"){role}', "FW114"),
    ('policyWhoCan(coordinate:"Enrollee.sex",asOf:"2001-01-01"){role}', "FW521"),
    ('policyMatrix(roles:["x"]){coordinate}', "FW114"),
    ("policyVersions(last:1000){number}", "FW114"),
    ("policyChanges(last:0){id}", "FW114"),
    ('policyChanges(state:"propsed"){id}', "FW114"),
    ('policyExplain(role:"actuary",coordinate:"Enrollee.sex",attributes:"{\\"npi\\":1}"){decision}',
     "FW114"),
    ("policyVersion(number:999){number}", "FW521"),
    ("policyCompare(before:1,after:999){onlyNarrows}", "FW521"),
]  # fmt: skip


@pytest.mark.parametrize(("field", "code"), QUESTIONS)
async def test_a_question_that_means_nothing_is_refused_in_its_place(
    gateway: Gateway, field: str, code: str
) -> None:
    answer = await gateway.ask("auditor", f"{{a: {field} viewer {{ subject }}}}")
    assert answer["data"] == {"a": None, "viewer": {"subject": "demo-auditor"}}
    (error,) = answer["errors"]
    assert (error["extensions"]["code"], error["path"]) == (code, ["a"])


async def test_trying_says_what_proposing_would_and_keeps_nothing(gateway: Gateway) -> None:
    listing = "{policyChanges(last:1){id}}"
    before = await gateway.ask("auditor", listing)
    document = """query($e: [PolicyEdit!]) { policyTry(edits: $e) { onlyNarrows
      findings { severity coordinate } access { role coordinates after people peopleGained } } }"""
    answer = await gateway.ask("auditor", document, {"e": [EXCESS]})
    report = answer["data"]["policyTry"]
    assert {"severity": "error", "coordinate": "Enrollee.ssn"} in report["findings"]
    assert all(each["people"] is None for each in report["access"])
    assert await gateway.ask("auditor", listing) == before


async def test_the_policy_says_what_is_kept_beside_its_rules(gateway: Gateway) -> None:
    before = await head(gateway)
    kept = """{policy{number assignments{subject roles} invariants{name why roles on actions}
      cases{name}}}"""
    await committed(gateway, {"assign": {"subject": "jo@example.org", "roles": ["auditor"]}})
    shown = (await gateway.ask("auditor", kept))["data"]["policy"]
    assert shown["assignments"] == [{"subject": "jo@example.org", "roles": ["auditor"]}]
    # Who holds a role by assignment may act in it.
    asked = {"sub": "jo@example.org", "roles": []}
    answer = await gateway.ask("front_desk", "{viewer{actingRole roles}}", **asked)
    assert answer["data"]["viewer"] == {"actingRole": "auditor", "roles": ["auditor"]}
    await committed(gateway, back=before)
    assert (await gateway.ask("auditor", kept))["data"]["policy"]["assignments"] == []


async def test_the_status_names_the_head_and_what_a_change_needs(gateway: Gateway) -> None:
    document = "{policyStatus{number approvals workers{name number current} overdue{number}}}"
    status = (await gateway.ask("auditor", document))["data"]["policyStatus"]
    assert (status["number"], status["approvals"], status["overdue"]) == (
        await head(gateway), 2, []
    )  # fmt: skip


async def test_what_clients_sent_is_held_against_what_is_proposed(gateway: Gateway) -> None:
    """Noted every few seconds, so it is waited for; without the value that was sent with it."""
    sent = """query Who($n: String!) {
      enrollees(first: 1, where: { lastName: { eq: $n } }) { nodes { ssnLast4 } } }"""
    await gateway.ask("front_desk", sent, {"n": "Nobodyhasthisname"})
    document = """query($e: [PolicyEdit!]) { policyTry(edits: $e) {
      replay { operation role before after opens breaks seen } } }"""
    edits = {"e": [NARROWER]}
    async with asyncio.timeout(30):
        while True:
            answer = await gateway.ask("auditor", document, edits)
            found = [
                each for each in answer["data"]["policyTry"]["replay"] if each["operation"] == "Who"
            ]
            if found:
                break
            await asyncio.sleep(0.2)
    assert found == [
        {
            "operation": "Who", "role": "front_desk", "before": "answered",
            "after": "answered with nulls", "opens": [], "breaks": ["Enrollee.ssnLast4 read"],
            "seen": 1,
        }
    ]  # fmt: skip
    assert "Nobodyhasthisname" not in json.dumps(answer)


async def test_an_emergency_that_nobody_approved_in_time_is_named(gateway: Gateway) -> None:
    before = await head(gateway)
    document = "{policyStatus{overdue{number author approvalDue}}}"
    change = (await proposed(gateway, NARROWER, emergency=True))["id"]
    await step(gateway, "policyCommit", change, ANN)
    assert (await gateway.ask("auditor", document))["data"]["policyStatus"]["overdue"] == []
    async with connected(gateway.owner_url) as owner:
        await owner.execute("alter table fieldward.policy_change disable trigger hold")
        await owner.execute(
            "update fieldward.policy_change set approval_due = now() - interval '1 second'"
            " where id = $1",
            change,
        )
        await owner.execute("alter table fieldward.policy_change enable trigger hold")
    (late,) = (await gateway.ask("auditor", document))["data"]["policyStatus"]["overdue"]
    assert (late["number"], late["author"]) == (before + 1, ANN["sub"])
    assert "errors" not in await step(gateway, "policyApprove", change, BEN)
    assert (await gateway.ask("auditor", document))["data"]["policyStatus"]["overdue"] == []
    await committed(gateway, back=before)


async def test_no_value_of_a_record_is_in_what_the_policy_answers(gateway: Gateway) -> None:
    async with connected(gateway.owner_url) as owner:
        values = await owner.fetch(
            "select e.msis_identification_num, v.ssn from medicaid.enrollee e"
            " join medicaid.variable_demographics v using (enrollee_id)"
        )
    secrets = {str(value) for row in values for value in row if value is not None}
    assert len(secrets) > 100
    changes = await gateway.ask(
        "auditor", f"{{policyChanges(last:100){CHANGE} policyVersions{{number reason}}}}"
    )
    text = json.dumps(changes)
    assert len(changes["data"]["policyChanges"]) > 10
    assert not [secret for secret in secrets if f'"{secret}"' in text]


async def test_the_seed_is_what_it_was(gateway: Gateway) -> None:
    """Each test above put right what it changed, so none rests on another's mistake."""
    policy, _ = load_seed(CATALOG)
    shown = await gateway.ask("auditor", "{policy{digest}}")
    assert shown["data"]["policy"]["digest"] == policy.digest


@pytest.mark.parametrize(
    "document",
    [
        "query($x:String!){policyWhoCan(coordinate:$x){role}}",
        'mutation($x:String!){policyPropose(reason:$x,edits:[{unassign:{subject:"a",roles:[]}}]){id}}',
        'mutation($x:String!){policyPropose(reason:"r",edits:[{assign:{subject:$x,roles:["auditor"]}}]){id}}',
    ],
)  # fmt: skip
async def test_text_that_nobody_could_keep_is_refused_before_anything_is_done(
    gateway: Gateway, document: str
) -> None:
    """JSON can write half a surrogate pair, and nothing else can."""
    before = await gateway.ask("auditor", "{policyChanges(last:1){id}}")
    for text in ("\ud800", "a\x00"):
        answer = await gateway.client.post(
            "/graphql",
            content=json.dumps({"query": document, "variables": {"x": text}}).encode("ascii"),
            headers={
                "Authorization": f"Bearer {gateway.token(ADMINISTRATOR, **ANN)}",
                "Content-Type": "application/json",
            },
        )
        assert codes(answer.json()) == ["FW114"]
    assert await gateway.ask("auditor", "{policyChanges(last:1){id}}") == before
