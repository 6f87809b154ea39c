"""A copy of the project as its reader has it, and a shell in it that goes on where the last command ended."""

import os
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

from cdp_assets_tests.documents.blocks import ROOT

COPIED = (
    *("Makefile", "README.md", "pyproject.toml", "requirements.lock", "dagster.yaml", "workspace.yaml"),
    *("cdp_assets", "cdp_assets_tests", "deploy", "scripts"),
)
OURS = ("CDP_", "DAGSTER_", "SHOP_", "PYTHON", "PYTEST_", "MAKE")
COMMAND_S = 1200


def copy_project(folder: Path) -> None:
    """With a `.venv` that is this Python's, and as ready as if `make` had made it."""
    folder.mkdir()
    for name in COPIED:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
        else:
            shutil.copy2(ROOT / name, folder / name)
    venv = folder / ".venv"
    venv.mkdir()
    for path in Path(sys.prefix).iterdir():
        if path.name != ".ready":
            (venv / path.name).symlink_to(path)
    (venv / ".ready").touch()


class Shell:
    """Bash with the project's Python first, without any variable of ours."""

    def __init__(self, project: Path, **variables: str) -> None:
        self.project, self.folder = project, str(project)
        kept = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        own = {"PATH": f"{project / '.venv' / 'bin'}:{kept['PATH']}", "COLUMNS": "80", "LC_ALL": "C.UTF-8"}
        self.environment = kept | own | variables

    def type(self, command: str, *, exit_code: int = 0, answers: str = "") -> str:
        """Its output, with that of errors behind it where they are what is expected."""
        state = self.project / ".shell"
        script = (
            f"{command}\nenv -0 > {shlex.quote(str(state))}; printf 'PWD_NOW=%s' \"$PWD\" >> {shlex.quote(str(state))}"
        )
        done = self._bash(script, answers)
        assert done.returncode == exit_code, f"{command}\n{done.returncode}\n{done.stdout}\n{done.stderr}"
        if exit_code == 0:
            self._go_on_from(state)
        return done.stdout + (done.stderr if exit_code else "")

    def _bash(self, script: str, answers: str) -> subprocess.CompletedProcess[str]:
        """The answers come from a terminal, as commands ask nobody else."""
        terminal, end = os.openpty()
        try:
            os.write(terminal, answers.encode())
            return subprocess.run(
                ["bash", "-eu", "-o", "pipefail", "-c", script],
                stdin=end if answers else subprocess.DEVNULL,
                capture_output=True,
                text=True,
                cwd=self.folder,
                env=self.environment,
                timeout=COMMAND_S,
            )
        finally:
            os.close(terminal)
            os.close(end)

    def _go_on_from(self, state: Path) -> None:
        *variables, place = state.read_text().split("\0")
        self.environment = dict(variable.split("=", 1) for variable in variables)
        self.folder = place.removeprefix("PWD_NOW=")
        state.unlink()
