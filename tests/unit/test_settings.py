"""Settings from the environment: what is missing or misshapen is named, and no secret is shown."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest

from api.errors import SettingsInvalid
from api.settings import Settings
from db.embedded import Urls

URL = "postgresql://gateway:p%40ss@db/records"
BARE = "postgresql://gateway@db/records"
KEY = "k" * 32
CURSORS = base64.b64encode(bytes(64)).decode()


def settings(**variables: str) -> Settings:
    return Settings.from_environment(
        {"FIELDWARD_CURSOR_KEYS": CURSORS} | variables, Path("nowhere")
    )


@pytest.mark.parametrize(
    ("variables", "url", "secret"),
    [
        ({}, URL, b"p@ss"),
        ({"FIELDWARD_FLOOR_KEY": ""}, URL, b"p@ss"),
        ({"FIELDWARD_FLOOR_KEY": KEY}, URL, KEY.encode()),
        ({"FIELDWARD_FLOOR_KEY": KEY}, BARE, KEY.encode()),
    ],
)
def test_the_floors_passwords_come_from_its_key_or_the_gateways_password(
    variables: dict[str, str], url: str, secret: bytes
) -> None:
    found = settings(**variables)
    assert found.floor_secret(Urls(admin="", gateway=url)) == secret
    assert KEY not in repr(found)


def test_without_a_key_and_a_password_both_are_named() -> None:
    with pytest.raises(SettingsInvalid) as refused:
        settings().floor_secret(Urls(admin="", gateway=BARE))
    assert "FIELDWARD_FLOOR_KEY" in refused.value.detail
    assert "FIELDWARD_DATABASE_URL" in refused.value.detail


@pytest.mark.parametrize(("given", "connections"), [({}, 32), ({"FIELDWARD_CONNECTIONS": "2"}, 2)])
def test_the_connection_budget_is_a_setting(given: dict[str, str], connections: int) -> None:
    assert settings(**given).connections == connections


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("FIELDWARD_FLOOR_KEY", "k" * 31),
        ("FIELDWARD_CONNECTIONS", "1"),
        ("FIELDWARD_CONNECTIONS", "-8"),
        ("FIELDWARD_CONNECTIONS", "many"),
        ("FIELDWARD_CONNECTIONS", "٣٢"),
        ("FIELDWARD_CURSOR_KEYS", "c2hvcnQ="),
    ],
)
def test_a_misshapen_variable_is_named_and_not_quoted(name: str, value: str) -> None:
    with pytest.raises(SettingsInvalid) as refused:
        settings(**{name: value})
    assert name in refused.value.detail
    assert value not in refused.value.detail.replace("at least 32", "").replace("from 2", "") or (
        len(value) == 1
    )
