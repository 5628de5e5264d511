"""Builds the store's compiled part (rows.c) while the package is built or installed: hatchling calls it, nobody else.

Without a C compiler the package is complete too; rows are decoded in Python then.
"""

import os
import shlex
import subprocess
import sysconfig
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_SOURCE = Path("app/store/rows.c")
_OPTIONS = ("-std=c11", "-O2", "-Wall", "-Wextra", "-shared", "-fPIC")


class CompiledRows(BuildHookInterface[Any]):
    """Compiles beside the source, with $CC or the compiler that Python was built with."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # noqa: ARG002 - hatchling's signature
        """Build the library, and tell that the wheel is for this platform; say so where it cannot be built."""
        if self.target_name != "wheel":
            return
        source = Path(self.root, _SOURCE)
        library, made = source.with_suffix(".so"), source.with_suffix(f".{os.getpid()}.so")
        compiler = shlex.split(os.environ.get("CC") or sysconfig.get_config_var("CC") or "cc")
        try:
            subprocess.run([*compiler, *_OPTIONS, "-o", str(made), str(source)], check=True)
        except (OSError, subprocess.CalledProcessError) as error:
            self.app.display_warning(f"rows.c is not compiled, rows are decoded in Python: {error}")
            library.unlink(missing_ok=True)
            return
        made.replace(library)  # a running process keeps the one that it has
        build_data["pure_python"] = False
        build_data["tag"] = f"py3-none-{sysconfig.get_platform().replace('-', '_').replace('.', '_')}"
