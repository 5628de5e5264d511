"""Run a program that dies with its parent: `python leash.py PARENT_ID PROGRAM ARGUMENT…`.

On Linux the kernel kills the program when the process PARENT_ID dies, however it dies. Elsewhere there is no such tie:
the program only does not start under another parent.

This is a program of its own, which becomes the other one by exec (so the process id stays), because the alternative is
Python code between fork and exec in the parent, which may hang where the parent has threads. It runs as a file, without
site packages, so that it costs a few milliseconds; so it imports nothing of this project.
"""

import ctypes
import os
import signal
import sys

PR_SET_PDEATHSIG = 1  # linux/prctl.h


def main() -> None:
    """Tie this process to its parent, then become the program. Exits with a message where that cannot be."""
    parent, program = int(sys.argv[1]), sys.argv[2:]
    if sys.platform == "linux":
        # SIGKILL, as nobody is left who would see to the end of a slower stop; the journal makes it harmless.
        if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
            sys.exit(f"prctl: {os.strerror(ctypes.get_errno())}")
    # The parent may have died before the tie held.
    if os.getppid() != parent:
        sys.exit("the parent is gone")
    try:
        os.execv(program[0], program)  # noqa: S606 - the keeper names the program
    except OSError as error:
        sys.exit(f"{program[0]}: {error.strerror}")


if __name__ == "__main__":
    main()
