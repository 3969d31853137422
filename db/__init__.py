"""The lowest room: what records are and how PostgreSQL is asked for them. Imports nothing of ours.

In the order in which a request meets them:

    catalog, codes        coordinates, columns, relations, value lists (pure); their entries in
                          tables and catalog_records
    predicate, plan       row conditions; the typed intermediate form of an operation (pure)
    sql/                  plan → statement; the only package that makes SQL text (pure)
    session               one connection, as the gateway wants it
    budget, pools         how many there are, and whose; each request's is that of its role
    execute               statement → bytes; guard names what raises in it when it is stale
    head, capacity        the head of the policy; how many sessions a server lets in
    changes, versions     the life of a policy version; workers: who uses which; operations: what
                          clients send. All through functions of the owner, by way of writing
    floor                 what PostgreSQL has to grant (pure); floor_login names and passwords,
                          floor_apply and floor_policies into a database, floor_drift compares
    embedded, migrate     a server of its own; the schema
    ingest/               records in: generated, or read from Synthea files
    errors                the error tree of every room
"""
