"""Reads YAML as its version 1.2 has it, and writes it. Knows nothing of what a text is about.

`on` and `no` are text, and so are 06001 and 2026-06-01: to version 1.1 these are true, false, 3073
and a day. Anchors and doubled keys are refused, because they are easily taken for other than they
are, and tags that make more than plain values.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, ClassVar, Final

import yaml

if TYPE_CHECKING:
    from db.errors import FieldwardError

_LONGEST: Final = 200_000
"""Characters of a text: it is written by hand."""


class _Reader(yaml.SafeLoader):  # type: ignore[misc]  # PyYAML ships no types
    """Makes plain values and nothing else."""

    yaml_implicit_resolvers: ClassVar[dict[str, object]] = {}

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.MarkedYAMLError(None, None, "no anchors", self.peek_event().start_mark)
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[str, object]:
        seen: set[str] = set()
        for key, _ in node.value:
            if not isinstance(key, yaml.ScalarNode) or key.tag != _TEXT:
                raise yaml.MarkedYAMLError(None, None, "a key is not text", key.start_mark)
            if key.value in seen:
                raise yaml.MarkedYAMLError(None, None, "a key twice", key.start_mark)
            seen.add(key.value)
        found: dict[str, object] = super().construct_mapping(node, deep)
        return found


class _Writer(yaml.SafeDumper):  # type: ignore[misc]  # PyYAML ships no types
    """Writes what `_Reader` reads as the same: quotes whatever either YAML takes for no text."""

    def ignore_aliases(self, data: object) -> bool:
        return True


_TEXT: Final = "tag:yaml.org,2002:str"
for _tag, _pattern, _first in (
    ("null", r"~|null|", ["~", "n", ""]),
    ("bool", r"true|false", list("tf")),
    ("int", r"[-+]?(?:0|[1-9][0-9]*)", list("-+0123456789")),
    ("float", r"[-+]?(?:0|[1-9][0-9]*)\.[0-9]+", list("-+0123456789")),
):
    _Reader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(f"(?:{_pattern})\\Z"), _first
    )


def loaded(text: str, error: type[FieldwardError]) -> object:
    """What a text says. Raises `error` for one that is not YAML, or says something twice."""
    if len(text) > _LONGEST:
        raise error(f"longer than {_LONGEST} characters")
    try:
        return yaml.load(text, Loader=_Reader)  # noqa: S506 - it is a SafeLoader
    except yaml.MarkedYAMLError as problem:
        line = "" if problem.problem_mark is None else f" on line {problem.problem_mark.line + 1}"
        raise error(f"not YAML: {problem.problem}{line}") from problem
    except (yaml.YAMLError, ValueError) as problem:
        raise error("not YAML") from problem
    except RecursionError as problem:
        raise error("nested too deep") from problem


def written(value: object) -> str:
    """A text that `loaded` reads as the same."""
    text: str = yaml.dump(
        value, Dumper=_Writer, sort_keys=False, allow_unicode=True, default_flow_style=None
    )
    return text
