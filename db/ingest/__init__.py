"""Records in, whole people at a time. Knows tables and columns; knows nothing of who may see them.

load          the one way in: columns of every table, a batch in one transaction
seed          generated people to a database, block after block
generate      people as a pure function of a seed, made by, in this order:
              chance (draws, days), facts (*.toml), directory (providers, plans), household,
              status, contact, coverage, care, person
synthea/      people from Synthea's CSV files
"""
