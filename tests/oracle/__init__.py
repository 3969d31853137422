"""The naive evaluator that the compiled path is checked against; slow, plain, and of its own mind.

It reads whole record tables into Python objects, executes operations with graphql-core, and asks
Casbin about every field of every row. It shares the schema, the catalog and the policy with the
compiled path, and no logic.

    records       whole tables, and the rows that relations lead to
    values        the value of a column on a day, derived ones worked out anew
    truth         three-valued logic: what is missing or hidden is neither true nor false
    scope         the text of a row scope, evaluated on a row
    asker         who asks
    authority     Casbin, asked with all that a row meets
    seen          the records as one asker may see them
    filters       `where` on a row, along links too
    pages         orders, pages, cursors
    grouping      `groupBy` on a row
    tables        rows in cells: what is counted and measured, which cells are withheld
    clauses       the parts of a filter, and whom each of them sets apart
    demands       what arguments ask for, whatever the records: refusals
    survey        what selections ask for, whatever the records: denials, conditions
    reading       what it gets
    answer        an answer in comparable form, from either side
    evaluator     all of it: operation → answer

What compares with it:

    world         a gateway and the oracle over the same records; both answers to one question
    operations    generated operations; sketch, inputs, aggregating and pool are their parts
    documents     one document for each feature
    corners       a policy and records of the awkward kind
    people_who_ask  askers that fit the records, and some that do not
"""
