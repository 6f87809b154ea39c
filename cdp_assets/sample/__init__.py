"""A small shop that never was: believable, slightly dirty files for the demo, the tests and the docs.

Nobody in them exists: names are made up, e-mail addresses are at the example domains, and telephone
numbers are from the ranges that regulators keep free for films and books.
"""

from cdp_assets.sample.shop import ShopSummary, write_shop
from cdp_assets.sample.writing import Dirt, FileSummary

__all__ = ["Dirt", "FileSummary", "ShopSummary", "write_shop"]
