"""The text of a row scope, cut into words with their positions. Knows nothing of what they mean."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final

from authz.errors import ScopeInvalid

LONGEST: Final = 4000
"""Characters of a scope: policy is written by hand, and a longer text is a mistake or an attack."""


class Sort(Enum):
    """What a word looks like."""

    NAME = "name"
    TEXT = "quoted text"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Word:
    """A word and the character at which it begins, from 1. Quoted text comes without its quotes."""

    sort: Sort
    text: str
    position: int


_WORD: Final = re.compile(
    r"""\s* (?:
        (?P<NAME> [A-Za-z_][A-Za-z0-9_]* )
      | (?P<NUMBER> [0-9]+ (?![A-Za-z0-9_]) )
      | '(?P<TEXT> (?: [^'] | '' )* )'
      | (?P<SIGN> <= | >= | != | [=<>(),.-] )
    )""",
    re.VERBOSE,
)


def words(text: str) -> tuple[Word, ...]:
    """All words, the last of sort END. Raises ScopeInvalid where no word begins."""
    if len(text) > LONGEST:
        raise ScopeInvalid(f"longer than {LONGEST} characters", LONGEST + 1)
    found: list[Word] = []
    at = 0
    end = len(text.rstrip())
    while at < end:
        match = _WORD.match(text, at)
        if match is None or match.lastgroup is None:
            stop = at + len(text[at:]) - len(text[at:].lstrip())
            raise ScopeInvalid(f"nothing begins with {text[stop]!r}", stop + 1)
        sort = Sort[match.lastgroup]
        begin = match.start(match.lastgroup) - (sort is Sort.TEXT)
        found.append(Word(sort, match[match.lastgroup].replace("''", "'"), begin + 1))
        at = match.end()
    return (*found, Word(Sort.END, "", end + 1))
