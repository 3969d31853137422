"""Operations that are deep, wide, empty or odd: answered or refused; no statement breaks."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.database import connected
from tests.gateway import gateway_over

if TYPE_CHECKING:
    import httpx

    from tests.gateway import Gateway

SUPERVISOR = "eligibility_supervisor"
W = "query($w:EnrolleeWhere){enrollees(first:1,where:$w){nodes{lastName}}}"


def codes(answer: httpx.Response) -> set[str]:
    """The codes of all errors of an answer."""
    return {error["extensions"]["code"] for error in answer.json()["errors"]}


# ── deep and wide ─────────────────────────────────────────────────────────────────────────────


def many(count: int, text: str, joint: str = " ") -> str:
    """A text repeated, with its number in place of #."""
    return joint.join(text.replace("#", str(number)) for number in range(count))


def nested(depth: int, opening: str, inside: str, closing: str) -> str:
    return opening * depth + inside + closing * depth


def deep(depth: int) -> dict[str, Any]:
    where: dict[str, Any] = {"sex": {"eq": "FEMALE"}}
    for _ in range(depth):
        where = {"or": [{"and": [where, {"sex": {"ne": "MALE"}}]}]}
    return {"w": where}


LIMITS: dict[str, tuple[str, dict[str, Any] | None, str]] = {
    # Document, variables, the code that refuses it; "" where it is answered.
    "depth": (
        f"{{enrollees{{nodes{nested(5, '{claims{nodes{enrollee', '{id}', '}}}')}}}}}",
        None,
        "FW113",
    ),
    "long chain of fragments": (
        "{...F0} fragment F300 on Query{__typename} "
        + " ".join(f"fragment F{n} on Query{{...F{n + 1}}}" for n in range(300)),
        None,
        "FW113",
    ),
    "cycle of fragments": (
        "{...A} fragment A on Query{...B} fragment B on Query{...A}",
        None,
        "FW110",
    ),
    "large cycle of fragments": (
        "{...F0} " + " ".join(f"fragment F{n} on Query{{...F{(n + 1) % 150}}}" for n in range(150)),
        None,
        "FW110",
    ),
    "fragments that double": (
        "{enrollees{nodes{...F0}}} fragment F9 on Enrollee{id} "
        + " ".join(
            f"fragment F{n} on Enrollee{{a:claims{{nodes{{enrollee{{...F{n + 1}}}}}}}"
            f"b:claims{{nodes{{enrollee{{...F{n + 1}}}}}}}}}"
            for n in range(9)
        ),
        None,
        "FW113",
    ),
    "aliases": (f"{{enrollees(first:1){{nodes{{{many(900, 'a#:lastName')}}}}}}}", None, ""),
    "too many aliases": (f"{{enrollees{{nodes{{{many(1000, 'a#:lastName')}}}}}}}", None, "FW113"),
    "too many roots": (f"{{{many(51, 'a#:enrollees{totalCount}')}}}", None, "FW113"),
    "too many roots of one": (f"{{{many(51, 'a#:enrollee(medicaidId:1){id}')}}}", None, "FW110"),
    "too many roots that are no records": (f"{{{many(51, 'a#:viewer{subject}')}}}", None, "FW113"),
    "too much of what is no record": (
        f"{{__schema{{{many(300, 'a#:types{name fields{name}}')}}}}}",
        None,
        "FW113",
    ),
    "introspection in circles": (
        "{__schema{types{fields{type{fields{type{fields{type{name}}}}}}}}}",
        None,
        "FW110",
    ),
    "tokens": (f"{{{'a ' * 15_001}}}", None, "FW110"),
    "one field many times": (f"{{{many(2_000, 'viewer{subject}')}}}", None, "FW113"),
    "nesting of a literal": (
        f"{{enrollees(where:{nested(150, '{not:', '{}', '}')}){{nodes{{id}}}}}}",
        None,
        "",
    ),
    "too much nesting": (
        f"{{enrollees(where:{nested(400, '{not:', '{}', '}')}){{nodes{{id}}}}}}",
        None,
        "FW110",
    ),
    "nesting of a variable": (W, deep(20), ""),
    "too much nesting of a variable": (W, deep(200), "FW112"),
    "nesting of a type": (
        f"query($a:{nested(300, '[', 'Int', ']')}){{viewer{{subject}}}}",
        None,
        "FW110",
    ),
    "conditions": (W, {"w": {"or": [{"sex": {"eq": "MALE"}}] * 249}}, ""),
    "too many conditions": (W, {"w": {"or": [{"sex": {"eq": "MALE"}}] * 251}}, "FW113"),
    "far too many conditions": (W, {"w": {"or": [{"sex": {"eq": "MALE"}}] * 7_000}}, "FW113"),
    "conditions of several lists": (
        "query($w:EnrolleeWhere){a:enrollees(where:$w){totalCount}"
        " b:enrollees(where:$w){totalCount}}",
        {"w": {"and": [{"sex": {"eq": "MALE"}}] * 130}},
        "FW113",
    ),
    "a long list": (W, {"w": {"lastName": {"in": ["x"] * 1_000}}}, ""),
    "too long a list": (W, {"w": {"lastName": {"notIn": ["x"] * 1_001}}}, "FW114"),
    "terms": (
        "{enrollees(orderBy:[" + many(4, "{lastName:ASC}", ",") + "{firstName:DESC}]){nodes{id}}}",
        None,
        "",
    ),
    "too many terms": (
        "{enrollees(orderBy:[{lastName:ASC},{firstName:ASC},{sex:ASC},{dateOfBirth:ASC},"
        "{middleInitial:ASC},{phoneNumber:ASC}]){nodes{id}}}",
        None,
        "FW113",
    ),
    "variables": (
        f"query({many(1_000, '$v#:String!', ',')})"
        f"{{enrollees(where:{{lastName:{{in:[{many(1_000, '$v#')}]}}}}){{totalCount}}}}",
        {f"v{n}": str(n) for n in range(1_000)},
        "",
    ),
    "a variable too few": (
        f"query({many(1_000, '$v#:String!', ',')})"
        f"{{enrollees(where:{{lastName:{{in:[{many(1_000, '$v#')}]}}}}){{totalCount}}}}",
        {f"v{n}": str(n) for n in range(999)},
        "FW112",
    ),
    "rows of nested pages": (
        "{enrollees(first:200){nodes{eligibilitySpans(first:200){nodes{caseNumber}}}}}",
        None,
        "",
    ),
    "too many rows of nested pages": (
        "{enrollees(first:200){nodes{determinations(first:200){nodes{outcome}}"
        " enrollments(first:200){edges{node{enrollmentType}}}}}"
        " b:enrollees(first:200){nodes{" + many(30, "a#:races(first:200){nodes{race}}") + "}}}",
        None,
        "FW113",
    ),
    "rows below a page of none": (
        "{enrollees(first:0){nodes{eligibilitySpans(first:200){nodes{caseNumber}}}}}",
        None,
        "",
    ),
}


