"""The whole shop: every sample file, and the truth about what stands in them."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from cdp_assets.sample.customers import write_customers, write_households
from cdp_assets.sample.klaviyo import write_klaviyo
from cdp_assets.sample.loyalty import write_loyalty
from cdp_assets.sample.orders import invent_products, write_orders, write_products
from cdp_assets.sample.people import invent_customers, random_for
from cdp_assets.sample.writing import Dirt, FileSummary

TODAY = date(2026, 11, 20)


@dataclass(frozen=True)
class ShopSummary:
    """What was written, file by file, in the order it was written."""

    files: tuple[FileSummary, ...]

    @property
    def rows(self) -> int:
        """Rows of all files together, without headers."""
        return sum(file.rows for file in self.files)

    @property
    def dirt(self) -> Counter[Dirt]:
        """Rows of each kind of dirt, of all files together."""
        total: Counter[Dirt] = Counter()
        for file in self.files:
            total.update(file.dirt)
        return total

    def find_file(self, path: str) -> FileSummary:
        """The file of that path below the shop's folder; KeyError where there is none."""
        found = next((file for file in self.files if file.path == path), None)
        if found is None:
            message = f"the sample has no file {path!r}; it has {[file.path for file in self.files]}"
            raise KeyError(message)
        return found


def write_shop(folder: Path, *, seed: int = 7, customers: int = 2_000, today: date = TODAY) -> ShopSummary:
    """Write the sample files into `in/` and `klaviyo/` below the folder.

    The same arguments give the same bytes and the same modification times, and a second run replaces the
    files. The last files are dated `today`; customers come from four days before on.
    """
    if customers < 1:
        message = f"customers is {customers}; a shop needs at least 1"
        raise ValueError(message)
    people = list(invent_customers(random_for(seed, "people"), first=1, count=customers, today=today))
    products = invent_products(seed=seed)
    return ShopSummary(
        (
            *write_customers(folder, people, seed=seed, today=today),
            *write_loyalty(folder, people, seed=seed, today=today),
            write_households(folder, customers, seed=seed, today=today),
            write_products(folder, products, today=today),
            *write_orders(folder, people, products, seed=seed, today=today),
            *write_klaviyo(folder, people, products, seed=seed, today=today),
        )
    )
