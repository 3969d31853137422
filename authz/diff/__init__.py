"""From one version to another: decisions before and after, never only text. Pure.

difference   what differs, as values; wider, narrower or neither
diff         all of it, and whether it is proven that it only narrows
access       decisions of the roles of which something differs
roles        settings of roles, and who is assigned them
orders       court orders, and the caps that they put on roles
promises     invariants and cases
reach        the people whom a difference is about, as a condition on rows
"""
