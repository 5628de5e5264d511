"""The embedded mongod: one per data directory, there while anyone uses it, gone afterwards. Each one here is real."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from pymongo import MongoClient
from pymongo.errors import PyMongoError
from pymongo.uri_parser import parse_uri

import app
from app.errors import Unavailable
from app.settings import Settings
from app.store.data_directory import DataDirectory, State
from app.store.embedded import embedded_mongod
from app.store.locks import is_held

ROOT = Path(app.__file__ or "").parent.parent
PATIENCE_SECONDS = 40.0
POLL_SECONDS = 0.02

USER = """
import sys
from pathlib import Path
from app.settings import Settings
from app.store.embedded import embedded_mongod
with embedded_mongod(Settings(data_dir=Path(sys.argv[1]), embedded_cache_mb=256)) as uri:
    print(uri, flush=True)
    sys.stdin.read()
"""


def eventually(what: Callable[[], bool], seconds: float = PATIENCE_SECONDS) -> bool:
    """Whether `what` comes true in time."""
    deadline = time.monotonic() + seconds
    while not what():
        if time.monotonic() > deadline:
            return False
        time.sleep(POLL_SECONDS)
    return True


class Home:
    """A data directory with its settings, and the processes that the system shows for it."""

    def __init__(self, root: Path) -> None:
        self.directory = DataDirectory(root)
        self.settings = Settings(data_dir=root, embedded_cache_mb=256)
        self._stack = ExitStack()

    def user(self) -> subprocess.Popen[str]:
        """Start a process that uses the mongod until its standard input ends; it prints the URI when it is in."""
        process = subprocess.Popen(
            [sys.executable, "-c", USER, str(self.directory.root)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            process_group=0,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._stack.enter_context(process)
        self._stack.callback(process.kill)
        return process

    def mongods(self) -> list[int]:
        """Process ids of what runs on this database."""
        return self._processes(str(self.directory.database))

    def keepers(self) -> list[int]:
        """Process ids of this directory's keepers."""
        return self._processes("app.store.keeper", str(self.directory.root))

    def is_empty(self) -> bool:
        """Whether nothing runs here."""
        return not self.mongods() and not self.keepers()

    def close(self) -> None:
        """End the users that a test left."""
        self._stack.close()

    @staticmethod
    def _processes(*arguments: str) -> list[int]:
        found = []
        for path in Path("/proc").glob("[0-9]*/cmdline"):
            try:
                command = path.read_bytes().decode(errors="replace").split("\0")
            except OSError:
                continue
            if set(arguments) <= set(command):
                found.append(int(path.parent.name))
        return found


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Home]:
    """Give a fresh data directory, and see that nothing runs there afterwards."""
    yield from _home(tmp_path / "data")


@pytest.fixture
def other(tmp_path: Path) -> Iterator[Home]:
    """Give a second data directory, likewise."""
    yield from _home(tmp_path / "other")


def _home(root: Path) -> Iterator[Home]:
    home = Home(root)
    yield home
    home.close()
    assert eventually(home.is_empty), f"left: {home.mongods()} {home.keepers()}"


def uri_of(user: subprocess.Popen[str]) -> str:
    """Return what a user prints when it is in."""
    assert user.stdout is not None
    return user.stdout.readline().strip()


def leave(user: subprocess.Popen[str]) -> int:
    """Let a user leave in peace, and return its exit status."""
    user.communicate("", timeout=PATIENCE_SECONDS)
    return user.returncode


def note(uri: str, text: str) -> None:
    """Write one document, acknowledged by the majority."""
    with client_of(uri) as client:
        client["t"]["notes"].insert_one({"_id": text})


def notes(uri: str) -> list[str]:
    """Read them all."""
    with client_of(uri) as client:
        return sorted(found["_id"] for found in client["t"]["notes"].find())


def client_of(uri: str) -> MongoClient[dict[str, Any]]:
    """Return a client that gives up sooner than the default."""
    return MongoClient(uri, serverSelectionTimeoutMS=3000, w="majority")


def serves(uri: str) -> bool:
    """Whether a write is taken now."""
    try:
        with client_of(uri) as client:
            client["t"]["pulse"].insert_one({})
    except PyMongoError:
        return False
    return True


