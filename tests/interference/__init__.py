"""What one asker cannot see is changed, and nothing that the asker is told may change with it.

    sight     all that one asker may see of the records, as a value
    draft     records that can be changed, and changed back
    shape     what the tables let a column hold
    fakes     values by chance, such as the tables take
    edits     changes by chance to what may be hidden
    mutation  those of them that the asker cannot see; how much was changed
    store     a draft → the database
    attacks   operations that ask for what is hidden
    pair      two gateways that have to answer alike
    figures   what a comparison did

Knows the oracle's reading of policy and records, and nothing of the compiled path.
"""
