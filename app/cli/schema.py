"""`gateway schema`: the GraphQL schema as text."""

from pathlib import Path
from typing import Annotated

import typer

from app.cli.session import REFUSED, WRONG_USE, fail, say
from app.server.graphql.schema import print_schema

_FILE = Path("schema.graphql")


def schema(
    *,
    write: Annotated[bool, typer.Option("--write", help="Write it to schema.graphql in this folder.")] = False,
    check: Annotated[
        bool, typer.Option("--check", help="Compare it with schema.graphql; status 1 where it differs.")
    ] = False,
) -> None:
    """Print the GraphQL schema."""
    if write and check:
        fail("--write and --check: give one of them", WRONG_USE)
    text = print_schema()
    if write:
        _FILE.write_text(text)
        say(f"{_FILE} is written.")
    elif check:
        if not _FILE.is_file() or _FILE.read_text() != text:
            fail(f"{_FILE} is not the schema of this code; run `gateway schema --write`", REFUSED)
        say(f"{_FILE} is the schema of this code.")
    else:
        typer.echo(text, nl=False)
