"""Who asks: a role and the claims of a token. Knows no policy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from authz.principal import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, eq=False)
class Asker:
    """A principal by what its token says; `about` is for whoever reads a failure."""

    role: str
    about: str
    claims: Mapping[str, object] = field(default_factory=dict)

    @property
    def subject(self) -> str:
        """Whom the issuer names."""
        return str(self.claims.get("sub", f"demo-{self.role}"))

    @property
    def attributes(self) -> dict[str, tuple[str, ...]]:
        """What row scopes may speak of, each a list of text."""
        return {
            name: tuple(map(str, value)) if isinstance(value, list | tuple) else (str(value),)
            for name, value in self.claims.items()
            if name in ATTRIBUTES
        }

    def __str__(self) -> str:
        return f"{self.role} ({self.about}) {dict(self.claims)}"
