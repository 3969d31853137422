"""The middle room: who may do what, decided once per policy version. The only room with Casbin.

In the order in which a request meets them:

    principal             who asks; the one role in which a request acts (pure)
    snapshot              policy and orders at one moment, swapped whole; decisions of a role
    follower              the snapshot and the head in PostgreSQL; its parts are head_reader (looks
                          that requests share), recent (policies that were read lately),
                          presence (which version this process uses, told to all) and
                          drift_watch (grants against the policy, behind the requests)
    decision              Allow, AllowWhere, Deny; the decisions of a role (pure)

How a policy becomes decisions:

    scope                 the text of a row scope → a condition on rows, with
                          scope_words (text → words) and scope_types (what fits what) (pure)
    policy, policy_check  roles, classes, rules, scopes; refuses what it does not know (pure)
    wildcards             classes that follow from the catalog (pure)
    policy_coordinates    what policy, orders and disclosures show of themselves (pure)
    questions             every coordinate and action that can be asked about (pure)
    order, ceiling        court orders as dated data; what they leave of a policy (pure)
    index, hierarchy      which rules can match; what is in what (pure)
    casbin_lines          policy → the lines of a Casbin CSV (pure); casbin_import reads them back
    enforcer, model.conf  policy → decisions, by Casbin
    decided               decisions, kept by all that they rest on

What a version is, and how one follows another:

    document              policy, orders, invariants, cases, assignments: all of a version (pure)
    invariant, case       what no edit may allow; who may do what with a row that is made up (pure)
    edits/                edits → the version that follows (pure)
    checks/               what speaks against it (pure)
    diff/                 what differs, and for whom; whether it only narrows (pure)
    implies               whether one condition holds only where another does (pure)
    explain, matcher      why, who else, the whole as a table; by rules that are found one by one,
    routes, wording       the ways on which they are reached, and in words (pure)
    synthetic, holds      rows that are made up, and conditions on them (pure)

What becomes of them in PostgreSQL:

    floor                 policy and orders → the grants and days that PostgreSQL holds (pure)
    store                 policy and orders as one text, and the head version

Files: policy_file, order_file and invariant_file read TOML through strict_table, case_file reads
YAML through strict_yaml, policy_text writes; packaged reads seed/ and orders/.

    errors                FW21x who acts, FW3xx decisions, FW4xx policy and orders
    near                  what somebody may have meant by an unknown name
"""
