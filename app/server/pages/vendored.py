"""The files of others that the pages are made of, each known by its SHA-256."""

import hashlib
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

VENDOR = Path(__file__).parent / "vendor"

SOURCE_MAP_COMMENTS = (b"//# sourceMappingURL=", b"/*# sourceMappingURL=")


class VendorFile(NamedTuple):
    """One file as it is kept: its name here, where it comes from, the SHA-256 of what is kept."""

    name: str
    package: str
    member: str
    sha256: str

    @property
    def path(self) -> Path:
        """Where the file is kept."""
        return VENDOR / self.name

    @property
    def version(self) -> str:
        """What marks this content in an address: the address may be cached for ever."""
        return self.sha256[:16]


# The plugin's package holds no licence text: it comes from GraphiQL's repository (and licence), and
# bundles graphiql-explorer, which brings its own.
EXPLORER_FILES = (
    VendorFile(
        "react.production.min.js",
        "react@18.3.1",
        "umd/react.production.min.js",
        "d949f1c3687aedadcedac85261865f29b17cd273997e7f6b2bfc53b2f9d4c4dd",
    ),
    VendorFile(
        "react.LICENSE.txt",
        "react@18.3.1",
        "LICENSE",
        "52412d7bc7ce4157ea628bbaacb8829e0a9cb3c58f57f99176126bc8cf2bfc85",
    ),
    VendorFile(
        "react-dom.production.min.js",
        "react-dom@18.3.1",
        "umd/react-dom.production.min.js",
        "35f4f974f4b2bcd44da73963347f8952e341f83909e4498227d4e26b98f66f0d",
    ),
    VendorFile(
        "react-dom.LICENSE.txt",
        "react-dom@18.3.1",
        "LICENSE",
        "52412d7bc7ce4157ea628bbaacb8829e0a9cb3c58f57f99176126bc8cf2bfc85",
    ),
    VendorFile(
        "graphiql.min.js",
        "graphiql@4.1.2",
        "graphiql.min.js",
        "f118b042b694baca2bc71aa6f53a826275291e4d9595d29912513c60d9cc2748",
    ),
    VendorFile(
        "graphiql.min.css",
        "graphiql@4.1.2",
        "graphiql.min.css",
        "30487e07635d312a63f647b140d37740a73c53332b0975bf4b1fe985ca6ec885",
    ),
    VendorFile(
        "graphiql.LICENSE.txt",
        "graphiql@4.1.2",
        "LICENSE",
        "4b18fbe55c4e8f9169cb702be138f4d858a2dad920c39857204ffdc9c1c9fdc4",
    ),
    VendorFile(
        "plugin-explorer.umd.js",
        "@graphiql/plugin-explorer@4.0.6",
        "dist/index.umd.js",
        "50cf2c58e4b45daf722d8f39aba0a5874a45e2aa715fe4ce709e357e5102a81b",
    ),
    VendorFile(
        "plugin-explorer.css",
        "@graphiql/plugin-explorer@4.0.6",
        "dist/style.css",
        "68909a4ae23bfadfc4591acb4e2b3c8d4f44153b9ae7fa3b7e7c319eba310ef1",
    ),
    VendorFile(
        "graphiql-explorer.LICENSE.txt",
        "graphiql-explorer@0.9.0",
        "LICENSE",
        "52412d7bc7ce4157ea628bbaacb8829e0a9cb3c58f57f99176126bc8cf2bfc85",
    ),
)
# The bundle's own first line says that the licences of its parts stand in the last of these files.
DOCS_FILES = (
    VendorFile(
        "swagger-ui-bundle.js",
        "swagger-ui-dist@5.35.0",
        "swagger-ui-bundle.js",
        "e6a898692f2d768e807c3ba4626068a69a2c5dd960dd6c76f3e4d3a3de180af2",
    ),
    VendorFile(
        "swagger-ui.css",
        "swagger-ui-dist@5.35.0",
        "swagger-ui.css",
        "a6a4cf68f069eb89984d5d43644e6a812e749df08d2b1320c6e06e6973847d10",
    ),
    VendorFile(
        "swagger-ui.LICENSE.txt",
        "swagger-ui-dist@5.35.0",
        "LICENSE",
        "cfc7749b96f63bd31c3c42b5c471bf756814053e847c10f3eb003417bc523d30",
    ),
    VendorFile(
        "swagger-ui.NOTICE.txt",
        "swagger-ui-dist@5.35.0",
        "NOTICE",
        "0d20d1adef18aee3f40dd258172155521ce702ac445cb5f7b7d60ed32dad2fb2",
    ),
    VendorFile(
        "swagger-ui-bundle.js.LICENSE.txt",
        "swagger-ui-dist@5.35.0",
        "swagger-ui-bundle.js.LICENSE.txt",
        "37eb6e7e59aed57b2c1acf076574b818ea07b74265717e0bd67b59e0baf9abbb",
    ),
)
VENDOR_FILES = EXPLORER_FILES + DOCS_FILES


def as_kept(content: bytes) -> bytes:
    """Leave out of a fetched file only a last line that points to a source map.

    The maps are not served, and a browser's developer tools would ask for them.
    """
    for mark in SOURCE_MAP_COMMENTS:
        head, comment, tail = content.rpartition(mark)
        if comment and b"\n" not in tail.strip():
            return head
    return content


def is_genuine(file: VendorFile, content: bytes) -> bool:
    """Whether `content` is, byte for byte, what the table says of `file`."""
    return hashlib.sha256(content).hexdigest() == file.sha256


def unready_files(files: Iterable[VendorFile]) -> list[VendorFile]:
    """List those of the files that are missing here or are not what the table says."""
    return [file for file in files if not _is_ready(file)]


def _is_ready(file: VendorFile) -> bool:
    try:
        stat = file.path.stat()
    except OSError:
        return False
    return _sum_of(file.path, stat.st_mtime_ns, stat.st_size) == file.sha256


@lru_cache(maxsize=64)
def _sum_of(path: Path, _changed: int, _size: int) -> str:
    """Sum a file once for as long as it stays unchanged: the page asks at each visit."""
    return hashlib.sha256(path.read_bytes()).hexdigest()
