"""Runs inside dlt's own environment: loads one CSV file into DuckDB, upsert by one key, as dlt's documentation does.

One argument, a JSON object: `folder` for dlt's state and the database, `bucket_url`, `file_glob` and, for SFTP,
`credentials`. The last line printed holds the seconds from the source to loaded; imports are not counted.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Any

import dlt
from dlt.sources.filesystem import filesystem, read_csv_duckdb

CHUNK_ROWS = 100_000
"""Rows of an Arrow batch. More than the 5,000 that dlt reads unless told otherwise is a little faster."""


def main(settings: dict[str, Any]) -> None:
    """Loads the file and prints the seconds."""
    folder = Path(settings["folder"])
    pipeline = dlt.pipeline(
        "people",
        destination=dlt.destinations.duckdb(str(folder / "people.duckdb")),
        dataset_name="shop",
        pipelines_dir=str(folder / "pipelines"),
    )
    started = time.perf_counter()
    files = filesystem(**{name: value for name, value in settings.items() if name != "folder"})
    people = (files | read_csv_duckdb(chunk_size=CHUNK_ROWS, use_pyarrow=True)).with_name("people")
    people.apply_hints(primary_key="email", write_disposition={"disposition": "merge", "strategy": "upsert"})
    info = pipeline.run(people)
    seconds = time.perf_counter() - started
    info.raise_on_failed_jobs()
    print(json.dumps({"seconds": seconds}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
