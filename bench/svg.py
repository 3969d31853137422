"""SVG text: shapes, words and a frame that is readable on light and on dark. Pure, deterministic.

Colours are classes, so that the reader's own scheme chooses: a viewer without one shows light.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING
from xml.sax.saxutils import escape

if TYPE_CHECKING:
    from collections.abc import Iterable

# Name → colour on light and on dark; each keeps 3:1 against its background.
_COLOURS = {
    "paper": ("#ffffff", "#0d1117"),
    "ink": ("#1f2328", "#e6edf3"),
    "faint": ("#59636e", "#9198a1"),
    "grid": ("#d1d9e0", "#30363d"),
    "fieldward": ("#0b5fd0", "#58a6ff"),
    "bare": ("#6e7781", "#8b949e"),
    "postgraphile": ("#b45309", "#e3a008"),
    "apollo": ("#0f7b4d", "#3fb979"),
    "naive": ("#c02f3a", "#f4727b"),
    "bar": ("#c02f3a", "#f4727b"),
}


def picture(width: int, height: int, title: str, parts: Iterable[str]) -> str:
    """A whole SVG file."""

    def rules(which: int) -> str:
        return "".join(
            f".{name}{{fill:{pair[which]};stroke:{pair[which]}}}" for name, pair in _COLOURS.items()
        )

    style = (
        "text{font:12px system-ui,-apple-system,'Segoe UI',sans-serif;stroke:none}"
        ".small{font-size:11px}.title{font-size:15px;font-weight:600}.strong{font-weight:600}"
        ".paper{stroke:none}.line{fill:none;stroke-width:2;stroke-linejoin:round}"
        f"{rules(0)}@media(prefers-color-scheme:dark){{{rules(1)}}}"
        "text{stroke:none!important}.line{fill:none!important}"
    )
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
        f'width="{width}" height="{height}" role="img">\n'
        f"<title>{escape(title)}</title>\n<style>{style}</style>\n"
        f'<rect class="paper" width="{width}" height="{height}" rx="6"/>\n{body}\n</svg>\n'
    )


def words(
    x: float, y: float, text: str, kind: str = "ink", anchor: str = "start", angle: int = 0
) -> str:
    """A line of text, its base line at y."""
    turned = f' transform="rotate({angle} {_n(x)} {_n(y)})"' if angle else ""
    return (
        f'<text class="{kind}" x="{_n(x)}" y="{_n(y)}" text-anchor="{anchor}"{turned}>'
        f"{escape(text)}</text>"
    )


def box(x: float, y: float, width: float, height: float, kind: str) -> str:
    """A filled rectangle."""
    return (
        f'<rect class="{kind}" stroke-width="0" x="{_n(x)}" y="{_n(y)}" '
        f'width="{_n(max(width, 0.5))}" height="{_n(height)}"/>'
    )


def stroke(x1: float, y1: float, x2: float, y2: float, kind: str, dash: str = "") -> str:
    """A straight line."""
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    return f'<line class="{kind}" x1="{_n(x1)}" y1="{_n(y1)}" x2="{_n(x2)}" y2="{_n(y2)}"{dashed}/>'


def curve(points: Iterable[tuple[float, float]], kind: str) -> str:
    """A line through points."""
    through = " ".join(f"{_n(x)},{_n(y)}" for x, y in points)
    return f'<polyline class="line {kind}" points="{through}"/>'


def dot(x: float, y: float, kind: str) -> str:
    """A point of a line."""
    return f'<circle class="{kind}" stroke-width="0" cx="{_n(x)}" cy="{_n(y)}" r="2.5"/>'


def ticks(most: float, about: int = 5) -> list[float]:
    """Round numbers from 0 up to at most `most`."""
    raw = max(most, 1e-9) / about
    power = 10 ** math.floor(math.log10(raw))
    step = next(power * each for each in (1, 2, 5, 10) if power * each >= raw)
    return [round(step * i, 10) for i in range(int(most / step + 1e-9) + 1)]


def decades(low: float, high: float) -> list[float]:
    """Powers of ten around two positive numbers."""
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    return [10.0**each for each in range(first, max(last, first + 1) + 1)]


def _n(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
