"""The tree of commands."""

import typer


def tree(first: str | None) -> typer.Typer:
    """Make the command `gateway` for a command line whose first argument is this.

    What is done often, and is done in less time than the modules of the server take to load, does without them.
    """
    root = typer.Typer(
        name="gateway",
        help="GraphQL and REST over connection and API-call analytics in MongoDB. Settings: environment variables "
        "GATEWAY_*, see the README.",
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
    )
    match first:
        case "load":
            from app.cli import load  # noqa: PLC0415

            root.add_typer(load.app, name="load")
        case "keys":
            from app.cli import keys  # noqa: PLC0415

            root.add_typer(keys.app, name="keys")
        case _:
            _add_all(root)
    return root


def _add_all(root: typer.Typer) -> None:
    from app.cli import client, demo, doctor, indexes, keys, load, rebuild, rollup, schema, serve  # noqa: PLC0415

    root.command("serve")(serve.serve)
    root.command("demo")(demo.demo)
    root.add_typer(load.app, name="load")
    root.add_typer(rebuild.app, name="rebuild")
    root.command("rollup")(rollup.rollup)
    root.add_typer(keys.app, name="keys")
    root.add_typer(client.summary, name="summary")
    root.add_typer(client.connections, name="connections")
    root.command("schema")(schema.schema)
    root.command("indexes")(indexes.indexes)
    root.command("doctor")(doctor.doctor)
