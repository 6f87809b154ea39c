"""The hook of the crash tests: a process can be made to die at its n-th step.

`CDP_FAULT=kill:7` kills the process, as `kill -9` does, when it passes its seventh `step`; `CDP_FAULT=list:0`
lets it live. The steps passed, or the one it died at, are written to `CDP_FAULT_TRACE`, one a line. Without
the variable a step costs one look-up. Tests count n upwards until a run ends without dying, so that no step
is left out.
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
    dies = kind == "kill" and _passed == int(number)
    if dies or kind == "list":
        _write_down(name)
    if dies:
        os.kill(os.getpid(), signal.SIGKILL)


def _write_down(name: str) -> None:
    trace = os.environ.get("CDP_FAULT_TRACE")
    if trace:
        with open(trace, "a") as log:  # noqa: PTH123 - the last words of a dying process
            log.write(f"{_passed} {name}\n")
