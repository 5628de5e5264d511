"""The data directory of an embedded mongod: what lies where in it, and the state that its keeper leaves there."""

import json
import os
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class State:
    """What a keeper says of its mongod. Only the port outlives the keeper; the process ids are for people to read."""

    port: int
    ready: bool
    keeper: int
    mongod: int | None


@dataclass(frozen=True, slots=True)
class DataDirectory:
    """The files under one absolute path. Whoever shares this directory shares one mongod."""

    root: Path

    @property
    def users_lock(self) -> Path:
        """Shared by every gateway process that uses the mongod; the keeper's alone when no such process is left."""
        return self.root / "users.lock"

    @property
    def start_lock(self) -> Path:
        """Held by the one process that looks for a keeper or starts one."""
        return self.root / "start.lock"

    @property
    def keeper_lock(self) -> Path:
        """Held by the keeper and by its mongod: free means that both are gone."""
        return self.root / "keeper.lock"

    @property
    def database(self) -> Path:
        """Where mongod keeps its data."""
        return self.root / "mongod"

    @property
    def mongod_log(self) -> Path:
        """What the running mongod said; what came before is in the same name with `.1`."""
        return self.root / "mongod.log"

    @property
    def keeper_log(self) -> Path:
        """What keepers said."""
        return self.root / "keeper.log"

    @property
    def _state(self) -> Path:
        return self.root / "keeper.json"

    def create(self) -> None:
        """Make what is missing, open to this user only. Raises OSError where that cannot be."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.database.mkdir(mode=0o700, exist_ok=True)

    def state(self) -> State | None:
        """Return what the last keeper left; None where there is nothing usable (never any, or torn by a power cut)."""
        try:
            kept = json.loads(self._state.read_bytes())
            return State(
                port=int(kept["port"]), ready=kept["ready"] is True, keeper=kept["keeper"], mongod=kept["mongod"]
            )
        except (OSError, ValueError, KeyError, TypeError):
            return None

    def write_state(self, state: State) -> None:
        """Replace the state in one step: a reader sees the old one or the new one, whole."""
        draft = self._state.with_suffix(".draft")
        with draft.open("w", encoding="utf-8") as file:
            json.dump(asdict(state), file)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(self._state)


def rotate(log: Path, *, above: int) -> bool:
    """Move a log of more than `above` bytes to the same name with `.1`, over what was there; say whether it did."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > above:
            log.replace(log.with_name(log.name + ".1"))
            return True
    return False
