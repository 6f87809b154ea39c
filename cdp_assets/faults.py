"""The hook of the crash tests: a process can be made to die at its n-th step.

`CDP_FAULT=kill:7` kills the process, as `kill -9` does, when it passes its seventh `step`. Without the
variable a step costs one look-up. Tests count n upwards until a run ends without dying, so that no step is
left out.
"""

from __future__ import annotations

import os
import signal

_passed = 0


def step(name: str) -> None:
    """Marks a moment between two effects on the outside world, where dying must do no harm."""
    wanted = os.environ.get("CDP_FAULT")
    if not wanted:
        return
    global _passed
    _passed += 1
    kind, _, number = wanted.partition(":")
    if kind == "kill" and _passed == int(number):
        trace = os.environ.get("CDP_FAULT_TRACE")
        if trace:
            with open(trace, "a") as log:  # noqa: PTH123 - the last words of a dying process
                log.write(f"{number} {name}\n")
        os.kill(os.getpid(), signal.SIGKILL)
