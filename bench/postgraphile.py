"""What PostGraphile is asked, and its answers in the form of everybody's.

It names columns, and shows codes as they are stored; naming them is done here, outside of what is
measured. The scope to a state and the day of a dated row come with the request, for a row policy
that knew them would cost a transaction and a setting per request.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from db.codes import code_list

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_CURRENT: Final = (
    "(first: 1, filter: { effectiveDate: { lessThanOrEqualTo: $day }, or: ["
    "{ endDate: { isNull: true } }, { endDate: { greaterThanOrEqualTo: $day } }] }, "
    "orderBy: [EFFECTIVE_DATE_DESC, SPAN_NUM_DESC])"
)
_SIX: Final = (
    f"variableDemographicsByEnrolleeId{_CURRENT} "
    "{ nodes { citizenshipInd immigrationStatus } } "
    f"homeAddressesByEnrolleeId{_CURRENT} "
    "{ nodes { addrLn1 addrLn2 addrLn3 city state zip } } "
    f"phonesByEnrolleeId{_CURRENT} {{ nodes {{ phoneNumber }} }} "
    "dateOfBirth msisIdentificationNum"
)
_OF_STATE: Final = "condition: { submittingState: $state }"

DOCUMENTS: Final[Mapping[str, str]] = {
    "one": (
        "query One($medicaidId: String!, $day: Date!) { allEnrollees(first: 1, "
        f"condition: {{ msisIdentificationNum: $medicaidId }}) {{ nodes {{ {_SIX} }} }} }}"
    ),
    "fifty": (
        "query Fifty($state: String!, $day: Date!) { allEnrollees(first: 50, "
        f"{_OF_STATE}) {{ nodes {{ {_SIX} }} }} }}"
    ),
    "fifty_claims": (
        f"query Claims($state: String!) {{ allEnrollees(first: 50, {_OF_STATE}) "
        "{ nodes { msisIdentificationNum claimsByEnrolleeId(first: 10) { nodes { icnOrig claimKind "
        "beginningDateOfService billingProvNpiNum totMedicaidPaidAmt } } } } }"
    ),
    "filtered": (
        "query Filtered($state: String!, $from: Date!, $to: Date!) { allEnrollees(first: 50, "
        f"{_OF_STATE}, "
        "filter: { dateOfBirth: { greaterThanOrEqualTo: $from, lessThan: $to } }, "
        "orderBy: [ELIGIBLE_LAST_NAME_ASC, MSIS_IDENTIFICATION_NUM_ASC, PRIMARY_KEY_ASC]) "
        "{ nodes { msisIdentificationNum eligibleFirstName eligibleMiddleInit eligibleLastName "
        "dateOfBirth sex } } }"
    ),
    "aggregate": (
        "query Aggregate($state: String!, $npi: String!, $from: Date!) { allClaims("
        "condition: { submittingState: $state, billingProvNpiNum: $npi }, "
        "filter: { beginningDateOfService: { greaterThanOrEqualTo: $from } }) "
        "{ groupedAggregates(groupBy: [SERVICE_YEAR, CLAIM_KIND]) { keys "
        "distinctCount { claimId } sum { totMedicaidPaidAmt } } } }"
    ),
    "large": (
        "query Large($state: String!, $from: Date!) { allClaims(first: 1000, "
        f"{_OF_STATE}, "
        "filter: { beginningDateOfService: { greaterThanOrEqualTo: $from } }) { nodes { claimId "
        "icnOrig claimKind submittingState beginningDateOfService endingDateOfService serviceYear "
        "admissionDate dischargeDate adjudicationDate medicaidPaidDate typeOfBill placeOfService "
        "coveredDays billingProvNpiNum planIdNumber totBilledAmt totAllowedAmt totMedicaidPaidAmt "
        "enrolleeByEnrolleeId { msisIdentificationNum } } } }"
    ),
}


def _names(codes: str) -> dict[str | None, str | None]:
    return {None: None} | {code.code: code.name for code in code_list(codes).codes}


_CITIZENSHIP: Final = _names("citizenship")
_IMMIGRATION: Final = _names("immigration_status")
_KIND: Final = _names("claim_kind")
_SEX: Final = _names("sex")


def _first(connection: dict[str, Any]) -> dict[str, Any] | None:
    return next(iter(connection["nodes"]), None)


def _six(row: dict[str, Any]) -> dict[str, Any]:
    held = _first(row["variableDemographicsByEnrolleeId"]) or {}
    home = _first(row["homeAddressesByEnrolleeId"])
    phone = _first(row["phonesByEnrolleeId"]) or {}
    return {
        "citizenship": _CITIZENSHIP[held.get("citizenshipInd")],
        "immigrationStatus": _IMMIGRATION[held.get("immigrationStatus")],
        "homeAddress": home and {
            "line1": home["addrLn1"], "line2": home["addrLn2"], "line3": home["addrLn3"],
            "city": home["city"], "state": home["state"], "zip": home["zip"],
        },
        "phoneNumber": phone.get("phoneNumber"),
        "dateOfBirth": row["dateOfBirth"],
        "medicaidId": row["msisIdentificationNum"],
    }  # fmt: skip


def _with_claims(row: dict[str, Any]) -> dict[str, Any]:
    claims = [
        {
            "icn": claim["icnOrig"],
            "kind": _KIND[claim["claimKind"]],
            "serviceBeginDate": claim["beginningDateOfService"],
            "providerNpi": claim["billingProvNpiNum"],
            "paidAmount": claim["totMedicaidPaidAmt"],
        }
        for claim in row["claimsByEnrolleeId"]["nodes"]
    ]
    return {"medicaidId": row["msisIdentificationNum"], "claims": {"nodes": claims}}


def _plain(row: dict[str, Any]) -> dict[str, Any]:
    return {
        "medicaidId": row["msisIdentificationNum"],
        "firstName": row["eligibleFirstName"],
        "middleInitial": row["eligibleMiddleInit"],
        "lastName": row["eligibleLastName"],
        "dateOfBirth": row["dateOfBirth"],
        "sex": _SEX[row["sex"]],
    }


_CLAIM: Final = {
    "id": "claimId", "icn": "icnOrig", "submittingState": "submittingState",
    "serviceBeginDate": "beginningDateOfService", "serviceEndDate": "endingDateOfService",
    "serviceYear": "serviceYear", "admissionDate": "admissionDate",
    "dischargeDate": "dischargeDate", "adjudicationDate": "adjudicationDate",
    "paidDate": "medicaidPaidDate", "typeOfBill": "typeOfBill",
    "placeOfService": "placeOfService", "coveredDays": "coveredDays",
    "providerNpi": "billingProvNpiNum", "planId": "planIdNumber", "billedAmount": "totBilledAmt",
    "allowedAmount": "totAllowedAmt", "paidAmount": "totMedicaidPaidAmt",
}  # fmt: skip


def _claim(row: dict[str, Any]) -> dict[str, Any]:
    return {name: row[column] for name, column in _CLAIM.items()} | {
        "kind": _KIND[row["claimKind"]],
        "enrollee": {"medicaidId": row["enrolleeByEnrolleeId"]["msisIdentificationNum"]},
    }


def _group(group: dict[str, Any]) -> dict[str, Any]:
    """`keys` are in the order of groupBy. Whole numbers beyond 32 bits come as text."""
    year, kind = group["keys"]
    return {
        "serviceYear": int(year),
        "kind": _KIND[kind],
        "count": int(group["distinctCount"]["claimId"]),
        "paid": group["sum"]["totMedicaidPaidAmt"],
    }


def _groups(data: Any) -> object:
    groups = [_group(group) for group in data["allClaims"]["groupedAggregates"]]
    return sorted(groups, key=lambda group: (group["serviceYear"], group["kind"]))


def _rows(root: str, row: Callable[[dict[str, Any]], dict[str, Any]]) -> Callable[[Any], object]:
    return lambda data: [row(each) for each in data[root]["nodes"]]


READERS: Final[Mapping[str, Callable[[Any], object]]] = {
    "one": lambda data: _six(data["allEnrollees"]["nodes"][0]),
    "fifty": _rows("allEnrollees", _six),
    "fifty_claims": _rows("allEnrollees", _with_claims),
    "filtered": _rows("allEnrollees", _plain),
    "aggregate": _groups,
    "large": _rows("allClaims", _claim),
}
"""Operation → what the data of an answer says: rows, values and order as everybody's."""
