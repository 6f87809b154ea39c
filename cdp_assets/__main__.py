"""The command line: `python -m cdp_assets <command>`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from typing import Protocol

import dagster as dg

from cdp_assets.commands import (
    backfill,
    check,
    demo,
    dev,
    dry_run,
    erase,
    history,
    missing,
    preview,
    profile,
    query,
    recent_imports,
    reference,
    rejects,
    run,
    scaffold,
    select,
    serve_sftp,
    test_connection,
    withdraw,
)
from cdp_assets.commands.rebuild import Reland, Replay
from cdp_assets.errors import CdpError
from cdp_assets.progress import told_to

INTERRUPTED = 130
NOBODY_READS = 141
"""Exit codes as shells give them to what Ctrl-C, or a closed pipe, has ended."""


class Command(Protocol):
    """What a module of `commands` offers."""

    HELP: str

    def configure(self, parser: argparse.ArgumentParser, /) -> None:
        """Add the command's options."""

    def run(self, options: argparse.Namespace, /) -> int:
        """Do it; the exit code."""


COMMANDS: Mapping[str, Command] = {
    "check": check,
    "reference": reference,
    "scaffold": scaffold,
    "demo": demo,
    "dev": dev,
    "serve-sftp": serve_sftp,
    "test-connection": test_connection,
    "dry-run": dry_run,
    "erase": erase,
    "history": history,
    "recent-imports": recent_imports,
    "missing": missing,
    "preview": preview,
    "profile": profile,
    "query": query,
    "rejects": rejects,
    "run": run,
    "select": select,
    "backfill": backfill,
    "reland": Reland(),
    "replay": Replay(),
    "withdraw": withdraw,
}


def argument_parser() -> argparse.ArgumentParser:
    """What may be typed after `python -m cdp_assets`."""
    parser = argparse.ArgumentParser(prog="python -m cdp_assets", description="Customer data pipeline.")
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    for name, command in COMMANDS.items():
        command.configure(commands.add_parser(name, help=command.HELP, description=command.HELP))
    return parser


def _parsed(arguments: Sequence[str]) -> argparse.Namespace:
    """What was typed; a command or an option that is not there ends it with what would be right."""
    parser = argument_parser()
    if arguments and not arguments[0].startswith("-") and arguments[0] not in COMMANDS:
        nearest = get_close_matches(arguments[0], COMMANDS, n=1)
        meant = f"did you mean {nearest[0]!r}? " if nearest else ""
        parser.error(f"there is no command {arguments[0]!r}; {meant}--help lists them")
    options, left = parser.parse_known_args(arguments)
    if left:
        usage = f"python -m cdp_assets {options.command} --help tells what it takes"
        if not any(word.startswith("-") for word in left):
            usage = f"names stand before the options; {usage}"
        parser.exit(2, f"{parser.prog} {options.command}: error: unknown here: {' '.join(left)}; {usage}\n")
    return options


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; mistakes somebody can mend are told without a traceback."""
    options = _parsed(sys.argv[1:] if arguments is None else arguments)
    try:
        with told_to(lambda line: print(line, file=sys.stderr)):
            code = COMMANDS[options.command].run(options)
        sys.stdout.flush()
    except CdpError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except (KeyboardInterrupt, dg.DagsterExecutionInterruptedError):
        print("stopped", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Nobody reads any more, as behind `| head`. What is still to be flushed at the end goes nowhere.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return NOBODY_READS
    return code


def _end(code: int) -> None:
    """Ends the process. After Ctrl-C at once: a step at work in a thread is left as by a kill, which each stands."""
    if code == INTERRUPTED:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)
    sys.exit(code)


if __name__ == "__main__":
    _end(main())
