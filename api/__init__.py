"""The upper room: HTTP, tokens, GraphQL. The only room with Starlette, Strawberry and graphql-core.

In the order in which a request meets them:

    app, settings             what lives as long as the gateway; where it finds its databases
    unstored                  no answer may be stored, the framework's own included
    endpoint                  one request, top to bottom
    fresh                     again, where the policy was another by then
    request                   HTTP → GraphQL request
    authenticate              token → principal; claims, key_set, key_source, token_settings,
                              strict_json are its parts
    compiler                  all of the following, kept for requests of one shape; cache
    variables, given          variables → shape and leaves; what a request gives to a kept plan
    document                  text → document: parsed, validated once for all roles, remembered
    operation                 document → operation; the GraphQL AST ends here
    view                      the part of the schema that a role may reach
    planner                   operation and decisions → plan (pure); its parts are gate (what is
                              permitted), narrowing (filters, orders), arguments (values, pages)
    summary_plan              aggregates → plan and shape, with clauses (a filter less each part)
    summary, suppression      numbers → answer; what is withheld of it, with cell, pinning, shape
    cursor                    a keyset, sealed
    local, root, shown        root fields that are no records: introspection, viewer, policy, orders
    administration/           what is behind the root fields that change the policy or ask about it
    demand, whole, recorder   which operations clients send, noted without a value, behind requests
    reply                     envelope around PostgreSQL's bytes; error → code
    guard, schema/            Strawberry types; no field without its guard
    explorer                  GraphiQL's page and assets
    demo, demo_key            the demo: tokens, first queries
    metrics, errors           counters; FW1xx and FW2xx
    cli/                      the `fieldward` command
"""
