"""Rows for the naive server: statements by hand, one scope to the state or to the population.

Part of bench/naive.py; knows no GraphQL.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final

from strawberry.dataloader import DataLoader

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from uuid import UUID

    import asyncpg

ENROLLEE: Final = (
    "enrollee_id, msis_identification_num, eligible_first_name, eligible_middle_init, "
    "eligible_last_name, date_of_birth, sex"
)
CLAIM: Final = (
    "enrollee_id, claim_id, icn_orig, claim_kind, submitting_state, beginning_date_of_service, "
    "ending_date_of_service, service_year, admission_date, discharge_date, adjudication_date, "
    "medicaid_paid_date, type_of_bill, place_of_service, covered_days, billing_prov_npi_num, "
    "plan_id_number, tot_billed_amt, tot_allowed_amt, tot_medicaid_paid_amt"
)
ORDERS: Final = {"last_name": "eligible_last_name", "medicaid_id": "msis_identification_num"}


@dataclass(frozen=True, slots=True)
class Records:
    """What one request may read: rows of the state of its header, or of the population."""

    pool: asyncpg.Pool
    role: str
    state: str

    @property
    def scope(self) -> str:
        """What every row meets that is read, by the name that the policy has for it."""
        return "in_population" if self.role == "immigration_enforcement" else "own_state"

    def where(self, conditions: Mapping[str, object]) -> tuple[str, list[object]]:
        """The scope and further conditions, each an expression with $, as SQL and its values."""
        values: list[object] = []
        texts = ["population <> '{}' and population @> current_date"]
        if self.scope == "own_state":
            values.append(self.state)
            texts = ["submitting_state = $1"]
        for text, value in conditions.items():
            values.append(value)
            texts.append(f"{text} ${len(values)}")
        return " and ".join(texts), values

    async def enrollees(
        self, conditions: Mapping[str, object], order: Sequence[str], first: int
    ) -> list[Any]:
        """A page of people; `order` are columns with their direction."""
        where, values = self.where(conditions)
        by = ", ".join([*order, "enrollee_id"])
        return await self.fetch(
            f"select {ENROLLEE} from medicaid.enrollee where {where} "
            f"order by {by} limit ${len(values) + 1}",
            *values,
            first,
        )

    async def claims(self, conditions: Mapping[str, object], first: int) -> list[Any]:
        """A page of claims."""
        where, values = self.where(conditions)
        return await self.fetch(
            f"select {CLAIM} from medicaid.claim where {where} "
            f"order by enrollee_id, claim_id limit ${len(values) + 1}",
            *values,
            first,
        )

    async def groups(self, conditions: Mapping[str, object]) -> list[Any]:
        """Claims by year and kind, with their number and what was paid."""
        where, values = self.where(conditions)
        return await self.fetch(
            "select service_year, claim_kind, count(*), sum(tot_medicaid_paid_amt) as paid "
            f"from medicaid.claim where {where} group by 1, 2",
            *values,
        )

    async def fetch(self, statement: str, *values: object) -> list[Any]:
        """Rows of a statement."""
        async with self.pool.acquire() as connection:
            return await connection.fetch(statement, *values)


class Loaders:
    """Rows of other tables, for all parents of one request at once."""

    def __init__(self, records: Records) -> None:
        self._records = records
        self._claims: dict[int, DataLoader[UUID, list[Any]]] = {}
        self.demographics = self._current(
            "citizenship_ind, immigration_status", "variable_demographics"
        )
        self.home = self._current("addr_ln1, addr_ln2, addr_ln3, city, state, zip", "home_address")
        self.phone = self._current("phone_number", "phone")
        self.enrollee = self._by_person(
            f"select e.* from unnest($1::uuid[]) asked (id) cross join lateral ("
            f"select {ENROLLEE} from medicaid.enrollee where enrollee_id = asked.id) e"
        )

    def claims(self, first: int) -> DataLoader[UUID, list[Any]]:
        """The first claims of each person."""
        if first not in self._claims:

            async def load(ids: list[UUID]) -> list[list[Any]]:
                found: defaultdict[UUID, list[Any]] = defaultdict(list)
                for row in await self._records.fetch(
                    f"select c.* from unnest($1::uuid[]) asked (id) cross join lateral ("
                    f"select {CLAIM} from medicaid.claim where enrollee_id = asked.id "
                    "order by claim_id limit $2) c order by c.enrollee_id, c.claim_id",
                    ids,
                    first,
                ):
                    found[row["enrollee_id"]].append(row)
                return [found[each] for each in ids]

            self._claims[first] = DataLoader(load)
        return self._claims[first]

    def _current(self, columns: str, table: str) -> DataLoader[UUID, Any]:
        """Of dated rows the one that covers the day, began last and has the highest number."""
        return self._by_person(
            "select t.* from unnest($1::uuid[]) asked (id) cross join lateral ("
            f"select enrollee_id, {columns} from medicaid.{table} "
            "where enrollee_id = asked.id and effective_date <= current_date "
            "and (end_date is null or end_date >= current_date) "
            "order by effective_date desc, span_num desc limit 1) t"
        )

    def _by_person(self, statement: str) -> DataLoader[UUID, Any]:
        async def load(ids: list[UUID]) -> list[Any]:
            rows = await self._records.fetch(statement, ids)
            found = {row["enrollee_id"]: row for row in rows}
            return [found.get(each) for each in ids]

        return DataLoader(load)


def between(column: str, asked: Any) -> dict[str, date]:
    """The conditions of a filter on a day."""
    named = {"gte": ">=", "lt": "<"}
    held = {sign: getattr(asked, name) for name, sign in named.items()} if asked else {}
    return {f"{column} {sign}": day for sign, day in held.items() if day is not None}
