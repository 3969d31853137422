"""The `fieldward` command, a group of commands a file.

main        the command itself; errors → exit status
demo        demo, serve
workers     several processes that serve together
ask         query, token
database    db migrate | seed | import | floor | drift
policy      policy show | check | export; order list | show
output      what a command prints
"""

from api.cli.main import main

__all__ = ["main"]
