"""Fetching the pages' files: exact versions by npm, checked, whole or not at all."""

import hashlib
import json
import os
import tarfile
from io import BytesIO
from pathlib import Path

import pytest

from app.server.pages import fetch, vendored
from app.server.pages.vendored import VendorFile, as_kept

KEPT = b"let a = 1;\n"
TABLE = (VendorFile("small.js", "@scope/small@1.2.3", "dist/small.js", hashlib.sha256(KEPT).hexdigest()),)


@pytest.fixture
def vendor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make an empty place for the fetched files, and a table of one small file."""
    folder = tmp_path / "vendor"
    for module in (vendored, fetch):
        monkeypatch.setattr(module, "VENDOR", folder)
        monkeypatch.setattr(module, "VENDOR_FILES", TABLE)
    return folder


def put_npm(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Put a program named npm in front of the real one."""
    folder.mkdir()
    (folder / "npm").write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    (folder / "npm").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}{os.pathsep}{os.environ['PATH']}")


def put_archive(path: Path, content: bytes) -> None:
    """Write a package archive as npm does, with `content` as its one script."""
    manifest = json.dumps({"name": "@scope/small", "version": "1.2.3"}).encode()
    with tarfile.open(path, "w:gz") as archive:
        for name, held in (("package/package.json", manifest), ("package/dist/small.js", content)):
            member = tarfile.TarInfo(name)
            member.size = len(held)
            archive.addfile(member, BytesIO(held))


@pytest.mark.parametrize(
    ("fetched", "kept"),
    [
        (b"a;\n//# sourceMappingURL=a.js.map\n", b"a;\n"),
        (b"a;\n//# sourceMappingURL=a.js.map", b"a;\n"),
        (b"a{}\n/*# sourceMappingURL=a.css.map*/", b"a{}\n"),
        (b"a;\n", b"a;\n"),
        (b"//# sourceMappingURL=a\nb;\n", b"//# sourceMappingURL=a\nb;\n"),
    ],
)
def test_only_a_last_line_that_points_to_a_source_map_is_left_out(fetched: bytes, kept: bytes) -> None:
    """A map is not served, so nothing may point to it; all else is kept as it came."""
    assert as_kept(fetched) == kept


def test_fetch_keeps_what_the_table_says_and_then_has_nothing_to_do(
    vendor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first run brings each file; the second starts no program; a file that was changed is brought anew."""
    put_archive(tmp_path / "small.tgz", KEPT + b"//# sourceMappingURL=small.js.map\n")
    put_npm(tmp_path / "bin", monkeypatch, f"cp '{tmp_path / 'small.tgz'}' . && echo ran >> '{tmp_path / 'runs'}'")
    assert fetch.fetch() == list(TABLE)
    assert [(path.name, path.read_bytes()) for path in vendor.iterdir()] == [("small.js", KEPT)]
    assert fetch.fetch() == []
    (vendor / "small.js").write_bytes(b"something else")
    assert fetch.fetch() == list(TABLE)
    assert (vendor / "small.js").read_bytes() == KEPT
    assert (tmp_path / "runs").read_text(encoding="utf-8") == "ran\nran\n"


def test_fetch_refuses_a_file_with_another_sum(
    vendor: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Nothing of it is kept; the exit status is 1; the message names the file and what to do."""
    put_archive(tmp_path / "small.tgz", b"let a = 2;\n")
    put_npm(tmp_path / "bin", monkeypatch, f"cp '{tmp_path / 'small.tgz'}' .")
    assert fetch.main() == 1
    assert not vendor.exists()
    message = capsys.readouterr().err
    assert "dist/small.js of @scope/small@1.2.3" in message
    assert "make setup" in message


@pytest.mark.usefixtures("vendor")
@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("echo 'E404 not there' >&2; exit 1", "E404 not there"),
        ("exit 0", "@scope/small@1.2.3"),
        ("echo junk > small.tgz", "not a gzip file"),
    ],
)
def test_fetch_says_why_npm_failed(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    script: str,
    reason: str,
) -> None:
    """Whatever npm does wrong: exit status 1, npm's reason, no traceback."""
    put_npm(tmp_path / "bin", monkeypatch, script)
    assert fetch.main() == 1
    assert not vendored.VENDOR.exists()
    assert reason in capsys.readouterr().err


@pytest.mark.usefixtures("vendor")
def test_fetch_without_npm_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """No npm on the machine: exit status 1 and the remedy."""
    monkeypatch.setenv("PATH", "")
    assert fetch.main() == 1
    assert "install Node.js with npm" in capsys.readouterr().err
