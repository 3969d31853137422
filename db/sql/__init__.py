"""Plan to statement: the only package that makes SQL text.

pieces       parameters, quoted identifiers, the Statement
rows         what a statement sees of a row; what is current among dated spans
conditions   row condition → SQL
keyset       the order of a page, and where it begins and ends
listing      one page of rows
summary      an aggregate
reach        how many people conditions of policy reach
steady       whether one way to run a statement is best for all values
render       plan → statement
"""
