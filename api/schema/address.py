"""Where a person lives and where mail goes: two types, because rules differ between them."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from db.catalog_records import CATALOG


@record("HomeAddress", CATALOG.entities["HomeAddress"].about)
class HomeAddress:
    """Coordinates of a home address."""

    line1: Guarded = guarded("HomeAddress.line1")
    line2: Guarded = guarded("HomeAddress.line2")
    line3: Guarded = guarded("HomeAddress.line3")
    city: Guarded = guarded("HomeAddress.city")
    state: Guarded = guarded("HomeAddress.state")
    zip: Guarded = guarded("HomeAddress.zip")
    county: Guarded = guarded("HomeAddress.county")


@record("MailingAddress", CATALOG.entities["MailingAddress"].about)
class MailingAddress:
    """Coordinates of a mailing address."""

    line1: Guarded = guarded("MailingAddress.line1")
    line2: Guarded = guarded("MailingAddress.line2")
    line3: Guarded = guarded("MailingAddress.line3")
    city: Guarded = guarded("MailingAddress.city")
    state: Guarded = guarded("MailingAddress.state")
    zip: Guarded = guarded("MailingAddress.zip")
    county: Guarded = guarded("MailingAddress.county")
