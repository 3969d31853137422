"""What checks, comparison and replay say of a change of the policy."""

from __future__ import annotations

from api.schema.local import local_type

PolicyFinding = local_type("PolicyFinding", "What speaks against a version: a counterexample.")
PolicyAccessChange = local_type(
    "PolicyAccessChange", "Coordinates of which one role may then do something more or less."
)
PolicySettingChange = local_type("PolicySettingChange", "Anything else that differs.")
PolicyReplay = local_type(
    "PolicyReplay", "An operation that clients sent and that would be answered otherwise."
)
_CHANGES = {"access": PolicyAccessChange, "settings": PolicySettingChange}
PolicyDiff = local_type("PolicyDiff", "What differs between two versions.", _CHANGES)
PolicyReport = local_type(
    "PolicyReport",
    "What a change would do, and what speaks against it.",
    {"findings": PolicyFinding, **_CHANGES, "replay": PolicyReplay},
)
