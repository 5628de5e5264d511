"""Workers do not outlive the process that started them."""

import ctypes
import os
import signal
import sys

_PARENT = "GATEWAY_PARENT_PROCESS"
_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def name_parent() -> None:
    """Tell processes that are started from here whose children they are."""
    os.environ[_PARENT] = str(os.getpid())


def end_with_parent() -> None:
    """Have the kernel end this process, as SIGTERM does, when its parent dies however it dies (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    # The parent may have died before the tie held.
    if os.getppid() != int(os.environ[_PARENT]):
        sys.exit("the parent is gone")