@pytest.mark.parametrize("case", LIMITS)
async def test_deep_and_wide_operations_are_answered_or_refused(
    case: str, gateway: Gateway
) -> None:
    document, variables, code = LIMITS[case]
    answer = await gateway.post(SUPERVISOR, document, variables)
    assert answer.status_code == 200
    assert (codes(answer) if "errors" in answer.json() else set()) == ({code} if code else set())


async def test_what_selects_nothing_is_answered_with_nothing(gateway: Gateway) -> None:
    """Selections that need no row, or that directives emptied: no statement that cannot run."""
    for document, data in (
        ("{enrollees{__typename}}", {"enrollees": {"__typename": "EnrolleeConnection"}}),
        ("{enrollees @skip(if:true){nodes{id}}}", {}),
        ("{enrollees{nodes @skip(if:true){id}}}", {"enrollees": {}}),
        ("{enrollees(first:1){nodes{id @skip(if:true)}}}", {"enrollees": {"nodes": [{}]}}),
        (
            "{enrollees{pageInfo{hasPreviousPage}}}",
            {"enrollees": {"pageInfo": {"hasPreviousPage": False}}},
        ),
        (
            "{enrollees{pageInfo{__typename}}}",
            {"enrollees": {"pageInfo": {"__typename": "PageInfo"}}},
        ),
        ("{enrollees(first:0){edges{cursor}}}", {"enrollees": {"edges": []}}),
        (
            "{enrollees(first:1){edges{__typename}}}",
            {"enrollees": {"edges": [{"__typename": "EnrolleeEdge"}]}},
        ),
        ('{enrollee(medicaidId:"?"){id @skip(if:true)}}', {"enrollee": None}),
        (
            "{enrollees(first:1){nodes{eligibilitySpans{__typename}}}}",
            {
                "enrollees": {
                    "nodes": [{"eligibilitySpans": {"__typename": "EligibilitySpanConnection"}}]
                }
            },
        ),
        (
            "{viewer{__typename} policy{__typename}}",
            {"viewer": {"__typename": "Viewer"}, "policy": None},
        ),
    ):
        answer = await gateway.post(SUPERVISOR, document)
        assert answer.status_code == 200
        assert answer.json()["data"] == data


