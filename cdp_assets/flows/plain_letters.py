"""Letters as a name in YAML can have them. Pure."""

from __future__ import annotations

import unicodedata

_SPELLED = str.maketrans(
    {
        "ß": "ss", "ẞ": "SS", "æ": "ae", "Æ": "AE", "œ": "oe", "Œ": "OE", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L",
        "đ": "d", "Đ": "D", "ð": "d", "Ð": "D", "þ": "th", "Þ": "TH", "ħ": "h", "Ħ": "H", "ŋ": "n",
        "\N{LATIN SMALL LETTER DOTLESS I}": "i",
        "ä": "ae", "Ä": "Ae", "ö": "oe", "Ö": "Oe", "ü": "ue", "Ü": "Ue",
    }
)  # fmt: skip
"""Letters that are no plain one with a mark, and those with two dots that Germans write with an e."""


def plain_letters(text: str) -> str:
    """A text in ASCII: `ü` is `ue`, `ß` is `ss`, other accents are dropped (`é` is `e`); other scripts fall out."""
    spelled = unicodedata.normalize("NFC", text).translate(_SPELLED)
    return unicodedata.normalize("NFKD", spelled).encode("ascii", "ignore").decode()
