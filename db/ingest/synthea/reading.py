"""Bytes of a CSV file → rows of text with their line numbers. Knows CSV; knows no Synthea file.

A malformed line loses itself and nothing else: where a quote opens and never closes, the reader
gives up that one line and begins again at the next, instead of swallowing the file.
"""

from __future__ import annotations

import csv
import re
from collections import deque
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, TextIO, TypeVar

from db.ingest.synthea.tally import Reason, RowRejected

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from db.ingest.synthea.files import Source

T = TypeVar("T")

# One field of one row may hold line breaks, but no field that Synthea writes is this long.
_MOST_LINES = 100
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Record:
    """A row: the line of the file on which it begins (the header is 1), its fields by header."""

    line: int
    fields: dict[str, str]

    def get(self, column: str) -> str:
        """The field without outer blanks; empty where the file has no such column."""
        return self.fields.get(column, "").strip()

    def required(self, column: str, parse: Callable[[str], T]) -> T:
        """The parsed field. RowRejected, which names the column, where it is empty or bad."""
        text = self.get(column)
        if not text:
            raise RowRejected(Reason.EMPTY, column)
        try:
            return parse(text)
        except RowRejected as rejected:
            raise RowRejected(rejected.reason, column) from None

    def text(self, column: str) -> str:
        """The field. RowRejected where it is empty."""
        return self.required(column, str)

    def optional(self, column: str, parse: Callable[[str], T]) -> T | None:
        """The parsed field, None where it is empty. RowRejected where it is bad."""
        return self.required(column, parse) if self.get(column) else None

    def lenient(
        self, column: str, parse: Callable[[str], T], drop: Callable[[Reason, str], None]
    ) -> T | None:
        """The parsed field, None where it is empty or bad; what is bad goes to `drop`."""
        try:
            return self.optional(column, parse)
        except RowRejected as rejected:
            drop(rejected.reason, rejected.column)
            return None


@dataclass(frozen=True, slots=True)
class Malformed:
    """A line that is no row."""

    line: int
    reason: Reason


class _Lines:
    """Physical lines with their numbers, which can be handed back."""

    def __init__(self, text: TextIO) -> None:
        self._fresh = enumerate(text, start=1)
        self._returned: deque[tuple[int, str]] = deque()

    def __iter__(self) -> _Lines:
        return self

    def __next__(self) -> tuple[int, str]:
        return self._returned.popleft() if self._returned else next(self._fresh)

    def give_back(self, lines: list[tuple[int, str]]) -> None:
        self._returned.extendleft(reversed(lines))


def rows(source: Source) -> Iterator[Record | Malformed]:
    """Every row of a file after its header, good or malformed, in order; blank lines are none."""
    with source.path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as text:
        lines = _Lines(text)
        next(lines, None)
        for number, line in lines:
            if not line.strip("\r\n\t ,"):
                continue
            try:
                yield Record(number, _row(source.header, line, lines, number))
            except RowRejected as rejected:
                yield Malformed(number, rejected.reason)


def _row(header: tuple[str, ...], line: str, lines: _Lines, number: int) -> dict[str, str]:
    """Header → field. RowRejected, with every line but the first handed back, where it is none."""
    taken = [(number, line)]
    fields = _fields(line)
    if fields is None and line.count('"') % 2:
        quotes = line.count('"')
        for following in islice(lines, _MOST_LINES):
            taken.append(following)
            quotes += following[1].count('"')
            if quotes % 2 == 0:
                fields = _fields("".join(each for _, each in taken))
                break
    if fields is None or len(fields) != len(header):
        lines.give_back(taken[1:])
        if fields is None:
            raise RowRejected(Reason.BAD_QUOTES)
        raise RowRejected(Reason.COLUMN_COUNT)
    whole = "".join(fields)
    if not whole.isascii() and any("\ud800" <= each <= "\udfff" for each in whole):
        raise RowRejected(Reason.BAD_ENCODING)
    if _CONTROL.search(whole):
        raise RowRejected(Reason.CONTROL_CHARACTER)
    return dict(zip(header, fields, strict=True))


def _fields(text: str) -> list[str] | None:
    """The fields of one row, or None where the text is not exactly one."""
    if '"' not in text:
        return text.rstrip("\r\n").split(",")
    try:
        parsed = list(csv.reader([text], strict=True))
    except csv.Error:
        return None
    return parsed[0] if len(parsed) == 1 else None
