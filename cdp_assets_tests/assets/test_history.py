"""What happened, as people read it: views of the ledger, and the command that prints them."""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg
import pytest

from cdp_assets.__main__ import main
from cdp_assets_tests.assets.world import ANNA, BERT, World, small_shop

IMPORTS = "SELECT file, state, message FROM ops.import_history"
EXCHANGE = "SELECT connection, direction, profiles FROM ops.data_exchange"


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """Two files folded, the second with a bad row, then one that was refused; one delivery. Tests only read it."""
    root = tmp_path_factory.mktemp("used")
    with dg.DagsterInstance.ephemeral() as instance, small_shop(root, instance) as shop:
        shop.put("customers_1.csv", ANNA, BERT)
        assert shop.run("shop__run_now").success
        shop.put("customers_2.csv", ANNA, "no mail,Delft,1\n", "cleo@example.com,Delft,900\n")
        (shop.server.folder / "in" / "customers_3.csv").write_text("E-Post,City\n")
        assert not shop.run("shop__run_now").success
        yield shop


def test_every_import_is_told_in_a_sentence(used: World) -> None:
    told = {name: (state, message) for name, state, message in used.rows(IMPORTS)}
    assert told["customers_1.csv"] == (
        "folded",
        "Received 0 updates, created 2 profiles, 0 profiles unchanged, checked 2.",
    )
    assert told["customers_2.csv"] == (
        "folded",
        "Received 1 updates, created 1 profiles, 0 profiles unchanged, checked 3. 1 row rejected.",
    )
    assert told["customers_3.csv"][0] == "failed"
    assert "E-Mail" in told["customers_3.csv"][1]


def test_deliveries_and_profiles_are_counted(used: World) -> None:
    rows = used.rows("SELECT path, state, rows, message FROM ops.export_history ORDER BY happened_at")
    assert [(state, count) for _, state, count, _ in rows] == [("delivered", 1), ("delivered", 2)]
    assert rows[0][3].startswith(f"Exported 1 profile to {rows[0][0]}.")
    assert used.rows(EXCHANGE) == [("shop", "imported", 3), ("shop", "exported", 2)]


def test_every_column_of_the_views_is_explained(used: World) -> None:
    query = (
        "SELECT table_name, column_name, comment FROM duckdb_columns() WHERE schema_name = 'ops'"
        " AND table_name IN ('import_history', 'export_history', 'data_exchange')"
    )
    rows = used.rows(query)
    assert len(rows) > 30
    assert [row for row in rows if not row[2]] == []


def test_the_command_prints_what_happened(used: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history", "shop", "--limit", "2"]) == 0
    printed = capsys.readouterr().out
    assert "  failed  shop/customers  customers_3.csv\n    Column " in printed
    ((batch,),) = used.rows("SELECT batch_id[:8] FROM ops.batches WHERE name = 'customers_2.csv'")
    told = f"  folded  shop/customers  customers_2.csv (batch {batch})\n    Received 1 updates, created 1 profiles, "
    assert told in printed
    assert "customers_1.csv" not in printed
    assert "imported" in printed
    assert main(["history", "shop", "customers"]) == 0
    of_goal = capsys.readouterr().out
    assert "customers_1.csv" in of_goal
    assert "Exported" not in of_goal
    assert main(["history", "shop", "custommers"]) == 1
    assert "shop has no goal custommers; there are: customers" in capsys.readouterr().err


def test_rows_and_cells_that_the_first_sentence_does_not_tell_are_told_and_why_a_file_does_not_count(
    shop: World,
) -> None:
    shop.put("customers_20250301.csv", ANNA, "anna@example.com,Ede,much\n", ",Ede,1\n")
    shop.put("customers_20250302.csv", BERT)
    assert shop.run("shop__customers__run_now").success
    shop.put("customers_20250301.csv", ANNA, at=1_700_000_100)
    assert shop.run("shop__customers__run_now").success
    told = shop.rows("SELECT file, state, message FROM ops.import_history")
    assert [(name, state) for name, state, _ in told] == [
        ("customers_20250301.csv", "folded"),
        ("customers_20250302.csv", "folded"),
        ("customers_20250301.csv", "superseded"),
    ]
    assert told[2][2] == (
        "Received 1 updates, created 1 profiles, 0 profiles unchanged, checked 3. 1 row without an identifier."
        " 1 cell rejected, without which the rows were imported."
        " A newer version of partition '20250301' took its place. Its rows no longer count."
    )


def test_what_has_become_of_an_import_since_is_told(shop: World) -> None:
    shop.put("customers_20250302.csv", ANNA, BERT)
    assert shop.run("shop__customers__run_now").success
    shop.put("customers_20250301.csv", ANNA)
    assert shop.run("shop__customers__run_now").success
    told = dict(shop.rows("SELECT file, message FROM ops.import_history"))
    first = "Received 0 updates, created {} profiles, 0 profiles unchanged, checked {}."
    assert told["customers_20250302.csv"] == (
        f"{first.format(2, 2)} Since the profiles were rebuilt: 1 updates, 1 created, 0 unchanged."
    )
    assert told["customers_20250301.csv"] == first.format(1, 1)


def test_before_the_first_import_there_is_no_history(shop: World, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["history"]) == 0
    assert capsys.readouterr().out == "nothing was imported yet\n"


def test_a_connection_that_is_not_there_has_no_empty_history(used: World, capsys: pytest.CaptureFixture[str]) -> None:
    for command in ("history", "recent-imports"):
        assert main([command, "shap"]) == 1
        assert capsys.readouterr().err.startswith("error: no connection shap; there are: ")