def test_the_first_user_starts_it_and_the_last_one_stops_it(home: Home) -> None:
    """A first start gives a writable replica set on the loopback interface, and leaving stops it before it returns."""
    with embedded_mongod(home.settings) as uri:
        [(host, _)] = parse_uri(uri)["nodelist"]
        assert host == "127.0.0.1"
        with client_of(uri) as client:
            hello = client.admin.command("hello")
            assert hello["isWritablePrimary"]
            assert hello["setName"] == "gateway"
            storage = client.admin.command("getCmdLineOpts")["parsed"]["storage"]
            assert storage["wiredTiger"]["engineConfig"]["cacheSizeGB"] == 0.25
        note(uri, "kept")
        assert len(home.mongods()) == len(home.keepers()) == 1
        assert home.directory.root.stat().st_mode & 0o777 == 0o700
    assert not is_held(home.directory.keeper_lock)
    assert home.mongods() == []
    assert "Now exiting" in home.directory.mongod_log.read_text()


def test_data_and_port_survive_a_stop(home: Home) -> None:
    """The next start serves the same data at the same URI, and keeps one previous log."""
    uris = []
    for run in ("first", "second", "third"):
        with embedded_mongod(home.settings) as uri:
            note(uri, run)
            uris.append(uri)
            kept = notes(uri)
    assert kept == ["first", "second", "third"]
    assert len(set(uris)) == 1
    assert {path.name for path in home.directory.root.glob("mongod.log*")} == {"mongod.log", "mongod.log.1"}


def test_a_second_process_joins_and_the_last_one_out_stops_it(home: Home) -> None:
    """Two processes share one mongod; the one that started it may leave first."""
    starter = home.user()
    uri = uri_of(starter)
    with embedded_mongod(home.settings) as joined:
        assert joined == uri
        assert leave(starter) == 0
        note(joined, "still here")
        assert len(home.mongods()) == len(home.keepers()) == 1
    assert home.mongods() == []


def test_joining_and_leaving_beside_others_is_quick(home: Home) -> None:
    """Who joins a mongod that runs, and leaves it running, waits for neither start nor stop."""
    with embedded_mongod(home.settings) as uri:
        began = time.monotonic()
        with embedded_mongod(home.settings) as joined:
            assert joined == uri
        assert time.monotonic() - began < 0.5
        assert serves(uri)


def test_two_starters_at_once_get_one_mongod(home: Home) -> None:
    """Processes that start at the same moment agree on one keeper and one mongod."""
    users = [home.user() for _ in range(4)]
    assert len({uri_of(user) for user in users}) == 1
    assert len(home.mongods()) == len(home.keepers()) == 1
    assert len(home.directory.keeper_log.read_text().splitlines()) == 1, (
        "one keeper was started, and no second one tried"
    )
    assert [leave(user) for user in users] == [0, 0, 0, 0]
    assert home.mongods() == []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_the_last_user_leaves_nothing_however_it_ends(home: Home, how: signal.Signals) -> None:
    """A signal to the last user stops mongod cleanly, even one that the user never sees."""
    user = home.user()
    note(uri_of(user), "kept")
    user.send_signal(how)
    assert eventually(home.is_empty)
    assert "Now exiting" in home.directory.mongod_log.read_text()


def test_a_starter_killed_in_the_middle_leaves_nothing(home: Home) -> None:
    """A user that dies while mongod is starting for it has its keeper stop that start."""
    user = home.user()
    assert eventually(lambda: bool(home.mongods()))
    user.kill()
    assert eventually(home.is_empty)


def test_a_program_that_a_user_started_does_not_keep_mongod(home: Home) -> None:
    """What a gateway process starts does not inherit its use of the database."""
    with embedded_mongod(home.settings):
        program = subprocess.Popen(["sleep", "60"], close_fds=False)
    with program:
        left = home.mongods()
        program.kill()
    assert left == []


def test_an_interrupt_from_the_terminal_is_for_the_gateway_alone(home: Home) -> None:
    """Ctrl-C, which signals the whole group of the process that started mongod, does not disturb its other users."""
    starter = home.user()
    uri = uri_of(starter)
    with embedded_mongod(home.settings):
        before = home.keepers(), home.mongods()
        os.killpg(starter.pid, signal.SIGINT)
        assert starter.wait(PATIENCE_SECONDS) != 0
        assert not eventually(lambda: (home.keepers(), home.mongods()) != before, seconds=2)
        assert serves(uri)


