"""Plan to statement: the only package that makes SQL text.

pieces       parameters, quoted identifiers, the Statement
rows         what a statement sees of a row; what is current among dated spans
conditions   row condition → SQL
keyset       the order of a page, and where it begins and ends
summary      an aggregate
render       plan → statement
"""
