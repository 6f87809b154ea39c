"""What stands in the documents and no test runs, each with the reason."""

import shutil

DRAWN = {
    ("README.md", "SFTP server ──▶ shop/files"): "a drawing of the way of a file",
    ("architecture.md", "look ──▶ land"): "a drawing of the verbs",
    ("architecture.md", "floor 5"): "a list of the floors; import-linter holds them",
    ("architecture.md", "landing/<connection>/looks.jsonl"): "a list of the files of a batch, with placeholders",
}
"""Page and beginning of each block of the kind `text`."""

NO_DOCKER = "Docker is not part of what tests need"
NOT_TYPED = {
    ("benchmarks.md", "make bench NAME=…"): "a placeholder, and a benchmark takes minutes on a machine of its own",
    ("operating.md", "docker compose build"): NO_DOCKER,
    ("operating.md", "docker compose run --rm code python -m cdp_assets check"): NO_DOCKER,
    ("operating.md", "docker compose run --rm code python -m cdp_assets test-connection shop"): NO_DOCKER,
    ("operating.md", "docker compose up -d"): NO_DOCKER,
    ("operating.md", "docker compose exec -T postgres pg_dump -U dagster dagster > backup/dagster.sql"): NO_DOCKER,
    ("operating.md", "pip install --require-hashes -r deploy/requirements.lock"): "needs a package index",
}
"""Page and line of each command."""

MAY_BE_MISSING = {"rsync": "not part of what tests need"}
"""Programs whose lines are typed where they are installed."""


def left_out(page: str, line: str) -> bool:
    """Whether a line is not typed here."""
    program = line.split(" ", 1)[0]
    return (page, line) in NOT_TYPED or (program in MAY_BE_MISSING and shutil.which(program) is None)
