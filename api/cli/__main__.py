"""`python -m api.cli`: the same command without its script."""

from api.cli.main import main

main()