ODD_VALUES: list[tuple[str, dict[str, Any], str]] = [
    ("Enrollee", {"lastName": {"eq": "\x00"}}, "FW114"),
    ("Enrollee", {"lastName": {"in": ["a", "b\x00"]}}, "FW114"),
    ("Enrollee", {"lastName": {"startsWith": "\U0001f9ff"}}, ""),
    ("Enrollee", {"lastName": {"eq": "'; drop table medicaid.enrollee; --"}}, ""),
    ("Enrollee", {"lastName": {"eq": "x" * 100_000}}, ""),
    ("Enrollee", {"id": {"eq": "not a key"}}, "FW114"),
    ("Enrollee", {"id": {"eq": ""}}, "FW114"),
    ("Enrollee", {"dateOfBirth": {"eq": "2023-02-29"}}, "FW112"),
    ("Enrollee", {"dateOfBirth": {"gte": "0001-01-01", "lte": "9999-12-31"}}, ""),
    ("Enrollee", {"dateOfBirth": {"eq": "0000-01-01"}}, "FW112"),
    ("Enrollee", {"dateOfBirth": {"eq": "10000-01-01"}}, "FW112"),
    ("Enrollee", {"dateOfBirth": {"eq": "infinity"}}, "FW112"),
    ("Enrollee", {"dateOfBirth": {"eq": 0}}, "FW112"),
    ("Enrollee", {"householdSize": {"eq": 2**31 - 1}}, ""),
    ("Enrollee", {"householdSize": {"eq": -(2**31)}}, ""),
    ("Enrollee", {"householdSize": {"eq": 2**31}}, "FW112"),
    ("Enrollee", {"householdSize": {"eq": 1.5}}, "FW112"),
    ("Enrollee", {"householdSize": {"eq": True}}, "FW112"),
    ("Enrollee", {"householdSize": {"eq": "1"}}, "FW112"),
    ("Enrollee", {"veteran": {"eq": 1}}, "FW112"),
    ("Enrollee", {"veteran": {"isNull": None}}, "FW114"),
    ("Enrollee", {"sex": {"eq": None}}, "FW114"),
    ("Enrollee", {"sex": {"in": None}}, "FW114"),
    ("Enrollee", {"sex": {"in": [None]}}, "FW112"),
    ("Enrollee", {"sex": {}}, ""),
    ("Enrollee", {"sex": None}, "FW114"),
    ("Enrollee", {"and": None}, "FW114"),
    ("Enrollee", {"and": [None]}, "FW112"),
    ("Enrollee", {"or": []}, ""),
    ("Enrollee", {"not": {"not": {"not": {}}}}, ""),
    ("Enrollee", {"homeAddress": None}, "FW114"),
    ("Enrollee", {"homeAddress": {"not": {"and": [{}]}}}, ""),
    ("Claim", {"paidAmount": {"lt": "1e400"}}, ""),
    ("Claim", {"paidAmount": {"lt": "-1e-400"}}, ""),
    ("Claim", {"paidAmount": {"lt": "1e1001"}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": "1e999999999"}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": "1e-999999999"}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": "9" * 1_001}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": "NaN"}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": "-Infinity"}}, "FW114"),
    ("Claim", {"paidAmount": {"lt": ""}}, "FW112"),
    ("Claim", {"paidAmount": {"lt": []}}, "FW112"),
    ("Claim", {"sensitivityLabels": {"has": "NOTHING"}}, "FW112"),
]


@pytest.mark.parametrize(("entity", "where", "code"), ODD_VALUES)
async def test_odd_values_are_taken_or_refused_and_never_break_a_statement(
    entity: str, where: dict[str, Any], code: str, gateway: Gateway
) -> None:
    role = SUPERVISOR if entity == "Enrollee" else "program_integrity"
    root = "enrollees" if entity == "Enrollee" else "claims"
    document = f"query($w:{entity}Where){{{root}(first:1,where:$w){{nodes{{id}}}}}}"
    answer = await gateway.post(role, document, {"w": where})
    assert answer.status_code == 200
    assert (codes(answer) if "errors" in answer.json() else set()) == ({code} if code else set())


