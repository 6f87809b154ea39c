"""Runs GnuPG: a private home and agent per job, and a report of what each run said.

A job has a GnuPG home of its own, inside the folder it writes to, and its own agent; both are gone at its end.
Data goes in through a pipe, or from a file where gpg can be made to die with this process. Passphrases travel
through a pipe: command lines and environments are for everybody to read.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from cdp_assets.errors import FileError, LocalDiskError

_BAD_PASSPHRASE = 11
_PATIENCE_S = 600
_SLOWEST_BYTES_PER_S = 500_000
_CLEANING_S = 10
_REPORT_BYTES = 64_000
_PIPE_BYTES = 1 << 20
"""What may wait for gpg: with the usual 64 KiB the two processes would wake each other all the time."""

# Without the count the agent measures this machine for seconds before it stores a key in the private home;
# without the daemon it looks for smart cards.
_AGENT_CONF = "s2k-count 65536\ndisable-scdaemon\n"

# Not --quiet: with it, gpg 2.2 leaves out of its status why a key did not open.
_OPTIONS = (
    *("--no-options", "--batch", "--no-tty", "--yes"),
    *("--pinentry-mode", "loopback", "--trust-model", "always"),
    *("--disable-dirmngr", "--no-auto-key-retrieve", "--no-auto-key-locate"),
)


@dataclass(frozen=True)
class Report:
    """How one run of gpg ended."""

    code: int
    status: tuple[tuple[str, ...], ...]
    """The machine-readable lines, in words (GnuPG's doc/DETAILS)."""
    complaint: str
    """What it wrote for people, in English."""

    def count(self, keyword: str) -> int:
        """How many lines of the status begin with a keyword."""
        return sum(line[0] == keyword for line in self.status)

    @property
    def last_complaint(self) -> str:
        """The last thing it wrote for people."""
        lines = [line.removeprefix("gpg: ") for line in self.complaint.splitlines() if line.strip()]
        return lines[-1] if lines else f"gpg ended with code {self.code}"

    def has_wrong_passphrase(self) -> bool:
        """Whether a key did not open."""
        codes = [line[-1] for line in self.status if line[0] in ("ERROR", "FAILURE")]
        # The lower half of the number is the reason, the upper one the program it comes from.
        return any(code.isdigit() and int(code) & 0xFFFF == _BAD_PASSPHRASE for code in codes)


@dataclass(frozen=True)
class GpgHome:
    """A GnuPG home: its folder, and a path to it that is short enough for the agent's sockets."""

    folder: Path
    short: str

    def run(
        self,
        arguments: list[str],
        feed: Iterable[bytes],
        passphrase: str | None,
        size_bytes: int = 0,
        verbatim: Path | None = None,
    ) -> Report:
        """Runs gpg on what `feed` gives; an error in `feed` kills it.

        `verbatim`: instead of `feed`, a file that gpg reads itself, which is twice as fast as a pipe. Only where
        `can_die_with_us`.
        """
        guard = _GUARD if verbatim is not None else ()
        with (
            _opened(verbatim) as source,
            tempfile.TemporaryFile(dir=self.folder) as status,
            tempfile.TemporaryFile(dir=self.folder) as complaint,
            _pipe_with(passphrase) as secret,
        ):
            process = subprocess.Popen(  # noqa: S603 - options of ours, and paths made here
                [
                    *(*guard, "gpg", "--homedir", self.short, *_OPTIONS),
                    *("--status-fd", str(status.fileno()), "--passphrase-fd", str(secret)),
                    *arguments,
                ],
                stdin=source or subprocess.PIPE,
                pipesize=_PIPE_BYTES,
                stdout=subprocess.DEVNULL,
                stderr=complaint,
                pass_fds=(status.fileno(), secret),
                umask=0o077,
                env=_environment(),
            )
            _feed(process, feed, _PATIENCE_S + size_bytes / _SLOWEST_BYTES_PER_S)
            # Not splitlines: a file name in a message may hold other characters that it takes for a line's end.
            lines = _text(status).split("\n")
            words = tuple(tuple(line.split()[1:]) for line in lines if line.startswith("[GNUPG:] "))
            return Report(process.returncode, words, _text(complaint))


_GUARD = ("setpriv", "--pdeathsig", "KILL")
"""Makes a program be killed when this process is."""


def can_die_with_us() -> bool:
    """Whether this machine can end a program together with this process."""
    return shutil.which(_GUARD[0]) is not None


@contextmanager
def _opened(path: Path | None) -> Iterator[BinaryIO | None]:
    if path is None:
        yield None
        return
    with path.open("rb") as file:
        yield file


def _environment() -> dict[str, str]:
    """Nothing of ours: the environment may hold secrets, and the agent would pass it on."""
    return {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}


def _feed(process: subprocess.Popen[bytes], feed: Iterable[bytes], patience_s: float) -> None:
    watchdog = threading.Timer(patience_s, process.kill)
    watchdog.start()
    try:
        # gpg closes its end as soon as it has seen enough; its report tells why.
        with suppress(BrokenPipeError), process.stdin or nullcontext() as pipe:
            for piece in feed:
                if pipe is not None:
                    pipe.write(piece)
        process.wait()
    finally:
        process.kill()
        process.wait()
        watchdog.cancel()
    if process.returncode == -9:
        raise FileError(f"gpg did not finish within {patience_s:,.0f} s, or was killed; try again")


def _text(file: BinaryIO) -> str:
    file.seek(0)
    return file.read(_REPORT_BYTES).decode("utf-8", "replace")


@contextmanager
def _pipe_with(passphrase: str | None) -> Iterator[int]:
    """A pipe to read the passphrase from; empty where there is none."""
    reading, writing = os.pipe()
    try:
        with os.fdopen(writing, "wb") as pipe:
            pipe.write((passphrase or "").encode() + b"\n")
        yield reading
    finally:
        os.close(reading)


@contextmanager
def gpg_home(parent: Path) -> Iterator[GpgHome]:
    """A new, empty home (mode 0700) below `parent`, with an agent of its own from the first run on."""
    has_proc = Path("/proc/self/fd").exists()
    folder = Path(tempfile.mkdtemp(prefix=".gnupg-", dir=parent if has_proc else "/tmp"))  # noqa: S108 - short enough for a socket
    opened = os.open(folder, os.O_RDONLY)
    # Sockets need a path below 108 bytes. This one is, and it ends with us: an agent that outlives a kill of
    # this process no longer finds its socket and stops.
    short = f"/proc/{os.getpid()}/fd/{opened}" if has_proc else str(folder)
    try:
        (folder / "gpg-agent.conf").write_text(_AGENT_CONF)
        yield GpgHome(folder, short)
    finally:
        with suppress(OSError, subprocess.SubprocessError):
            _kill_agent(short)
        os.close(opened)
        _remove(folder)


def _kill_agent(short: str) -> None:
    subprocess.run(  # noqa: S603 - our own words
        ["gpgconf", "--homedir", short, "--kill", "all"],  # noqa: S607 - found where gpg is
        env=_environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        timeout=_CLEANING_S,
        check=False,
    )


def _remove(folder: Path) -> None:
    """Removes the home; the agent, just told to stop, may still be removing its sockets from it."""
    until = time.monotonic() + _CLEANING_S
    while True:
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            if not folder.exists():
                return
        except OSError as error:
            if time.monotonic() > until:
                raise LocalDiskError(f"could not remove {folder}: {error.strerror}") from error
            time.sleep(0.02)
        else:
            return
