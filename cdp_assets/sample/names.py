"""Words the invented people and goods are made of."""

from __future__ import annotations

import unicodedata
from dataclasses import dataclass

FIRST_NAMES = (
    "Ada", "Anouk", "Björn", "Brónagh", "Cato", "Céleste", "Dagny", "Émile", "Fenna", "Florian", "Gülsen",
    "Hanne", "Ines", "Jörg", "Jules", "Kateřina", "Lena", "Loïc", "Mads", "Mira", "Noor", "Odile", "Pía",
    "Quinn", "Rasmus", "Renée", "Sören", "Sunniva", "Thijs", "Ulla", "Vera", "Wim", "Yara", "Zoë",
)  # fmt: skip
LAST_NAMES = (
    "Ashvale", "Birkenfluß", "Bramblecote", "Crèvebois", "Dimmerby", "Dünenhof", "Eelmoor", "Fjordgård",
    "Grünspecht", "Hollowmere", "Immerlin", "Juniperdale", "Kräuterbach", "Larkwhistle", "Lavandière",
    "Mistelrath", "Nettlestone", "O'Fennel", "Pebblewick", "Quillhaven", "Rübenkamp", "Silverthatch",
    "Tallowby", "Underbrook", "van der Wilg", "Wintermühle", "Yarrowmead", "Zilverduin",
)  # fmt: skip
DOMAINS = ("example.com", "example.org", "example.net")
INTERESTS = ("tea", "coffee", "books", "garden", "cycling", "pottery", "Käse & Wein", "vinyl")
STREETS = ("Lantern Row", "Quince Street", "Ferrymans Way", "Thimble Lane", "Old Orchard")


@dataclass(frozen=True)
class City:
    """A place, with a telephone range in its country that is kept free for fiction."""

    name: str
    country: str
    """ISO 3166 code of two letters."""
    zip: str
    phone: str
    """International number with `{}` where the free digits go."""
    phone_from: int
    phone_to: int
    """Last free number of the range, inclusive."""
    digits: int
    """Length the free digits are filled up to."""


CITIES = (
    City("London", "GB", "E8 1AA", "+44 20 7946 {}", 0, 999, 4),
    City("Leeds", "GB", "LS1 1AA", "+44 113 496 {}", 0, 999, 4),
    City("Cardiff", "GB", "CF10 1AA", "+44 29 2018 {}", 0, 999, 4),
    City("Boston", "US", "02111", "+1 617 555 {}", 100, 199, 4),
    City("Portland", "US", "97201", "+1 503 555 {}", 100, 199, 4),
    City("Berlin", "DE", "10115", "+49 30 23125 {}", 0, 899, 3),
    City("Köln", "DE", "50667", "+49 221 4710 {}", 0, 899, 3),
    City("München", "DE", "80331", "+49 89 99998 {}", 0, 899, 3),
    City("Besançon", "FR", "25000", "+33 3 53 01 {}", 0, 9_999, 4),
    City("Orléans", "FR", "45000", "+33 2 61 91 {}", 0, 9_999, 4),
)


def plain_letters(text: str) -> str:
    """The text as it may stand before the @: lower case, a to z only, accents taken off."""
    bare = unicodedata.normalize("NFKD", text.lower().replace("ß", "ss"))
    return "".join(letter for letter in bare if "a" <= letter <= "z")
