"""`python -m simulacra`: the command line without an installed script."""

from simulacra.cli import main

main()
