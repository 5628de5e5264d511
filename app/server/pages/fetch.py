"""Fetch the pages' files: `python -m app.server.pages.fetch`.

The exact versions come through the npm client that is installed, so its own settings (registry,
proxy, offline cache) hold. Nothing is kept whose SHA-256 differs from the table's.
"""

import json
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.server.pages.vendored import VENDOR, VENDOR_FILES, VendorFile, as_kept, is_genuine, unready_files

NPM_SECONDS = 300


class FetchError(Exception):
    """The files could not be fetched; the message says what to do."""


def fetch() -> list[VendorFile]:
    """Bring what is missing or differs into the vendor folder; returns what was brought.

    Each file appears there whole or not at all. When everything is there already, no program is
    started. Raises FetchError.
    """
    wanted = unready_files(VENDOR_FILES)
    if not wanted:
        return []
    with tempfile.TemporaryDirectory() as folder:
        contents = _read(_pack({file.package for file in wanted}, Path(folder)), wanted)
    VENDOR.mkdir(exist_ok=True)
    for file, content in zip(wanted, contents, strict=True):
        _put(file.path, content)
    return wanted


def _pack(packages: Iterable[str], folder: Path) -> dict[str, Path]:
    """Have npm download the packages into `folder`: the archive of each, by `name@version`."""
    npm = shutil.which("npm")
    if npm is None:
        raise FetchError("npm was not found: install Node.js with npm, then run `make setup` again.")
    command = [npm, "pack", "--ignore-scripts", "--loglevel=error", *sorted(packages)]
    try:
        done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=NPM_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise FetchError(f"npm did not answer in {NPM_SECONDS} s: check the network and npm's settings.") from None
    if done.returncode != 0:
        reason = done.stderr.strip() or "no reason given"
        raise FetchError(f"npm could not download the packages; check the network and npm's settings.\n{reason}")
    return {_identity(archive): archive for archive in folder.glob("*.tgz")}


def _identity(archive: Path) -> str:
    manifest = json.loads(_member(archive, "package.json"))
    return f"{manifest['name']}@{manifest['version']}"


def _read(archives: dict[str, Path], wanted: Sequence[VendorFile]) -> list[bytes]:
    """Read what is to be kept of each wanted file, in their order, each checked against the table."""
    contents = []
    for file in wanted:
        if file.package not in archives:
            raise FetchError(f"npm brought no {file.package}: check npm's settings, then run `make setup` again.")
        content = as_kept(_member(archives[file.package], file.member))
        if not is_genuine(file, content):
            raise FetchError(
                f"{file.member} of {file.package} is not the file this project was tested with (its SHA-256"
                " differs), so nothing was kept. Empty npm's cache (`npm cache clean --force`), check which"
                " registry npm uses, then run `make setup` again."
            )
        contents.append(content)
    return contents


def _member(archive: Path, name: str) -> bytes:
    """Read one file out of an npm archive into memory; nothing is unpacked to disk."""
    with tarfile.open(archive) as opened:
        try:
            stream = opened.extractfile(f"package/{name}")
        except KeyError:
            stream = None
        if stream is None:
            raise FetchError(f"{archive.name} holds no {name}: it is not the package this project expects.")
        return stream.read()


def _put(path: Path, content: bytes) -> None:
    """Write a file so that a reader sees the old one or the new one, never a part."""
    with tempfile.NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as part:
        part.write(content)
    try:
        Path(part.name).chmod(0o644)
        Path(part.name).replace(path)
    except OSError:
        Path(part.name).unlink(missing_ok=True)
        raise


def main() -> int:
    """Fetch, and say in one line what happened; the exit status is 1 where it could not be done."""
    try:
        brought = fetch()
    except (FetchError, OSError, tarfile.TarError) as error:
        print(f"The pages' files were not fetched: {error}", file=sys.stderr)
        return 1
    if brought:
        print(f"Fetched the pages' files: {len(brought)} of {len(VENDOR_FILES)}.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
