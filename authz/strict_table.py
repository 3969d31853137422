"""Reads a TOML table to the last key: what is missing, unknown or of another type is an error.

Knows nothing of what a table is about.
"""

from __future__ import annotations

import tomllib
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING

from authz.near import unknown

if TYPE_CHECKING:
    from db.errors import FieldwardError


def document(text: str, error: type[FieldwardError]) -> StrictTable:
    """The table that a TOML file is. Raises `error`."""
    try:
        return StrictTable(tomllib.loads(text), "the file", error)
    except tomllib.TOMLDecodeError as problem:
        raise error(str(problem)) from problem
    except RecursionError as problem:
        raise error("nested too deep") from problem
    except ValueError as problem:  # a number of thousands of digits
        raise error("a number is too long") from problem


class StrictTable:
    """A table whose keys are taken one by one; `done` refuses what is left.

    Every method raises the error that the table was made with; `where` begins its text.
    """

    def __init__(self, given: object, where: str, error: type[FieldwardError]) -> None:
        if not isinstance(given, dict):
            raise error(f"{where} is not a table")
        self._given: dict[str, object] = dict(given)
        self._taken: set[str] = set()
        self.where = where
        self._error = error

    def wrong(self, problem: str) -> FieldwardError:
        """The error, to be raised."""
        return self._error(f"{self.where}: {problem}")

    def _take(self, key: str) -> object:
        self._taken.add(key)
        if key not in self._given:
            raise self.wrong(f"'{key}' is missing")
        return self._given[key]

    def has(self, key: str) -> bool:
        """Whether an optional key is there; asked for, it is known."""
        self._taken.add(key)
        return key in self._given

    def names(self) -> tuple[str, ...]:
        """All keys, in file order: those of a table whose keys are names."""
        return tuple(self._given)

    def value(self, key: str) -> object:
        """Whatever it is."""
        return self._take(key)

    def text(self, key: str) -> str:
        """Text, not blank."""
        value = self._take(key)
        if not isinstance(value, str) or not value.strip():
            raise self.wrong(f"'{key}' is not text")
        return value

    def whole(self, key: str) -> int:
        """A whole number."""
        value = self._take(key)
        # bool is an int to Python.
        if not isinstance(value, int) or isinstance(value, bool):
            raise self.wrong(f"'{key}' is not a whole number")
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of text, each once; it may be empty."""
        value = self._take(key)
        if not isinstance(value, list):
            raise self.wrong(f"'{key}' is not a list")
        found = tuple(item for item in value if isinstance(item, str))
        if len(found) != len(value):
            raise self.wrong(f"'{key}' is not a list of text")
        if len(set(found)) != len(found):
            raise self.wrong(f"'{key}' says something twice")
        return found

    def day(self, key: str) -> date:
        """A day."""
        value = self._take(key)
        if not isinstance(value, date) or isinstance(value, datetime):
            raise self.wrong(f"'{key}' is not a day")
        return value

    def instant(self, key: str) -> datetime:
        """An instant with its offset, or a day, which begins at midnight UTC."""
        value = self._take(key)
        match value:
            case datetime() if value.tzinfo is not None:
                try:
                    return value.astimezone(UTC)
                except OverflowError:  # before year 1 or after 9999 in UTC
                    raise self.wrong(f"'{key}' is in no year of UTC") from None
            case datetime():
                raise self.wrong(f"'{key}' does not say its offset from UTC")
            case date():
                return datetime(value.year, value.month, value.day, tzinfo=UTC)
            case _:
                raise self.wrong(f"'{key}' is not a day or an instant")

    def table(self, key: str) -> StrictTable:
        """A table below this one."""
        return StrictTable(self._take(key), f"{self.where}, {key}", self._error)

    def tables(self, key: str) -> tuple[StrictTable, ...]:
        """A list of tables, numbered from 1 in errors."""
        value = self._take(key)
        if not isinstance(value, list):
            raise self.wrong(f"'{key}' is not a list")
        return tuple(
            StrictTable(item, f"{self.where}, {key} {number}", self._error)
            for number, item in enumerate(value, 1)
        )

    def done(self) -> None:
        """Refuses the keys that nobody took."""
        for key in sorted(self._given.keys() - self._taken):
            raise self.wrong(unknown("key", key, self._taken))
