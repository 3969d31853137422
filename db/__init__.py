"""The lowest room: what records are and how PostgreSQL is asked for them. Imports nothing of ours.

In the order in which a request meets them:

    catalog, codes        coordinates, columns, relations, value lists (pure); their entries in
                          tables and catalog_records
    predicate, plan       row conditions; the typed intermediate form of an operation (pure)
    sql/                  plan → statement; the only package that makes SQL text (pure)
    pool, execute         connections; bytes out
    embedded, migrate     a server of its own; the schema
    ingest/               records in: generated, or read from Synthea files
    errors                the error tree of every room
"""