def test_a_newcomer_waits_for_the_stop_of_the_last_one(home: Home) -> None:
    """Who comes while mongod is stopping gets a fresh one."""
    user = home.user()
    note(uri_of(user), "kept")
    user.kill()
    assert eventually(lambda: is_held(home.directory.users_lock))
    with embedded_mongod(home.settings) as uri:
        assert notes(uri) == ["kept"]


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL], ids=lambda how: how.name)
def test_a_keeper_that_ends_comes_back_at_the_same_uri(home: Home, how: signal.Signals) -> None:
    """While users are inside, a keeper that ends takes its mongod with it, and both come back without a restart."""
    users = [home.user() for _ in range(2)]
    [uri] = {uri_of(user) for user in users}
    note(uri, "before")
    with client_of(uri) as client:
        client.admin.command("ping")
        [keeper], mongods = home.keepers(), home.mongods()
        os.kill(keeper, how)
        assert eventually(lambda: not set(mongods) & set(home.mongods()))
        assert eventually(lambda: serves(uri))
        assert client["t"]["notes"].count_documents({}) == 1, "an open client goes on"
    assert keeper not in home.keepers()
    assert len(home.mongods()) == len(home.keepers()) == 1
    if how is signal.SIGTERM:
        assert "Now exiting" in home.directory.mongod_log.with_name("mongod.log.1").read_text()
    assert [leave(user) for user in users] == [0, 0]
    assert home.mongods() == []


def test_a_keeper_that_ended_unseen_is_replaced_by_the_next_user(home: Home) -> None:
    """Who comes when keeper and mongod are gone and the users are stopped starts them again."""
    user = home.user()
    uri = uri_of(user)
    note(uri, "kept")
    user.send_signal(signal.SIGSTOP)
    os.kill(home.keepers()[0], signal.SIGKILL)
    with embedded_mongod(home.settings) as again:
        assert again == uri
        assert notes(again) == ["kept"]
    user.send_signal(signal.SIGCONT)
    assert serves(uri)


def test_a_killed_mongod_is_started_again_at_the_same_uri(home: Home) -> None:
    """A mongod that dies alone is started again by its keeper, with its data."""
    with embedded_mongod(home.settings) as uri:
        note(uri, "kept")
        keepers, [mongod] = home.keepers(), home.mongods()
        os.kill(mongod, signal.SIGKILL)
        assert eventually(lambda: home.mongods() not in ([], [mongod]))
        assert eventually(lambda: serves(uri))
        assert notes(uri) == ["kept"]
        assert home.keepers() == keepers


def test_a_keeper_gives_up_on_a_mongod_that_dies_again_and_again(home: Home) -> None:
    """Restarts are bounded: the keeper ends with its reason in the log. A later keeper may have better luck."""
    with embedded_mongod(home.settings) as uri:
        [keeper] = home.keepers()

        def kill_until_it_gives_up() -> bool:
            for mongod in home.mongods():
                if home.keepers() == [keeper]:
                    os.kill(mongod, signal.SIGKILL)
            return keeper not in home.keepers()

        assert eventually(kill_until_it_gives_up)
        assert "after each of 5 restarts" in home.directory.keeper_log.read_text()
        assert eventually(lambda: serves(uri))


@pytest.mark.parametrize("state", ["whole", "torn"])
def test_it_recovers_from_a_crash_of_everything(home: Home, state: str) -> None:
    """After a power cut, locks and state that were left behind are no obstacle, and what was acknowledged is there."""
    user = home.user()
    note(uri_of(user), "kept")
    for process in (*home.keepers(), *home.mongods(), user.pid):
        os.kill(process, signal.SIGKILL)
    assert eventually(home.is_empty)
    assert (home.directory.database / "mongod.lock").read_text(), "this was no crash"
    left = home.directory.root / "keeper.json"
    assert '"ready": true' in left.read_text(), "this was no crash"
    if state == "torn":
        left.write_text(left.read_text()[:7])
    with embedded_mongod(home.settings) as uri:
        assert notes(uri) == ["kept"]


