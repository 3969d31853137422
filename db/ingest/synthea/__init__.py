"""Synthea CSV folders → records, in order of control flow.

importing   one import, top to bottom
files       which files and columns there are; a folder that lacks a required one is refused
gathering   one pass over each file
reading     bytes → rows of text with their line numbers
values      text → dates, amounts, names, codes
roster      payers, coverage, patients → who is imported
care        visits and all that refers to them → the folders of their patients
labels      codes and descriptions → HL7 sensitivity labels
tally       what was read, imported, skipped and rejected, and why
providers   organizations, clinicians, payers → providers and plans
coverage    payer transitions and paid visits → days of enrollment
deriving    what no source row says: drawn by seed and person, marked as derived
people      a person → demographic, contact, eligibility and enrollment rows
claims      visits and drug orders → claims
rows        rows by table, ready to be copied
report      the counts, as data and as lines
"""
