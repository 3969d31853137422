"""The schema that clients see, a noun a file.

types          column → GraphQL type; enums of coded values
filters        `where` and `orderBy` inputs, one per entity, out of the catalog
aggregate      numbers, groups and their keys
connection     Relay connections and their arguments
enrollee, address, span, claim, provider, plan      records
policy, order, viewer                               what is no record
policy_version, policy_change, policy_report        versions, changes, what changes would do
policy_question                                     answers about the policy
policy_edit                                         edits of it, as input
policy_fields, mutation                             root fields about it that take arguments
local                                               coordinates that are no record → type
query          root fields
build          all of it, checked
"""
