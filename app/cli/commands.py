"""The tree of commands."""

import typer

from app.cli import client, demo, doctor, indexes, keys, load, rebuild, rollup, schema, serve

app = typer.Typer(
    name="gateway",
    help="GraphQL and REST over connection and API-call analytics in MongoDB. Settings: environment variables "
    "GATEWAY_*, see the README.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
)
app.command("serve")(serve.serve)
app.command("demo")(demo.demo)
app.add_typer(load.app, name="load")
app.add_typer(rebuild.app, name="rebuild")
app.command("rollup")(rollup.rollup)
app.add_typer(keys.app, name="keys")
app.add_typer(client.summary, name="summary")
app.add_typer(client.connections, name="connections")
app.command("schema")(schema.schema)
app.command("indexes")(indexes.indexes)
app.command("doctor")(doctor.doctor)


def main() -> None:
    """Run the command line."""
    app()
