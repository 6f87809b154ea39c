"""A page followed from its first block to its last: YAML is written, files are laid down, commands are typed."""

import os
import re
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from cdp_assets_tests.documents.blocks import FIRST, Block, Typed, blocks
from cdp_assets_tests.documents.not_run import left_out
from cdp_assets_tests.documents.printed import difference
from cdp_assets_tests.documents.project import Shell
from cdp_assets_tests.documents.yaml_parts import write_yaml

ANSWER_S = 200
STOP_S = 60
KEY_TO_PUT = "SHA256:put-the-fingerprint-here"


@dataclass(frozen=True)
class Hint:
    """What the text around a command says of it: the `number`-th of these words on the page."""

    page: str
    command: str
    number: int = 1
    before: "Callable[[Walk], None]" = lambda walk: None
    exit_code: int = 0
    answers: str = ""


class Walk:
    """One page in one project."""

    def __init__(self, document: Path, project: Path, shell: Shell, ports: dict[str, int]) -> None:
        self.document, self.project, self.shell, self._ports = document, project, shell, ports
        self.typed: list[str] = []

    @property
    def inbox(self) -> Path:
        """The folder of the sample server that the shop reads."""
        return self.project / "data" / "sftp" / "in"

    def defs(self, name: str) -> Path:
        return self.project / "cdp_assets" / "defs" / name / "defs.yaml"

    def write(self, block: Block) -> None:
        key = (self.project / "data" / "server" / "known_hosts").read_text().split()[-2:]
        write_yaml(self.project, [block.text.replace(KEY_TO_PUT, " ".join(key))])

    def here(self, command: str) -> str:
        """With the ports of this machine."""
        return re.sub(rf"\b({'|'.join(self._ports)})\b", lambda port: str(self._ports[port[0]]), command)

    def follow(self, hints: list[Hint], served: dict[str, str], printed: dict[str, str]) -> None:
        """`printed`: what was typed before; `served`: what goes on until Ctrl-C, and what asks it."""
        page = blocks(self.document)
        for block in page:
            if block.file:
                (self.project / block.file).write_text(block.text)
        for block in page:
            if block.language == "yaml":
                self.write(block)
            self.shell.folder = str(self.project)
            for typed in block.typed:
                self._type(typed, hints, served, printed)
        known = [hint for hint in hints if self.typed.count(hint.command) < hint.number]
        assert known == [], "not on this page"

    def _type(self, typed: Typed, hints: list[Hint], served: dict[str, str], printed: dict[str, str]) -> None:
        lines = [line for line in typed.command.splitlines() if not left_out(self.document.name, line)]
        if not lines:
            return
        self.typed.append(lines[0])
        number = self.typed.count(lines[0])
        hint = next((hint for hint in hints if (hint.command, hint.number) == (lines[0], number)), Hint("", ""))
        hint.before(self)
        servers = [line for line in lines if line in served]
        command = "\n".join(line for line in lines if line not in served)
        if command in printed:
            output = printed.pop(command)
        else:
            output = self.shell.type(self.here(command), exit_code=hint.exit_code, answers=self.here(hint.answers))
        assert typed.shown is None or difference(typed.shown, output) == "", typed.command
        with ExitStack() as stack:
            for line in servers:
                stack.enter_context(started(self.shell, self.here(line)))
                until_answered(self.shell, self.here(served[line]))


@contextmanager
def started(shell: Shell, command: str) -> Iterator[None]:
    """A program that goes on until Ctrl-C, and is stopped by it."""
    process = subprocess.Popen(
        ["bash", "-c", f"exec {command}"],
        cwd=shell.folder,
        env=shell.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
        # A shell in the background has its children ignore it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL) and None,
    )
    try:
        yield
        assert process.poll() is None, f"ended by itself: {command}"
    finally:
        os.kill(process.pid, signal.SIGINT)
        try:
            process.wait(STOP_S)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def until_answered(shell: Shell, question: str) -> None:
    until = time.monotonic() + ANSWER_S
    while subprocess.run(
        ["bash", "-c", question], cwd=shell.folder, env=shell.environment, capture_output=True
    ).returncode:
        assert time.monotonic() < until, f"no answer: {question}"
        time.sleep(0.5)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def walking(document: Path, project: Path) -> Iterator[Walk]:
    """In a project where the demo has run, beside the sample server."""
    ports = {usual: free_port() for usual in ("2222", "3000", "4000")}
    password = (project / "data" / "server" / "password").read_text().strip()
    shell = Shell(project, SHOP_SFTP_PORT=str(ports["2222"]), SHOP_PASSWORD=password)
    with started(shell, f"python -m cdp_assets serve-sftp --port {ports['2222']}"):
        until_answered(shell, f"grep -F '[127.0.0.1]:{ports['2222']} ' data/server/known_hosts")
        walk = Walk(document, project, shell, ports)
        if document.name not in ("README.md", FIRST.name):
            for block in blocks(FIRST):
                if block.language == "yaml":
                    walk.write(block)
        yield walk
