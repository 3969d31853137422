"""The middle room: who may do what, decided once per policy version. The only room with Casbin.

In the order in which a request meets them:

    principal             who asks; the one role in which a request acts (pure)
    snapshot              policy and orders at one moment, swapped whole; decisions of a role
    follower              the snapshot and the head in PostgreSQL; its parts are head_reader (looks
                          that requests share), recent (policies that were read lately) and
                          drift_watch (grants against the policy, behind the requests)
    decision              Allow, AllowWhere, Deny; the decisions of a role (pure)

How a policy becomes decisions:

    scope                 the text of a row scope → a condition on rows, with
                          scope_words (text → words) and scope_types (what fits what) (pure)
    policy, policy_check  roles, classes, rules, scopes; refuses what it does not know (pure)
    policy_coordinates    what policy, orders and disclosures show of themselves (pure)
    questions             every coordinate and action that can be asked about (pure)
    order, ceiling        court orders as dated data; what they leave of a policy (pure)
    index, hierarchy      which rules can match; what is in what (pure)
    casbin_lines          policy → the lines of a Casbin CSV (pure)
    enforcer, model.conf  policy → decisions, by Casbin

What becomes of them in PostgreSQL:

    floor                 policy and orders → the grants and days that PostgreSQL holds (pure)
    store                 policy and orders as one text, and the head version

Files: policy_file and order_file read TOML through strict_table; packaged reads seed/ and orders/.

    errors                FW21x who acts, FW3xx decisions, FW4xx policy and orders
    near                  what somebody may have meant by an unknown name
"""
