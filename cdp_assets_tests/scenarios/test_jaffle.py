"""The jaffle shop: customers with their orders and payments, linked two levels deep, against a recount by SQL."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from cdp_assets_tests.support.connected import Shop, import_goal

SOURCE = Path(__file__).parents[2].parent / "shared" / "data" / "jaffle"
pytestmark = pytest.mark.skipif(
    not SOURCE.exists(), reason=f"needs the jaffle shop as shared/data/{SOURCE.name} beside the project"
)
PROPERTIES = [
    {"name": "customer_id"},
    {"name": "first_name"},
    {"name": "orders", "type": "number"},
    {"name": "order_ids", "multiple": True},
    {"name": "paid_cents", "type": "number"},
    {"name": "methods", "multiple": True},
]
LINKED = [
    {
        "name": "orders",
        "file": "raw_orders_*.csv",
        "parent_column": "id",
        "column": "user_id",
        "processors": [{"fixed_value": {"field": "one", "value": "1"}}],
    },
    {
        "name": "payments",
        "file": "raw_payments_*.csv",
        "parent": "orders",
        "parent_column": "id",
        "column": "order_id",
    },
]
GOAL = import_goal(
    "raw_customers",
    files={"linked": LINKED},
    identifiers=[{"column": "id", "property": "customer_id"}],
    mappings=[
        {"column": "first_name", "property": "first_name"},
        {"column": "orders.one", "property": "orders", "rule": "sum"},
        {"column": "orders.id", "property": "order_ids", "rule": "add"},
        {"column": "payments.amount", "property": "paid_cents", "rule": "sum"},
        {"column": "payments.payment_method", "property": "methods", "rule": "add"},
    ],
)
RECOUNT = f"""
    SELECT c.id::VARCHAR, count(DISTINCT o.id), sum(p.amount)
    FROM '{SOURCE}/raw_customers.csv' c
    LEFT JOIN '{SOURCE}/raw_orders.csv' o ON o.user_id = c.id
    LEFT JOIN '{SOURCE}/raw_payments.csv' p ON p.order_id = o.id
    GROUP BY c.id ORDER BY 1
"""


def test_orders_and_payments_of_every_customer_equal_a_recount_over_the_raw_files(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [GOAL], PROPERTIES)
    for table in ("customers", "orders", "payments"):
        shop.put(f"raw_{table}_1.csv", (SOURCE / f"raw_{table}.csv").read_bytes())
    imported, folded, _ = shop.import_all()
    (outcome,) = imported.outcomes
    assert not outcome.error
    assert folded.profiles == 100
    found = shop.rows("SELECT customer_id, coalesce(orders, 0), paid_cents FROM main.profiles ORDER BY 1")
    assert found == duckdb.sql(RECOUNT).fetchall()
    assert shop.rows("SELECT count(*) FROM main.profiles WHERE len(order_ids) IS DISTINCT FROM orders") == [(0,)]
    assert sum(row[1] for row in found) == 99
    assert shop.names() == ["raw_customers_1.csv.done", "raw_orders_1.csv.done", "raw_payments_1.csv.done"]


ORDER_TYPE = {
    "id": "order",
    "fields": [
        {"key": "status"},
        {
            "key": "payment",
            "fields": [
                {"key": "id", "identifier": True},
                {"key": "payment_method"},
                {"key": "amount", "type": "number"},
            ],
        },
    ],
}
TIMELINES = import_goal(
    "raw_customers",
    files={"linked": LINKED},
    identifiers=[{"column": "id", "property": "customer_id"}],
    events=[
        {
            "type": "order",
            "source": "orders",
            "id": "orders.id",
            "date": "orders.order_date",
            "all_properties": True,
            "mappings": [{"column": "orders.status", "property": "status"}],
            "nested": [{"property": "payment", "source": "payments", "all_properties": True}],
        }
    ],
) | {"mappings": []}
PER_CUSTOMER = f"""
    SELECT c.id::VARCHAR, count(DISTINCT o.id), count(p.id), coalesce(sum(p.amount), 0)::BIGINT, max(o.order_date)
    FROM '{SOURCE}/raw_customers.csv' c
    JOIN '{SOURCE}/raw_orders.csv' o ON o.user_id = c.id
    LEFT JOIN '{SOURCE}/raw_payments.csv' p ON p.order_id = o.id
    GROUP BY c.id ORDER BY 1
"""
PER_ORDER = f"""
    SELECT o.id::VARCHAR, o.status, o.order_date, list(p.id::VARCHAR ORDER BY p.id), list(p.amount ORDER BY p.id)
    FROM '{SOURCE}/raw_orders.csv' o JOIN '{SOURCE}/raw_payments.csv' p ON p.order_id = o.id
    GROUP BY ALL ORDER BY 1
"""


def test_order_events_with_their_payments_equal_a_recount_over_the_raw_files(sshd, tmp_path):
    shop = Shop(sshd, tmp_path, [TIMELINES], PROPERTIES)
    shop.model = {"event_types": [ORDER_TYPE]}
    for table in ("customers", "orders", "payments"):
        shop.put(f"raw_{table}_1.csv", (SOURCE / f"raw_{table}.csv").read_bytes())
    imported, folded, _ = shop.import_all()
    assert not imported.outcomes[0].error
    assert (folded.profiles, folded.folded[0]["events_created"], folded.folded[0]["events_rejected"]) == (100, 99, 0)
    found = shop.rows(
        "SELECT customer_id, count(DISTINCT event_id), count(payment.id), coalesce(sum(payment.amount), 0)::BIGINT,"
        " max(date)::DATE FROM main.events_order JOIN main.profiles USING (profile_id)"
        " LEFT JOIN main.events_order_payment AS payment USING (profile_id, event_id, date) GROUP BY 1 ORDER BY 1"
    )
    assert found == duckdb.sql(PER_CUSTOMER).fetchall()
    found = shop.rows(
        'SELECT event_id, status, order_date::DATE, list(id ORDER BY "index"), list(amount ORDER BY "index")'
        " FROM main.events_order JOIN main.events_order_payment USING (profile_id, event_id, date)"
        " GROUP BY ALL ORDER BY 1"
    )
    assert found == duckdb.sql(PER_ORDER).fetchall()
    dump = shop.dump()
    shop.fold()
    assert shop.dump() == dump
