"""Tells by name and type whether a column holds what identifies a person: names, birthdays, phones, streets, numbers.

And by name alone whether its digits are no quantities.

English, German, Dutch, French, Spanish, Italian and Portuguese names of columns are known. Pure.
"""

from __future__ import annotations

import re

from cdp_assets.config.properties import PropertyType
from cdp_assets.flows.plain_letters import plain_letters

_NUMBER = "(?:id|no|nr|num|number|nummer|key|code)"
_PERSON = (
    "(?:customer|client|contact|person|personal|personen|user|member|subscriber|guest|buyer|loyalty|card"
    "|kunden?|kontakt|mitglieds?|benutzer|nutzer|gast|karten|klant(?:en)?|gebruikers?|lid|kaart"
    "|abonnes?|adherents?|membres?|cartes?"
    "|clientes?|clienti|contactos?|contatt[oi]|personas?|pessoas?|usuarios?|utent[ei]|utilizador(?:es)?|soci(?:os?)?"
    "|miembros?|tarjetas?|tesser[ae]|cartao)"
)
_WHOSE = (
    f"(?:{_PERSON}|billing|shipping|delivery|invoice|recipient|home|private|work"
    "|rechnungs?|liefer|empfae?nger|privat|factuur)*"
)
_TEXT = frozenset({PropertyType.text})
_TEXT_OR_NUMBER = frozenset({PropertyType.text, PropertyType.number})
_OF = "(?:of|van|de|du|d|di|del|della|do|da)"
_ROMANCE_PHONE = "(?:telefon[oe]|telemovel|movil|movel|celular|cellulare)(?:movil|fijo|fisso|fixo|mobile)?"
_FRENCH_PHONE = "(?:telephone)?portable|telephone(?:mobile|fixe)"
_PHONE = (
    f"{_WHOSE}(?:(?:mobile?|mobiel|cell)?(?:tele)?(?:phone|fon|foon)|mobile?|mobiel|handy|tel|gsm|fax){_NUMBER}?"
    f"|(?:n|num|numero)?{_OF}?(?:{_ROMANCE_PHONE}|telephone){_OF}?{_PERSON}?|{_FRENCH_PHONE}"
)
_POSTAL = (
    f"{_WHOSE}(?:zip|plz|postleitzahl|postal|postcode|codepostal)(?:code)?{_NUMBER}?|cp|cap|cep|cod(?:igo|ice)?postale?"
)
_DIGITS = re.compile(f"{_PHONE}|{_POSTAL}")
_KINDS = (
    (
        _TEXT,
        (
            f"{_WHOSE}(?:(?:first|last|full|given|family|middle|maiden|sur|fore|vor|nach|ruf|familien|geburts)?name"
            "|(?:voor|achter)?naam|prenom|nom(?:complet|defamille|etprenom)?|prenomnom|prenometnom|nomprenom)"
            "|(?:primer|segundo)?(?:nombres?|apellidos?)|nombre(?:completo|y?apellidos)|apellidosy?nombre"
            f"|(?:nombre|nome){_OF}?{_PERSON}"
            "|(?:cog)?nome|(?:sobre)?nome(?:completo|proprio)?|nomee?cognome|cognomee?nome|apelido"
        ),
    ),
    (
        frozenset({PropertyType.text, PropertyType.datetime}),
        (
            f"{_WHOSE}(?:birth(?:day|date)|dateofbirth|dob|born|geburts(?:tag|datum)|geboren|geboorte(?:dag|datum)"
            "|datedenaissance|fecha(?:de)?nacimiento|data(?:di|de)?(?:nascita|nascimento)|nacimiento|nascita|nascimento)"
        ),
    ),
    (_TEXT_OR_NUMBER, _PHONE),
    (
        _TEXT,
        (
            f"{_WHOSE}(?:street(?:name|address)?|address(?:line)?|str(?:asse)?|anschrift|adresse?|straat(?:naam)?|rue)"
            f"(?:(?:und|and|en)?(?:house|haus|huis)?{_NUMBER})?"
            f"|(?:direccion|calle|domicilio|indirizzo|endereco|morada|rua)(?:{_OF}?{_PERSON})?"
        ),
    ),
    (_TEXT_OR_NUMBER, f"{_WHOSE}(?:house|haus|huis){_NUMBER}"),
    (_TEXT_OR_NUMBER, f"{_PERSON}+{_NUMBER}"),
    (_TEXT_OR_NUMBER, f"(?:id|n|no|nr|num|numero|number|nummer|code|codigo|codice|cod){_OF}?{_PERSON}+"),
    (_TEXT_OR_NUMBER, "ssn|bsn|iban|dni|nif|nie|cpf|codicefiscale|passport(?:no|number)?|steuer(?:id|nummer)"),
)
_NAMES = tuple((types, re.compile(names)) for types, names in _KINDS)


def is_code(name: str) -> bool:
    """Whether a column of this name likely holds phone numbers or postal codes: digits, and yet no quantities."""
    return _DIGITS.fullmatch(_letters(name)) is not None


def is_personal(name: str, kind: PropertyType) -> bool:
    """Whether a column of this name and type likely holds what identifies a person.

    Case, accents, blanks, signs and digits in the name do not count. The whole name must be known: `Phone 2` is
    personal, `phone_opt_in` and `product_name` are not.
    """
    if kind is PropertyType.email:
        return True
    letters = _letters(name)
    return any(kind in types and names.fullmatch(letters) for types, names in _NAMES)


def _letters(name: str) -> str:
    return "".join(filter(str.isalpha, plain_letters(name).lower()))
