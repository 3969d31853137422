"""docker-compose.yml as data: nobody gets more secrets than it needs, and none is written down."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]  # PyYAML ships no types

from db.cluster import DATABASE, GATEWAY, OWNER

PROJECT = Path(__file__).parents[2]
COMPOSE: dict[str, Any] = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (PROJECT / "Dockerfile").read_text().splitlines()

REFERENCE = re.compile(r"\$\{(\w+)(:[^}]*)?\}")


def names_in(service: str) -> set[str]:
    return {match[1] for match in REFERENCE.finditer(str(SERVICES[service]))}


@pytest.mark.parametrize(
    ("service", "names"),
    [
        (
            "postgres",
            {"POSTGRES_PASSWORD", "FIELDWARD_OWNER_PASSWORD", "FIELDWARD_GATEWAY_PASSWORD"},
        ),
        ("migrate", {"FIELDWARD_OWNER_PASSWORD", "FIELDWARD_GATEWAY_PASSWORD"}),
        ("floor", {"FIELDWARD_OWNER_PASSWORD", "FIELDWARD_GATEWAY_PASSWORD"}),
        (
            "gateway",
            {
                "FIELDWARD_GATEWAY_PASSWORD",
                "FIELDWARD_TOKEN_ISSUER",
                "FIELDWARD_TOKEN_AUDIENCE",
                "FIELDWARD_TOKEN_JWKS_URL",
                "PORT",
            },
        ),
    ],
)
def test_a_service_is_given_these_values_and_no_others(service: str, names: set[str]) -> None:
    assert names_in(service) == names


def test_every_value_without_a_default_is_required() -> None:
    text = (PROJECT / "docker-compose.yml").read_text()
    found = [match for match in REFERENCE.finditer(text) if match[1] != "NAME"]
    assert len(found) >= 8
    assert {match[1] for match in found if not (match[2] or "").startswith(":?")} == {"PORT"}


@pytest.mark.parametrize("service", SERVICES)
def test_no_password_is_written_down(service: str) -> None:
    for name, value in SERVICES[service]["environment"].items():
        if "PASSWORD" in name:
            assert REFERENCE.fullmatch(value)
        if name.endswith("DATABASE_URL"):
            assert re.fullmatch(rf"postgresql://\w+:\$\{{\w+:\?\}}@postgres:5432/{DATABASE}", value)


@pytest.mark.parametrize(
    ("service", "variable", "role"),
    [
        ("migrate", "FIELDWARD_ADMIN_DATABASE_URL", OWNER),
        ("migrate", "FIELDWARD_DATABASE_URL", GATEWAY),
        ("floor", "FIELDWARD_ADMIN_DATABASE_URL", OWNER),
        ("floor", "FIELDWARD_DATABASE_URL", GATEWAY),
        ("gateway", "FIELDWARD_DATABASE_URL", GATEWAY),
    ],
)
def test_each_url_is_that_of_its_role(service: str, variable: str, role: str) -> None:
    assert SERVICES[service]["environment"][variable].startswith(f"postgresql://{role}:")


def test_the_roles_are_those_of_the_embedded_server() -> None:
    roles = COMPOSE["configs"]["roles"]["content"]
    assert f"CREATE ROLE {OWNER} LOGIN CREATEROLE CREATEDB PASSWORD :'owner';" in roles
    assert f"CREATE DATABASE {DATABASE} OWNER {OWNER};" in roles
    assert f"SET ROLE {OWNER};\nCREATE ROLE {GATEWAY} LOGIN PASSWORD :'gateway';" in roles
    assert "SUPERUSER" not in roles


@pytest.mark.parametrize("service", ["postgres", "gateway"])
def test_what_keeps_running_says_how_it_is(service: str) -> None:
    assert SERVICES[service]["healthcheck"]["test"][0] == "CMD"


def test_the_gateway_serves_this_machine_only_and_postgresql_nobody_outside() -> None:
    assert [port for name in SERVICES for port in SERVICES[name].get("ports", [])] == [
        "127.0.0.1:${PORT:-8000}:8000"
    ]
    assert SERVICES["postgres"]["networks"] == ["database"]
    assert COMPOSE["networks"]["database"]["internal"] is True


def test_each_starts_after_what_it_needs() -> None:
    waits = {name: service.get("depends_on", {}) for name, service in SERVICES.items()}
    assert waits == {
        "postgres": {},
        "migrate": {"postgres": {"condition": "service_healthy"}},
        "floor": {"migrate": {"condition": "service_completed_successfully"}},
        "gateway": {"floor": {"condition": "service_completed_successfully"}},
    }


def test_postgresql_is_one_that_fieldward_runs_on() -> None:
    assert int(SERVICES["postgres"]["image"].removeprefix("postgres:")) >= 16


def test_the_image_copies_what_exists_and_leaves_root_before_it_starts() -> None:
    copied = [
        part
        for line in DOCKERFILE
        if line.startswith("COPY ") and "--from" not in line
        for part in line.split()[1:-1]
    ]
    assert {"api", "authz", "db"} <= set(copied)
    assert [part for part in copied if not (PROJECT / part).exists()] == []
    allowed = (PROJECT / ".dockerignore").read_text().splitlines()
    assert [part for part in copied if f"!{part}" not in allowed] == []
    assert allowed[1] == "*"
    assert DOCKERFILE.index("USER fieldward") < DOCKERFILE.index('ENTRYPOINT ["fieldward"]')
