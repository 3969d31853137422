"""The catalog refuses what does not fit; codes, enums and CHECKs agree with what it says."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from db.catalog import Cardinality, Catalog, Column, Entity, Field, Kind, Link, build
from db.catalog_records import CATALOG
from db.codes import code_list, code_lists
from db.tables import ENROLLEE, HOME_ADDRESS

ENTITY = Entity("Enrollee", ENROLLEE, "Enrollee", "A person.")
HOME = Entity("HomeAddress", HOME_ADDRESS, "Enrollee", "An address.")
SEX = CATALOG.fields["Enrollee.sex"]
LINK = CATALOG.links["Enrollee.homeAddress"]

MISFITS = {
    "an entity twice": ([ENTITY, ENTITY], [], []),
    "a field twice": ([ENTITY], [SEX, SEX], []),
    "a field of no entity": ([], [SEX], []),
    "a column that the table lacks": (
        [ENTITY], [replace(SEX, column=Column("shoe_size", Kind.INTEGER))], [],
    ),
    "a link to no entity": ([ENTITY], [], [LINK]),
    "a link twice": ([ENTITY, HOME], [], [LINK, LINK]),
    "a link to another table": ([ENTITY, HOME], [], [replace(LINK, target="Enrollee")]),
    "an anchor that is no entity": ([replace(HOME, anchor="Nobody")], [], []),
}  # fmt: skip


@pytest.mark.parametrize("misfit", MISFITS)
def test_what_does_not_fit_is_refused(misfit: str) -> None:
    entities, fields, links = MISFITS[misfit]
    with pytest.raises(ValueError, match=r"\w"):
        build(entities, fields, links)


def test_a_small_catalog_is_built() -> None:
    made = build([ENTITY, HOME], [SEX], [LINK])
    assert made.coordinates >= {"Enrollee.sex", "Enrollee.homeAddress"}
    assert made.fields_of("Enrollee") == (SEX,)
    assert made.links_of("Enrollee") == (LINK,)


def test_every_coordinate_has_an_entity_with_an_anchor_that_anchors_itself() -> None:
    for coordinate in CATALOG.coordinates:
        anchor = CATALOG.entities[CATALOG.entity_of(coordinate).anchor]
        assert anchor.anchor == anchor.name
    with pytest.raises(KeyError):
        CATALOG.entity_of("Enrollee.shoeSize")


def test_what_belongs_to_a_person_or_claim_is_reached_from_there_alone() -> None:
    """An entity without a scope of its own hangs below its anchor, where the scope was asked."""
    for link in CATALOG.links.values():
        target = CATALOG.entities[link.target]
        if target.anchor != target.name:
            assert CATALOG.entities[link.entity].anchor == target.anchor, link.coordinate


def test_a_field_one_hop_away_is_of_the_anchors_own_rows() -> None:
    for field in CATALOG.fields.values():
        if field.hop is not None:
            assert field.hop.cardinality is Cardinality.CURRENT
            assert field.hop.source == CATALOG.entities[field.entity].table.name
            assert all(a == b == "enrollee_id" for a, b in field.hop.on)


def test_the_key_of_every_table_about_a_person_begins_with_the_person() -> None:
    for entity in CATALOG.entities.values():
        if entity.name not in ("Provider", "Plan"):
            assert entity.table.key[0] == "enrollee_id"


def test_the_six_have_no_column_in_common_with_anything_else_but_the_weaker_forms() -> None:
    """Medicaid ID, birth date, citizenship, status, phone: no other coordinate shows the column."""
    six = {"medicaidId", "dateOfBirth", "citizenship", "immigrationStatus", "phoneNumber"}
    columns = {CATALOG.fields[f"Enrollee.{name}"].column.name for name in six}
    sharing = {
        f.coordinate
        for f in CATALOG.fields.values()
        if f.column.name in columns and f.entity == "Enrollee" and f.name not in six
    }
    assert sharing == set()


@pytest.mark.parametrize("codes", code_lists(), ids=lambda codes: codes.name)
def test_a_value_list_has_unique_codes_and_graphql_names(codes: object) -> None:
    listed = code_list(codes.name)  # type: ignore[attr-defined]  # parametrised over CodeList
    names = [code.name for code in listed.codes]
    assert len(set(names)) == len(names)
    assert len({code.code for code in listed.codes}) == len(names)
    for code in listed.codes:
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", code.name)
        assert code.meaning
        assert listed.code_of(code.name) == code.code


def test_an_unknown_name_has_no_code() -> None:
    with pytest.raises(KeyError):
        code_list("sex").code_of("PURPLE")


def test_catalogs_are_values() -> None:
    assert isinstance(CATALOG, Catalog)
    assert isinstance(SEX, Field)
    assert isinstance(LINK, Link)
    with pytest.raises(TypeError):
        CATALOG.fields["Enrollee.new"] = SEX  # type: ignore[index]  # that is the test


def test_what_tells_who_somebody_is_is_in_no_row_scope() -> None:
    tables = {entity.table.name: entity.table for entity in CATALOG.entities.values()}
    hops = (field.hop for field in CATALOG.fields.values() if field.hop is not None)
    tables |= {hop.target.name: hop.target for hop in hops}
    told = {
        f"{table.name}.{column.name}"
        for table in tables.values()
        for column in table.columns.values()
        if not column.scopable
    }
    address = {"addr_ln1", "addr_ln2", "addr_ln3", "city", "zip"}
    assert told == {
        "enrollee.msis_identification_num", "enrollee.eligible_first_name",
        "enrollee.eligible_middle_init", "enrollee.eligible_last_name", "enrollee.pseudonym",
        "variable_demographics.ssn", "variable_demographics.ssn_last4", "phone.phone_number",
        *(f"{place}_address.{part}" for place in ("home", "mailing") for part in address),
        "eligibility_determinant.msis_case_num", "claim.icn_orig", "claim.place",
        "immigration_determination.determined_by", "immigration_determination.evidence",
        "provider.provider_name", "provider.city", "managed_care_plan.plan_name",
    }  # fmt: skip
