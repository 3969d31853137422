"""Synthea CSV folders → records, in order of control flow.

importing   one import, top to bottom
files       which files and columns there are; a folder that lacks a required one is refused
reading     bytes → rows of text with their line numbers
tally       what was read, imported, skipped and rejected, and why
values      text → dates, amounts, names, codes
coverage    payer transitions and paid visits → days of enrollment
gathering   rows → one folder of source rows for each person
deriving    what no source row says: drawn by seed and person, marked as derived
people      a person's source rows → demographic, contact, eligibility and enrollment rows
claims      visits, conditions, procedures, drugs → claims
labels      codes and descriptions → HL7 sensitivity labels
providers   organizations, clinicians, payers → providers and plans
rows        the columns that the import writes, by table
report      the counts, as the command prints them
"""
