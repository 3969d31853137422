"""What no source row says: drawn from seed and person. Knows T-MSIS rules; reads no file.

The same seed and patient Id give the same values on every machine, in any order of people. Every
value that comes from here is named in the row's `derived`.

Nothing here says that anyone is unlawfully present, and the import writes no determination: a
determination is made by a person, on evidence, and a column in a file is neither. A birthplace
abroad says nothing about status; it only opens a draw, in which being a citizen is the most likely
outcome. The rules kept are RULE-2048, 2051, 7528, 2157, EL-6-037-37, EL-6-033-33 and ELG097-3, -4,
-6 and -G of the T-MSIS data guide.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import blake2b
from typing import TypeVar

from db.ingest.directory import npi

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Draw:
    """A source of values that depend on seed, key and question alone."""

    seed: int
    key: str

    def _number(self, question: str) -> int:
        text = f"{self.seed}\n{self.key}\n{question}".encode()
        return int.from_bytes(blake2b(text, digest_size=16).digest(), "big")

    def digits(self, question: str, count: int) -> str:
        """`count` decimal digits."""
        return str(self._number(question) % 10**count).zfill(count)

    def pick(self, question: str, weighted: tuple[tuple[T, int], ...]) -> T:
        """One of the values, each as likely as its weight."""
        point = self._number(question) % sum(weight for _, weight in weighted)
        for value, weight in weighted:
            if point < weight:
                return value
            point -= weight
        raise AssertionError("weights are positive")


@dataclass(frozen=True, slots=True)
class Status:
    """CITIZENSHIP-IND, IMMIGRATION-STATUS and their verification flags; None is not known."""

    citizenship: str | None
    citizenship_verified: bool | None
    immigration: str | None
    immigration_verified: bool | None


# Birth there makes a citizen (8 USC 1401-1407); in American Samoa, a national (8 USC 1408).
_CITIZEN_AT_BIRTH = frozenset({"US", "PR", "GU", "VI", "MP"})
_ABROAD: tuple[tuple[str, int], ...] = (("8", 55), ("1", 25), ("2", 8), ("3", 12))


def status(draw: Draw, birth_country: str, *, medicare: bool) -> Status:
    """Citizenship and status. Nothing is known of a person whose country of birth is not.

    Nobody with Medicare gets status 3 (emergency services only), which would contradict it.
    """
    if not birth_country:
        return Status(None, None, None, None)
    verified = draw.pick("citizenship verified", ((True, 9), (False, 1)))
    if birth_country in _CITIZEN_AT_BIRTH:
        return Status("1", verified, "8", None)
    if birth_country == "AS":
        return Status("2", verified, "8", None)
    code = draw.pick("immigration status", _ABROAD)
    if code == "8":
        return Status("1", verified, "8", None)
    if code == "3" and medicare:
        code = "1"
    return Status("0", None, code, draw.pick("immigration verified", ((True, 17), (False, 3))))


@dataclass(frozen=True, slots=True)
class Determinant:
    """ELIGIBILITY-GROUP, DUAL-ELIGIBLE-CODE and RESTRICTED-BENEFITS-CODE of one span."""

    group: str
    dual: str
    restricted: str


def determinant(draw: Draw, age: int, *, dual: bool, immigration: str | None) -> Determinant:
    """Eligibility of a person of that age in years, in one span.

    Emergency services only (status 3) is restricted benefits 2, and nothing else is; every other
    person has the full scope, so the restrictions that need sex, group or dual code never arise.
    """
    restricted = "2" if immigration == "3" else "1"
    if dual:
        code = draw.pick("dual", (("02", 1), ("08", 1)))
        return Determinant("46" if age >= 65 else "11", code, restricted)
    if age < 19:
        group = "07"
    elif age < 65:
        group = draw.pick("group 19-64", (("01", 7), ("11", 3)))
    else:
        group = draw.pick("group 65+", (("11", 1), ("46", 1)))
    return Determinant(group, "00", restricted)


def medicaid_id(draw: Draw, state: str) -> str:
    """An MSIS ID of letters and digits, so that it can be no SSN; twelve digits, so unshared."""
    return state + draw.digits("medicaid id", 12)


def case_number(draw: Draw) -> str:
    """A case of one person: Synthea knows no households."""
    return "C" + draw.digits("case", 11)


# One area code per state. With 555-0100 to 555-0199, which the North American Numbering Plan keeps
# for fiction, so that no derived number is anybody's.
_AREA: dict[str, str] = dict(
    re.findall(
        r"([A-Z]{2}) ([0-9]{3})",
        """
        AL 205 AK 907 AZ 602 AR 501 AS 684 CA 213 CO 303 CT 203 DE 302 DC 202 FL 305 GA 404 GU 671
        HI 808 ID 208 IL 312 IN 317 IA 515 KS 316 KY 502 LA 504 ME 207 MD 301 MA 617 MI 313 MN 612
        MS 601 MO 314 MP 670 MT 406 NE 402 NV 702 NH 603 NJ 201 NM 505 NY 212 NC 704 ND 701 OH 216
        OK 405 OR 503 PA 215 PR 787 RI 401 SC 803 SD 605 TN 615 TX 214 UT 801 VT 802 VI 340 VA 703
        WA 206 WV 304 WI 414 WY 307
        """,
    )
)


def phone(draw: Draw, state: str) -> str:
    """Ten digits."""
    return f"{_AREA[state]}55501{draw.digits('phone', 2)}"


def npi_of(key: str, attempt: int) -> str:
    """A National Provider Identifier of a provider's source Id; another for each attempt.

    It begins with 21 to 29, which the standard allows and of which none is known to be issued. It
    depends on the provider alone and not on a seed: a provider is one in all folders.
    """
    return npi(210_000_000 + int(Draw(attempt, key).digits("npi", 12)) % 90_000_000)
