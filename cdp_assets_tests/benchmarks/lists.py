"""Lists: profiles of a drop folder with list subscriptions and consents, against what Klaviyo publishes of its import.

Ours      look, fetch verified, land (header told, every cell checked, lists and consents), fold (profiles matched by
          address and telephone number, fields, consents, memberships), commit
Klaviyo   1,000,000 profiles an hour where they join lists, as its documents say; the target is a hundred times that
`ROWS=200000` is the default; half of the people are in the warehouse already, and no two share an identifier.
"""

from __future__ import annotations

import tempfile
from pathlib import Path

import duckdb

from cdp_assets.config.drop_folders import DropFolders
from cdp_assets.config.model import CustomerModelConfig, Deployment, complete_deployment
from cdp_assets_tests.benchmarks._measure import BUILD, apart, settle, size
from cdp_assets_tests.benchmarks._ours import bring_in
from cdp_assets_tests.support.sshd import Sshd, running_sshd, throw_away_account

PUBLISHED_PER_HOUR = 1_000_000
PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "phone_number"},
    {"name": "external_id"},
    {"name": "first_name"},
    {"name": "custom", "type": "json"},
]


def run() -> str:
    """The figures, as one line of ratios."""
    rows = size("ROWS", 200_000)
    BUILD.mkdir(exist_ok=True)
    with (
        throw_away_account() as account,
        running_sshd(account) as sshd,
        tempfile.TemporaryDirectory(dir=BUILD) as made,
    ):
        inbox, data = sshd.folder("inbox-"), Path(made) / "data"
        for name in ("profiles", "events"):
            (inbox / name).mkdir()
            (inbox / name).chmod(0o755)
        setup = _setup(sshd, inbox)
        apart(_write, inbox / "profiles" / "first.csv", 0, rows // 2)
        apart(bring_in, setup, data, publishing=False)
        apart(_write, inbox / "profiles" / "second.csv", 0, rows)
        settle()
        ours = apart(bring_in, setup, data, minute=1, publishing=False)
        found = apart(_counted, data)
    assert found == (rows, rows, rows), found
    per_hour = rows / ours.committed_s * 3600
    print(f"{rows:,} profiles: land {ours.land_s:.1f} s, fold {ours.fold_s:.1f} s, committed {ours.committed_s:.1f} s")
    return (
        f"lists: {per_hour:,.0f} profiles an hour, {per_hour / PUBLISHED_PER_HOUR:,.0f} x what Klaviyo publishes,"
        f" peak {ours.peak_gb:.1f} GB"
    )


def _setup(sshd: Sshd, inbox: Path) -> Deployment:
    server = sshd.server_config(user_directory=str(inbox))
    folders = DropFolders(name="klaviyo", server=server, lists={"XyZ123": "Newsletter"})
    return complete_deployment(CustomerModelConfig.model_validate({"properties": PROPERTIES}), [folders.connection])


def _write(file: Path, first: int, stop: int) -> None:
    duckdb.execute(
        f"""
        COPY (
            SELECT 'person' || n || '@example.com' AS "Email", '+316' || (10000000 + n) AS "PhoneNumber",
                'Name ' || (n % 1000) AS "First Name", 'XyZ123' AS "List ID",
                CASE WHEN n % 10 = 0 THEN 'UNSUBSCRIBED' ELSE 'SUBSCRIBE' END AS "Email Marketing Consent",
                '2025-01-01 10:00:00' AS "Email Marketing Consent Timestamp", 'Street ' || n AS "Location.Address1",
                n % 500 AS "Points", {stop} AS "Upload"
            FROM range({first}, {stop}) AS people(n)
        ) TO '{file}' (FORMAT csv)
        """
    )


def _counted(data: Path) -> tuple[int, int, int]:
    with duckdb.connect(str(data / "warehouse" / "warehouse.duckdb"), read_only=True) as base:
        tables = ("profiles", "consents", "list_memberships")
        first, second, third = (base.execute(f"SELECT count(*) FROM main.{name}").fetchone()[0] for name in tables)
    return int(first), int(second), int(third)
