"""The replica set of one member that an embedded mongod is: change streams and majority writes need one."""

from typing import Any

from pymongo import MongoClient
from pymongo.errors import OperationFailure

from app.store.data_directory import DataDirectory
from app.store.mongod import HOST, REPLICA_SET

NOT_YET_INITIALIZED = 94
ALREADY_INITIALIZED = 23
COMMAND_TIMEOUT_MS = 5_000


def connect(port: int) -> MongoClient[dict[str, Any]]:
    """Return a client of the mongod on this port, whatever state its replica set is in."""
    return MongoClient(HOST, port, directConnection=True, timeoutMS=COMMAND_TIMEOUT_MS)


def advance(client: MongoClient[dict[str, Any]], directory: DataDirectory, *, port: int) -> bool:
    """Take the replica set one step nearer to a primary that names itself HOST:port; say whether it is there.

    Repeat until it says so. Raises PyMongoError where the step failed; it may work the next time.
    """
    if not _is_of(client, directory):
        return False
    config = _config(client)
    if config is None:
        member = {"_id": 0, "host": f"{HOST}:{port}"}
        _initiate(client, {"_id": REPLICA_SET, "members": [member]})
    elif [member["host"] for member in config["members"]] != [f"{HOST}:{port}"]:
        # These data were served on another port. The member does not find itself in its own configuration,
        # so nobody can be primary and only force changes it.
        config["members"] = [{**config["members"][0], "host": f"{HOST}:{port}"}]
        client.admin.command("replSetReconfig", config, force=True)
    return bool(client.admin.command("hello").get("isWritablePrimary", False))


def _is_of(client: MongoClient[dict[str, Any]], directory: DataDirectory) -> bool:
    """Whether this mongod serves this directory, not one that took the port a moment before it."""
    options = client.admin.command("getCmdLineOpts")["parsed"]
    return bool(options.get("storage", {}).get("dbPath") == str(directory.database))


def _config(client: MongoClient[dict[str, Any]]) -> dict[str, Any] | None:
    try:
        config: dict[str, Any] = client.admin.command("replSetGetConfig")["config"]
    except OperationFailure as error:
        if error.code == NOT_YET_INITIALIZED:
            return None
        raise
    return config


def _initiate(client: MongoClient[dict[str, Any]], config: dict[str, Any]) -> None:
    try:
        client.admin.command("replSetInitiate", config)
    except OperationFailure as error:
        # It has a configuration, and was only not done with reading it.
        if error.code != ALREADY_INITIALIZED:
            raise
