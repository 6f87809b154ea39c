"""Columns of orders and their lines are known by what they are mostly called."""

from __future__ import annotations

import pytest

from cdp_assets.config.properties import PropertyType
from cdp_assets.flows.detect_columns import ColumnProfile, Detected
from cdp_assets.flows.guess_fields import fields_of_line, fields_of_order

NUMBER = Detected(PropertyType.decimal)


def columns(*names: str) -> list[ColumnProfile]:
    """Those that begin with # hold numbers."""
    return [
        ColumnProfile(name.lstrip("#"), 1, 1, 1, ("x",), NUMBER if name[0] == "#" else Detected(PropertyType.text))
        for name in names
    ]


@pytest.mark.parametrize(
    ("names", "fields"),
    [
        (("sku", "#qty", "#price"), {"sku": "id", "qty": "quantity", "price": "netprice"}),
        (("Libellé", "Réf. article", "#Qté"), {"Réf. article": "id", "Libellé": "name", "Qté": "quantity"}),
        (("#Artikelnummer", "Bezeichnung", "#Menge", "#Einzelpreis"),
         {"Artikelnummer": "id", "Bezeichnung": "name", "Menge": "quantity", "Einzelpreis": "netprice"}),
        (("articulo", "referencia", "#cantidad", "#precio_unitario"),
         {"referencia": "id", "articulo": "name", "cantidad": "quantity", "precio_unitario": "netprice"}),
        (("Codice articolo", "Descrizione", "#Quantità", "#Prezzo"),
         {"Codice articolo": "id", "Descrizione": "name", "Quantità": "quantity", "Prezzo": "netprice"}),
        (("product", "#id"), {"product": "id"}),
        (("colour", "#size"), {"colour": "id"}),
        (("#size",), {"size": "id"}),
        ((), {}),
    ],
)  # fmt: skip
def test_fields_of_lines(names, fields):
    assert dict(fields_of_line(columns(*names))) == fields


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("#Total", True),
        ("#order_total", True),
        ("#Bedrag", True),
        ("#importe_total", True),
        ("#Totale", True),
        ("#order", False),
        ("total", False),
        ("#city", False),
    ],
)
def test_the_total_of_an_order(name, field):
    assert bool(fields_of_order(columns(name))) == field
