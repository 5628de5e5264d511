"""The endpoint against the audits of npm's `graphql-http`, the reference of the GraphQL-over-HTTP draft."""

import json
import shutil
import subprocess
import tempfile
from pathlib import Path

import pytest

PACKAGES = ("graphql-http@1.23.1", "graphql@17.1.0")
AUDITS = 61
RUNNER = Path(__file__).parent / "audit.mjs"
SECONDS = 300


@pytest.fixture(scope="module")
def packages(pytestconfig: pytest.Config) -> Path:
    """Have npm bring the packages, by its own settings, into pytest's cache; a second run finds them there."""
    assert pytestconfig.cache is not None
    kept = pytestconfig.cache.mkdir("npm") / "+".join(PACKAGES)
    if not kept.exists():
        npm = shutil.which("npm")
        if npm is None:
            pytest.fail("This test needs Node.js with npm.")
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            fresh = Path(folder) / "fresh"
            fresh.mkdir()
            (fresh / "package.json").write_text("{}")
            done = subprocess.run(
                [npm, "install", "--no-save", "--no-package-lock", "--ignore-scripts", "--no-audit", *PACKAGES],
                cwd=fresh,
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            fresh.rename(kept)
    return kept


def test_every_audit_is_ok(packages: Path, served: tuple[str, str]) -> None:
    """All that the draft says a server must, should or may do."""
    url, key = served
    done = subprocess.run(
        ["node", str(RUNNER), str(packages), f"{url}/graphql", key],
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    audits = json.loads(done.stdout)
    assert [audit for audit in audits if audit["status"] != "ok"] == []
    assert len({audit["id"] for audit in audits}) == AUDITS
