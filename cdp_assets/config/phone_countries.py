"""How telephone numbers are written inside some countries."""

from __future__ import annotations

from typing import NamedTuple


class PhoneCountry(NamedTuple):
    """What turns a number as people write it at home into an international one."""

    calling_code: str
    trunk: str
    """Regular expression of the prefix that is only dialled at home; empty = there is none."""
    longest: int
    """Digits of the longest national number, without the prefix."""
    abroad: str = "00"
    """Digits dialled before a foreign country's code; `00` is understood everywhere."""


_ZERO = "^0"
_NORTH_AMERICA = PhoneCountry("1", "^1", 10, "011")

PHONE_COUNTRIES = {
    "AE": PhoneCountry("971", _ZERO, 9),
    "AT": PhoneCountry("43", _ZERO, 13),
    "AU": PhoneCountry("61", _ZERO, 9, "0011"),
    "BE": PhoneCountry("32", _ZERO, 9),
    "BG": PhoneCountry("359", _ZERO, 9),
    "CA": _NORTH_AMERICA,
    "CH": PhoneCountry("41", _ZERO, 9),
    "CN": PhoneCountry("86", _ZERO, 11),
    "CY": PhoneCountry("357", "", 8),
    "CZ": PhoneCountry("420", "", 9),
    "DE": PhoneCountry("49", _ZERO, 11),
    "DK": PhoneCountry("45", "", 8),
    "EE": PhoneCountry("372", "", 8),
    "EG": PhoneCountry("20", _ZERO, 10),
    "ES": PhoneCountry("34", "", 9),
    "FI": PhoneCountry("358", _ZERO, 11),
    "FR": PhoneCountry("33", _ZERO, 9),
    "GB": PhoneCountry("44", _ZERO, 10),
    "GR": PhoneCountry("30", "", 10),
    "HR": PhoneCountry("385", _ZERO, 9),
    "HU": PhoneCountry("36", "^06", 9),
    "IE": PhoneCountry("353", _ZERO, 9),
    "IN": PhoneCountry("91", _ZERO, 10),
    "IS": PhoneCountry("354", "", 7),
    "IT": PhoneCountry("39", "", 11),
    "JP": PhoneCountry("81", _ZERO, 10, "010"),
    "LI": PhoneCountry("423", _ZERO, 7),
    "LT": PhoneCountry("370", "^[08]", 8),
    "LU": PhoneCountry("352", "", 11),
    "LV": PhoneCountry("371", "", 8),
    "MA": PhoneCountry("212", _ZERO, 9),
    "MC": PhoneCountry("377", _ZERO, 9),
    "MT": PhoneCountry("356", "", 8),
    "MX": PhoneCountry("52", "", 10),
    "NL": PhoneCountry("31", _ZERO, 9),
    "NO": PhoneCountry("47", "", 8),
    "NZ": PhoneCountry("64", _ZERO, 10),
    "PL": PhoneCountry("48", "", 9),
    "PT": PhoneCountry("351", "", 9),
    "RO": PhoneCountry("40", _ZERO, 9),
    "RS": PhoneCountry("381", _ZERO, 9),
    "SA": PhoneCountry("966", _ZERO, 9),
    "SE": PhoneCountry("46", _ZERO, 10),
    "SI": PhoneCountry("386", _ZERO, 8),
    "SK": PhoneCountry("421", _ZERO, 9),
    "TR": PhoneCountry("90", _ZERO, 10),
    "UA": PhoneCountry("380", _ZERO, 9),
    "US": _NORTH_AMERICA,
    "ZA": PhoneCountry("27", _ZERO, 9),
}
"""By ISO 3166 code. Countries where carriers' codes stand before a number are left out."""
