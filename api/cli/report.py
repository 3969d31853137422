"""What a change of the policy does and what speaks against it, as lines for a person."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from api.cli.output import table

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

_MOST: Final = 4
"""Coordinates that a line names; the rest are counted."""

DIFF: Final = """
  access { role action coordinates before after direction peopleGained peopleLost }
  settings { what before after direction }
  onlyNarrows
"""
REPORT: Final = (
    "findings { severity check text role coordinate action row }"
    + DIFF
    + "replay { operation role before after opens breaks seen }"
)


def show_findings(findings: Iterable[Mapping[str, Any]]) -> None:
    """A line each; the text has the counterexample."""
    for line in lines_of(findings):
        print(line)


def lines_of(findings: Iterable[Mapping[str, Any]]) -> Iterator[str]:
    """Each finding as a line."""
    for finding in findings:
        yield f"{finding['severity']}: {finding['check']}: {finding['text']}"


def show_diff(diff: Mapping[str, Any]) -> None:
    """What differs, as a table, and what that comes to for those whom it is about."""
    if not diff["access"] and not diff["settings"]:
        print("nothing differs: all decisions and settings stay as they are")
        return
    if diff["access"]:
        _block("access", [_access(change) for change in diff["access"]])
    if diff["settings"]:
        names = ("what", "before", "after", "direction")
        rows = [{n: change[n] or "-" for n in names} for change in diff["settings"]]
        _block("settings", rows)
    print()
    print("only narrows: yes" if diff["onlyNarrows"] else "only narrows: no")


def show_report(report: Mapping[str, Any]) -> None:
    """Findings, what differs, and which operations of clients would be answered otherwise."""
    show_findings(report["findings"])
    show_diff(report)
    if report["replay"]:
        names = ("operation", "role", "seen")
        rows = [
            {**{n: line[n] for n in names}, "opens": _few(line["opens"]),
             "breaks": _few(line["breaks"])}
            for line in report["replay"]
        ]  # fmt: skip
        _block("operations that clients sent and that would be answered otherwise", rows)


def errors_of(report: Mapping[str, Any]) -> int:
    """How many findings refuse a commit."""
    return sum(finding["severity"] == "error" for finding in report["findings"])


def _access(change: Mapping[str, Any]) -> dict[str, object]:
    row: dict[str, object] = {
        "role": change["role"],
        "action": change["action"],
        "coordinates": _few(change["coordinates"]),
        "before": change["before"],
        "after": change["after"],
        "direction": change["direction"],
    }
    if change["peopleGained"] is not None or change["peopleLost"] is not None:
        row["people"] = f"+{change['peopleGained'] or 0} -{change['peopleLost'] or 0}"
    return row


def _block(title: str, rows: list[dict[str, object]]) -> None:
    print(f"\n{title}")
    names = list(dict.fromkeys(name for row in rows for name in row))
    table([{name: row.get(name, "-") for name in names} for row in rows], as_json=False)


def _few(names: list[str]) -> str:
    shown = ", ".join(names[:_MOST]) or "-"
    return shown if len(names) <= _MOST else f"{shown} and {len(names) - _MOST} more"
