"""Measurements that can be repeated, each a module with a command. Nothing imports them.

equal_answers   not found and not yours take the same time
asgi            requests to a gateway in this process, without a socket
people          a server of its own with generated people, and a gateway over it
"""