async def test_a_list_of_nothing_finds_whoever_has_a_value_or_nobody(gateway: Gateway) -> None:
    """A leaf over a missing value is false, whatever its operator and under `not` too."""
    document = "query($w:EnrolleeWhere){enrollees(where:$w){totalCount}}"

    async def count(where: dict[str, Any]) -> int:
        answer = await gateway.ask(SUPERVISOR, document, {"w": where})
        total: int = answer["data"]["enrollees"]["totalCount"]
        return total

    for name, some in (("fiveYearBarEndDate", True), ("dateOfDeath", False), ("caseNumber", True)):
        present = await count({name: {"isNull": False}})
        assert (0 < present < await count({})) == some
        assert await count({name: {"in": []}}) == 0
        assert await count({name: {"notIn": []}}) == present
        assert await count({"not": {name: {"in": []}}}) == present
        assert await count({"not": {name: {"notIn": []}}}) == 0
        assert await count({"or": [{name: {"isNull": True}}, {name: {"notIn": []}}]}) == (
            await count({})
        )


async def test_half_a_surrogate_pair_is_refused_wherever_it_stands(gateway: Gateway) -> None:
    """JSON can write it and PostgreSQL cannot; clients' libraries mostly refuse to send it."""
    half = "\ud800"
    cursor = "query($c:String){enrollees(after:$c){nodes{id}}}"
    bodies: list[tuple[dict[str, Any], str]] = [
        ({"query": f'{{enrollees(where:{{lastName:{{eq:"{half}"}}}}){{nodes{{id}}}}}}'}, "FW110"),
        ({"query": f"# {half}"}, "FW110"),
        ({"query": "{viewer{subject}}", "operationName": half}, "FW111"),
        ({"query": W, "variables": {"w": {"lastName": {"eq": half}}}}, "FW114"),
        ({"query": W, "variables": {"w": {"id": {"eq": half}}}}, "FW114"),
        ({"query": W, "variables": {"w": {half: 1}}}, "FW112"),
        ({"query": cursor, "variables": {"c": half}}, "FW116"),
    ]
    for body, code in bodies:
        answer = await gateway.client.post(
            "/graphql",
            content=json.dumps(body).encode("ascii"),
            headers={
                "authorization": f"Bearer {gateway.token(SUPERVISOR)}",
                "content-type": "application/json",
            },
        )
        assert (answer.status_code, codes(answer)) == (200, {code})


async def test_a_refused_variable_is_named_and_its_value_is_not(gateway: Gateway) -> None:
    document = (
        "query($a:Int!,$b:Date,$c:Sex)"
        "{enrollees(first:$a,where:{dateOfBirth:{eq:$b},sex:{eq:$c}}){nodes{id}}}"
    )
    answer = await gateway.post(SUPERVISOR, document, {"b": "1234-56-78", "c": "X123456789"})
    (error,) = answer.json()["errors"]
    assert error["extensions"] == {"code": "FW112", "variables": ["a", "b", "c"]}
    assert "56-78" not in answer.text


async def test_the_last_day_that_t_msis_knows_is_a_day_like_any_other(seeded: str) -> None:
    """9999-12-31 is compared, listed and paged over as that day."""
    async with gateway_over(seeded) as gateway, connected(gateway.owner_url) as owner:
        await owner.execute(
            "update medicaid.enrollee set date_of_death = date '9999-12-31' where enrollee_id in "
            "(select enrollee_id from medicaid.enrollee where submitting_state = $1 limit 3)",
            gateway.examples["state"],
        )
        for condition, count in (
            ('eq:"9999-12-31"', 3),
            ('in:["9999-12-31"]', 3),
            ('gte:"9999-12-31"', 3),
            ('lt:"9999-12-31"', 0),
            ('gt:"9999-12-30"', 3),
        ):
            document = f"{{enrollees(where:{{dateOfDeath:{{{condition}}}}}){{totalCount}}}}"
            found = await gateway.ask(SUPERVISOR, document)
            assert found["data"]["enrollees"] == {"totalCount": count}, condition
        document = """query($c:String){enrollees(first:1,after:$c,orderBy:[{dateOfDeath:ASC}],
          where:{dateOfDeath:{isNull:false}}){nodes{id} pageInfo{hasNextPage endCursor}}}"""
        seen, cursor, more = set(), None, True
        while more:
            page = (await gateway.ask(SUPERVISOR, document, {"c": cursor}))["data"]["enrollees"]
            seen |= {node["id"] for node in page["nodes"]}
            cursor, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]
        assert len(seen) == 3


async def test_a_long_document_is_read_in_one_pass(gateway: Gateway) -> None:
    """Places of fields are not counted anew from the top for every field."""
    lines = "\n" * 100_000
    document = f"{{enrollees(first:1){{nodes{{pseudonym {lines} {many(900, 'a#:pseudonym')}}}}}}}"
    answer = await gateway.ask(SUPERVISOR, document)
    assert answer["errors"][0]["locations"] == [{"line": 1, "column": 27}]
    assert answer["errors"][1]["locations"] == [{"line": 100_001, "column": 2}]
    assert len(answer["errors"]) == 901
