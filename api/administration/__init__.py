"""The policy as administrators change it and auditors read it: behind the root fields about it.

caller       who asks, and what was decided about that
changes      a change on its way: built, checked, kept, approved, committed
wanted       what somebody wants the policy to be → the version that follows (pure)
report       what a change does and what speaks against it, as it is kept with the change
impact       how many people come into reach or leave it
replay       the operations that clients sent, under both versions (pure)
inquiry      why something is decided, who else may, the whole as a table
documents    versions that were read, kept for those who ask again
shown        versions and changes as plain values
"""
