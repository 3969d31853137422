"""Payer transitions and paid visits → days of enrollment. Knows days and programs; reads no file.

Spans come from payer_transitions.csv. Older releases write years and leave out each person's last
span, and newer ones write only the last years; so days that no transition speaks of are filled
from visits: an unbroken series of visits that Medicaid paid for is a span from the first to the
last of them, and its ends are derived.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, timedelta
from enum import Enum
from typing import TYPE_CHECKING

from db.ingest.synthea import values
from db.ingest.synthea.tally import Reason, RowRejected

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

_DAY = timedelta(days=1)
_YEAR = timedelta(days=365)


class Program(Enum):
    """Of a Synthea payer: Medicaid alone, or Medicaid beside Medicare."""

    MEDICAID = "Medicaid"
    DUAL = "Dual Eligible"


def program(name: str, ownership: str) -> Program | None:
    """The program of a payer, by name; a payer that is said to be private is none."""
    if ownership and ownership.casefold() != "government":
        return None
    plain = " ".join(name.casefold().replace("_", " ").split())
    if plain == "dual eligible":
        return Program.DUAL
    return Program.MEDICAID if "medicaid" in plain.split() else None


@dataclass(frozen=True, slots=True)
class Span:
    """From a day to a day, both included; end None is open. `program` None is another payer."""

    start: date
    end: date | None
    program: Program | None
    start_derived: bool = False
    end_derived: bool = False


@dataclass(frozen=True, slots=True)
class Visit:
    """The day of a visit and the program that paid for it, if one did."""

    day: date
    program: Program | None


def transition(start: str, end: str, covered_by: Program | None) -> Span:
    """A row of payer_transitions.csv: years (both included, so that the days are derived), or
    moments, of which the end is the next span's beginning. An empty end is open."""
    if values.is_year(start):
        first = _day(f"{start}-01-01", "START_YEAR")
        if end and not values.is_year(end):
            raise RowRejected(Reason.BAD_DATE, "END_YEAR")
        last = _day(f"{end}-12-31", "END_YEAR") if end else None
        span = Span(first, last, covered_by, start_derived=True, end_derived=last is not None)
    else:
        first = _day(start, "START_DATE")
        last = max(_day(end, "END_DATE") - _DAY, first) if end else None
        if end and _day(end, "END_DATE") < first:
            raise RowRejected(Reason.ENDS_BEFORE_START, "END_DATE")
        span = Span(first, last, covered_by)
    if span.end is not None and span.end < span.start:
        raise RowRejected(Reason.ENDS_BEFORE_START, "END_YEAR")
    return span


def _day(text: str, column: str) -> date:
    try:
        return values.day(text)
    except RowRejected as rejected:
        raise RowRejected(rejected.reason, column) from None


def covered(
    transitions: Sequence[Span],
    visits: Iterable[Visit],
    born: date,
    died: date | None,
    last_day: date,
) -> tuple[Span, ...]:
    """Spans of each program, merged, in order. `last_day` is the last day of the whole folder.

    A span that reaches the last day is open. None begins before birth or goes on after death.
    """
    known = [span for span in transitions if span.program is not None]
    spans = [*known, *_from_visits(transitions, visits, last_day)]
    lived = [each for span in spans if (each := _within_life(span, born, died, last_day))]
    return tuple(
        sorted(
            (each for one in Program for each in merged(s for s in lived if s.program is one)),
            key=lambda span: span.start,
        )
    )


def _from_visits(
    transitions: Sequence[Span], visits: Iterable[Visit], last_day: date
) -> Iterable[Span]:
    # Each event is a span and whether it is a visit; any other kind of event ends a series.
    events = [(span, False) for span in transitions]
    events += [
        (Span(v.day, v.day, v.program, True, True), True) for v in _outside(transitions, visits)
    ]
    series: Span | None = None
    for span, is_visit in sorted(events, key=lambda event: event[0].start):
        if is_visit and series is not None and series.program is span.program:
            series = replace(series, end=span.end)
            continue
        if series is not None:
            yield series
        series = span if is_visit and span.program is not None else None
    if series is not None:
        # A person who was seen in the last year is still enrolled when the folder ends.
        recent = series.end is not None and series.end >= last_day - _YEAR
        yield replace(series, end=None, end_derived=False) if recent else series


def _outside(transitions: Sequence[Span], visits: Iterable[Visit]) -> Iterable[Visit]:
    """The visits on days of which no transition speaks, in order."""
    spans = sorted(transitions, key=lambda span: span.start)
    place = 0
    reach: date | None = date.min
    for visit in sorted(visits, key=lambda each: each.day):
        while place < len(spans) and spans[place].start <= visit.day:
            end = spans[place].end
            reach = None if reach is None or end is None else max(reach, end)
            place += 1
        if reach is not None and visit.day > reach:
            yield visit


def _within_life(span: Span, born: date, died: date | None, last_day: date) -> Span | None:
    if span.end is not None and span.end >= last_day:
        span = replace(span, end=None, end_derived=False)
    if span.start < born:
        span = replace(span, start=born, start_derived=True)
    if died is not None and (span.end is None or span.end > died):
        span = replace(span, end=died, end_derived=True)
    return None if span.end is not None and span.end < span.start else span


def merged(spans: Iterable[Span]) -> list[Span]:
    """Spans that overlap or adjoin become one, whatever their program."""
    result: list[Span] = []
    for span in sorted(spans, key=lambda each: each.start):
        last = result[-1] if result else None
        if last is None or (last.end is not None and last.end + _DAY < span.start):
            result.append(span)
        elif last.end is not None and (span.end is None or span.end > last.end):
            result[-1] = replace(last, end=span.end, end_derived=span.end_derived)
    return result
