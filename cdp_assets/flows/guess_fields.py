"""Which columns of orders and their lines go into which fields, by what they are mostly called. Pure.

English, German, Dutch, French, Spanish, Italian and Portuguese names are known.
A draft is for its author to read and change.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from cdp_assets.config.properties import PropertyType
from cdp_assets.flows.detect_columns import ColumnProfile
from cdp_assets.flows.plain_letters import plain_letters

NUMBERS = frozenset({PropertyType.number, PropertyType.decimal})
_THING = "(?:product|produkt|produit|prod|article|artikel|item|articulo|producto|articolo|prodotto|artigo|produto)"
_NUMBER = "(?:id|no|nr|num|number|nummer|numero|code|cod|codigo|codice|ref|reference|referencia)"
_OF = "(?:de|di|do|du|d)"
_PRICE = "(?:price|prijs|preis|prix|precio|prezzo|preco)"
_AMOUNT = "(?:amount|bedrag|betrag|montant|summe|importe|importo|monto|valor|valore)"
_TOTAL = "(?:total|totaal|gesamt|totale)"
_ORDER = "(?:pedido|ordine)?"
_OF_ORDER = (("total_revenue", rf"(?:order|grand)?(?:{_TOTAL}{_AMOUNT}?|{_AMOUNT}{_TOTAL}){_ORDER}", True),)
_OF_SINGLE_ROWS = (("total_revenue", f"{_AMOUNT}{_ORDER}", True),)
"""Beside lines it may be the amount of one of them."""
_CALLED = (
    "(?:name|naam|nom|title|titel|titre|description|omschrijving|bezeichnung|libelle"
    "|nombre|nome|titulo|titolo|descripcion|descrizione|descricao)"
)
_COUNT = (
    "(?:qty|quantity|qte|quantite|aantal|anzahl|menge|nombre|pieces|pcs|stuck|stuks"
    "|cantidad|unidades|uds|quantita|pezzi|quantidade|qtd)"
)
_OF_LINE = (
    ("id", rf"sku|ean|isbn|gtin|{_THING}{_NUMBER}|{_NUMBER}{_OF}?{_THING}|ref|referen(?:ce|cia)", False),
    ("id", _THING, False),
    ("name", rf"{_THING}?{_CALLED}|{_THING}", False),
    ("quantity", _COUNT, True),
    ("netprice", rf"(?:unit|net|netto|stuks|stuck|einzel)?{_PRICE}(?:unit|unitaire|unitario)?", True),
)


def fields_of_order(columns: Sequence[ColumnProfile], *, several_rows: bool = False) -> list[tuple[str, str]]:
    """Column and field of an order, for the fields that some column is called like.

    `several_rows`: an order may have several, so that a column called an amount may be that of a line.
    """
    return list(_fitting(columns, _OF_ORDER if several_rows else (*_OF_ORDER, *_OF_SINGLE_ROWS)))


def known_fields_of_line(columns: Sequence[ColumnProfile]) -> list[tuple[str, str]]:
    """Column and field of a line of an order, for the fields that some column is called like."""
    return list(_fitting(columns, _OF_LINE))


def fields_of_line(columns: Sequence[ColumnProfile]) -> list[tuple[str, str]]:
    """The same of the lines of orders; one column is always the product's id, without which no line counts."""
    found = known_fields_of_line(columns)
    if columns and not any(field == "id" for _, field in found):
        taken = {column for column, _ in found}
        free = [one for one in columns if one.name not in taken] or list(columns)
        first = next((one for one in free if one.detected.type is PropertyType.text), free[0])
        found.insert(0, (first.name, "id"))
    return found


def _fitting(columns: Sequence[ColumnProfile], known: Sequence[tuple[str, str, bool]]) -> Iterator[tuple[str, str]]:
    taken: set[str] = set()
    found: set[str] = set()
    for field, names, numeric in known:
        for one in columns if field not in found else ():
            letters = "".join(filter(str.isalpha, plain_letters(one.name).lower()))
            fits = letters and re.fullmatch(names, letters) and one.name not in taken
            if fits and (not numeric or one.detected.type in NUMBERS):
                taken.add(one.name)
                found.add(field)
                yield one.name, field
                break