def test_it_moves_when_its_port_is_taken(home: Home, other: Home) -> None:
    """Where another data directory's mongod has the kept port, a new one serves the same data, and is kept.

    (The replica sets have the same name, and the kept configuration names the other's address.)
    """
    with embedded_mongod(home.settings) as uri:
        note(uri, "kept")
        [(_, port)] = parse_uri(uri)["nodelist"]
    other.directory.create()
    other.directory.write_state(State(port=port, ready=False, keeper=0, mongod=None))
    with embedded_mongod(other.settings) as others:
        assert others == uri
        with embedded_mongod(home.settings) as moved:
            assert moved != uri
            assert notes(moved) == ["kept"]
            assert serves(moved)
        assert notes(others) == []
        assert serves(others)
    with embedded_mongod(home.settings) as again:
        assert again == moved


def test_its_log_is_bounded(home: Home) -> None:
    """A log that has grown large is moved to `.1` while mongod runs, and mongod goes on in a new one."""
    with embedded_mongod(home.settings) as uri:
        log = home.directory.mongod_log
        previous = log.with_name("mongod.log.1")
        os.truncate(log, 17 * 1024 * 1024)
        assert eventually(lambda: previous.exists() and log.exists())
        assert previous.stat().st_size >= 17 * 1024 * 1024 > log.stat().st_size
        assert serves(uri)


def test_an_error_inside_is_left_alone(home: Home) -> None:
    """An error of the caller's own is not taken for one of the data directory."""
    with pytest.raises(PermissionError, match="mine"), embedded_mongod(home.settings):
        raise PermissionError("mine")
    assert home.mongods() == []


def test_an_unusable_data_directory_is_named(tmp_path: Path) -> None:
    """A data directory that cannot be made or written is named, with the setting that changes it."""
    (tmp_path / "file").touch()
    settings = Settings(data_dir=tmp_path / "file" / "data")
    with pytest.raises(Unavailable, match=r"file/data.*Not a directory.*GATEWAY_DATA_DIR"), embedded_mongod(settings):
        pass


def test_a_missing_program_is_named(home: Home) -> None:
    """A program that GATEWAY_MONGOD names and that is not there is an error, not a reason to take another."""
    settings = home.settings.model_copy(update={"mongod": Path("/nowhere/mongod")})
    with pytest.raises(Unavailable, match=r"GATEWAY_MONGOD names /nowhere/mongod"), embedded_mongod(settings):
        pass


def test_no_program_at_all_says_how_to_get_one(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the extra and without a mongod on PATH, the message names both ways out."""
    monkeypatch.setattr("importlib.util.find_spec", lambda _: None)
    monkeypatch.setenv("PATH", "")
    with (
        pytest.raises(Unavailable, match=r"analytics-gateway\[embedded\].*GATEWAY_MONGOD .*GATEWAY_MONGODB_URI"),
        embedded_mongod(home.settings),
    ):
        pass


def test_a_program_that_ends_at_once_is_quoted(home: Home, tmp_path: Path) -> None:
    """What a mongod that cannot run said last is shown, with what to do about it."""
    program = tmp_path / "mongod"
    program.write_text("#!/bin/sh\necho 'error while loading shared libraries: libcurl.so.4' >&2\nexit 127\n")
    program.chmod(0o700)
    settings = home.settings.model_copy(update={"mongod": program})
    with (
        pytest.raises(Unavailable, match=r"(?s)status 127.*system library is missing.*libcurl\.so\.4"),
        embedded_mongod(settings),
    ):
        pass


def test_data_that_mongod_refuses_give_its_reason(home: Home) -> None:
    """Where mongod does not open its data, the message quotes the errors of its log, and starting again works later."""
    with embedded_mongod(home.settings) as uri:
        note(uri, "kept")
    storage = home.directory.database / "storage.bson"
    metadata = storage.read_bytes()
    storage.write_bytes(b"not this")
    with (
        pytest.raises(Unavailable, match=r"(?s)mongod ended with.*mongod\.log:\n.*Unable to read the storage"),
        embedded_mongod(home.settings),
    ):
        pass
    storage.write_bytes(metadata)
    with embedded_mongod(home.settings) as uri:
        assert notes(uri) == ["kept"]
