"""The middle room: who may do what, decided once per policy version. The only room with Casbin.

In the order in which a request meets them:

    principal             who asks; the one role in which a request acts (pure)
    decision              Allow, AllowWhere, Deny; the decisions of a role (pure)
    scope                 the text of a row scope → a condition on rows (pure)
    policy                roles, classes, rules, scopes: parsed strictly (pure)
    order, ceiling        court orders as dated data; what they leave of a policy (pure)
    enforcer, model.conf  policy → decisions, by Casbin
    snapshot              all of it at one moment, swapped whole
    errors                FW3xx decisions, FW4xx policy and orders
"""
