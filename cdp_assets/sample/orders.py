"""Products, and three days of orders with their lines in a file of their own."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, time, timedelta
from pathlib import Path
from random import Random

from cdp_assets.sample.people import Customer, random_for
from cdp_assets.sample.writing import Dirt, FileSummary, Sheet, amount_text, email_spoilers

PRODUCTS_HEADER = ("product_id", "name", "category", "brand", "price", "url")
ORDERS_HEADER = ("order_id", "email", "ordered_at", "total", "currency", "coupon", "store")
LINES_HEADER = ("order_id", "line", "product_id", "quantity", "price")
ORDER_KINDS = (Dirt.missing_email, Dirt.untidy_email, Dirt.stranger, Dirt.duplicate)
LINE_SPOILERS = {
    Dirt.orphan: ("order_id", lambda order_id: f"{order_id}X"),
    Dirt.not_a_number: ("quantity", lambda quantity: f"{quantity} pcs"),
}
GOODS = (
    ("Teapot", "kitchen"), ("Mug", "kitchen"), ("Whisk", "kitchen"), ("Blanket", "home"), ("Candle", "home"),
    ('Frame 9"', "home"), ("Trowel", "garden"), ("Seeds, mixed", "garden"), ("Bell", "cycling"),
    ("Notebook", "paper"), ("Atlas", "paper"), ("Käsehobel", "kitchen"),
)  # fmt: skip
MAKERS = ("Lumbrook", "Sältby", "Ofenwerk", "Petit Héron")
DAYS = 3
EXPORTED_AT = time(23, 50)


@dataclass(frozen=True)
class Product:
    """One thing the shop sells."""

    product_id: str
    name: str
    category: str
    brand: str
    price_cents: int


def invent_products(*, seed: int) -> list[Product]:
    """Every good of every maker, with a price."""
    rng = random_for(seed, "products")
    goods = [(name, category, maker) for name, category in GOODS for maker in MAKERS]
    return [
        Product(f"P{number:04d}", f"{maker} {name}", category, maker, rng.randrange(290, 9_900, 10))
        for number, (name, category, maker) in enumerate(goods, start=1)
    ]


def write_products(folder: Path, products: Sequence[Product], *, today: date) -> FileSummary:
    """`products.csv`: one row per product, comma-separated."""
    sheet = Sheet(PRODUCTS_HEADER)
    for one in products:
        price = amount_text(one.price_cents, decimal=".")
        url = f"https://shop.example.com/p/{one.product_id.lower()}"
        sheet.add((one.product_id, one.name, one.category, one.brand, price, url))
    return sheet.write(folder, "in/products.csv", day=today, at=time(4, 0))


def write_orders(
    folder: Path, customers: Sequence[Customer], products: Sequence[Product], *, seed: int, today: date
) -> list[FileSummary]:
    """Three pairs of `orders_YYYYMMDD.csv` and `order_lines_YYYYMMDD.csv`, linked by `order_id`.

    `total` is the sum of quantity times price over the order's lines, before any of them was spoilt.
    """
    written: list[FileSummary] = []
    for days_ago in reversed(range(DAYS)):
        written += _write_day(folder, customers, products, seed, today - timedelta(days_ago))
    return written


def _write_day(
    folder: Path, customers: Sequence[Customer], products: Sequence[Product], seed: int, day: date
) -> list[FileSummary]:
    rng = random_for(seed, f"orders {day:%Y%m%d}")
    orders: list[tuple[str, ...]] = []
    lines: list[tuple[str, ...]] = []
    for number in range(1, max(1, len(customers) // 10) + 1):
        order_id = f"{day:%y%m%d}-{number:05d}"
        bought = _bought(rng, products)
        total = sum(quantity * one.price_cents for one, quantity in bought)
        orders.append(_order_cells(rng, order_id, rng.choice(customers), day, total))
        for line, (one, quantity) in enumerate(bought, start=1):
            price = amount_text(one.price_cents, decimal=".")
            lines.append((order_id, str(line), one.product_id, str(quantity), price))
    orders_sheet = Sheet(ORDERS_HEADER, spoilers=email_spoilers("email"))
    orders_sheet.add_rows(rng, orders, ORDER_KINDS)
    lines_sheet = Sheet(LINES_HEADER, spoilers=LINE_SPOILERS)
    lines_sheet.add_rows(rng, lines, tuple(LINE_SPOILERS))
    return [
        orders_sheet.write(folder, f"in/orders_{day:%Y%m%d}.csv", day=day, at=EXPORTED_AT),
        lines_sheet.write(folder, f"in/order_lines_{day:%Y%m%d}.csv", day=day, at=EXPORTED_AT),
    ]


def _bought(rng: Random, products: Sequence[Product]) -> list[tuple[Product, int]]:
    return [(one, rng.randrange(1, 4)) for one in rng.sample(products, rng.randrange(1, 5))]


def _order_cells(rng: Random, order_id: str, customer: Customer, day: date, total: int) -> tuple[str, ...]:
    ordered_at = f"{day.isoformat()}T{rng.randrange(24):02d}:{rng.randrange(60):02d}:{rng.randrange(60):02d}Z"
    coupon = rng.choice(("", "", "", "AUTUMN10", "HELLO"))
    store = rng.choice(("web", "web", customer.city.name))
    return (order_id, customer.email, ordered_at, amount_text(total, decimal="."), "EUR", coupon, store)
