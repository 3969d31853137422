"""Measurements that can be repeated, each a module with a command. Nothing imports them but tests.

equal_answers   not found and not yours take the same time
row_policy      what the row policy costs the capped role
compare         Fieldward beside bare SQL and others: `make bench`
scale           pages among 100,000 and a million people, and their plans
decisions       what decisions cost, by the shape of the rules
micro           what each step of a request takes: `make bench-micro`
soak            memory of a worker under a mixed load: `make soak`

What they stand on:

asgi            requests to a gateway in this process, without a socket
people          a server of its own with generated people, and a gateway over it
peers           competitors as processes, on free ports; listening, and a module for each
operations      what each is asked; equivalence: that all answer the same
load            load on one server by wrk, which runs rotate.lua
mix             what a soak asks, and which answers are right
processes       processor time and memory of servers
machine         what a measurement was taken on
report          slices of load → medians, paired ratios, bars, a table
plots, svg      plots of a report; shapes and words
"""
