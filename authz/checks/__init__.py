"""What speaks against a version before it is committed, with counterexamples. Pure.

finding      a counterexample, as a value
check        all of the following, in the order of their weight
orders       nothing beyond a court order, in force now or later
invariants   nothing that administrators have promised never to allow
cases        the tests that are kept with the version
rules        rules that can never matter
"""
