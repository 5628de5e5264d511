"""The tree of commands."""

from app.cli import client, demo, doctor, indexes, keys, load, rebuild, rollup, schema, serve
from app.cli.root import new_root

app = new_root()
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
