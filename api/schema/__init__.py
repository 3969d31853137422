"""The schema that clients see, a noun a file.

types          column → GraphQL type; enums of coded values
filters        `where` and `orderBy` inputs, one per entity, out of the catalog
aggregate      numbers, groups and their keys
connection     Relay connections and their arguments
enrollee, address, span, claim, provider, plan      records
policy, order, viewer                               what is no record
query          root fields
build          all of it, checked
"""
