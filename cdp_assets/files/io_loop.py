"""The event loop on which all SFTP connections of this process live, in a thread of its own.

fsspec would bring one; libuv's (`uvloop`) spends a tenth less processor time on a transfer.
"""

from __future__ import annotations

import asyncio
import os
from threading import Lock, Thread

import uvloop

_making = Lock()
_loops: dict[int, asyncio.AbstractEventLoop] = {}
"""By process: a fork takes the object over, but not the thread that runs it."""


def io_loop() -> asyncio.AbstractEventLoop:
    """This process's loop, which runs; the first call makes it, and it ends with the process."""
    with _making:
        loop = _loops.get(os.getpid())
        if loop is None:
            loop = _loops[os.getpid()] = uvloop.new_event_loop()
            Thread(target=loop.run_forever, name="sftp", daemon=True).start()
        return loop
