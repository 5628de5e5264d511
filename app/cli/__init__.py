"""The command `gateway`. Exit statuses: 0 done, 1 some input refused, 2 wrong use, 3 database out of reach."""

from app.cli.commands import main

__all__ = ["main"]
