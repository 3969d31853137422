"""Edits of a policy version: tables as TOML and GraphQL have them → the version that follows. Pure.

edited       edits, one after the other, over a version
forms        the keys of each edit, as data
draft        a version while edits are made to it, in parts
policy       grants, roles, classes, scopes
orders       court orders and their status
promises     invariants and cases
subjects     who is assigned which role
"""
