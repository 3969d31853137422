"""Providers."""

from __future__ import annotations

from api.guard import Guarded, guarded, record
from api.schema.connection import connection
from db.catalog_records import CATALOG


@record("Provider", CATALOG.entities["Provider"].about)
class Provider:
    """Coordinates of a provider."""

    id: Guarded = guarded("Provider.id")
    npi: Guarded = guarded("Provider.npi")
    name: Guarded = guarded("Provider.name")
    taxonomy: Guarded = guarded("Provider.taxonomy")
    city: Guarded = guarded("Provider.city")
    state: Guarded = guarded("Provider.state")


ProviderEdge, ProviderConnection = connection("Provider")
