"""The mappings proposed for columns that have none."""

from __future__ import annotations

import pytest

from cdp_assets.config.check import check
from cdp_assets.config.goals import Rule
from cdp_assets.config.known import Unread
from cdp_assets.config.properties import PropertyType
from cdp_assets.flows.detect_columns import ColumnProfile, Detected
from cdp_assets.flows.propose_mappings import propose_mappings
from cdp_assets.flows.sample_results import Refused, SampleRows, SetPreview
from cdp_assets_tests.support.connected import import_goal
from cdp_assets_tests.support.lab import deployment

PROPERTIES = [
    {"name": "email", "type": "email"},
    {"name": "city"},
    {"name": "points", "type": "number"},
    {"name": "tags", "multiple": True},
    {"name": "Spend", "type": "currency", "currency": "EUR"},
    {"name": "rate", "type": "decimal"},
    {"name": "born", "type": "datetime"},
]
ORDERS = {"name": "orders", "file": "orders_*.csv", "parent_column": "id", "column": "customer"}


def proposed(columns, rule=None, prefix="", mappings=None):
    """Columns: name → what it looks like. The proposal, once the YAML with it has been checked."""
    goal = import_goal(mappings=mappings or [{"column": "City", "property": "city"}], files={"linked": [ORDERS]})
    given = deployment(PROPERTIES, [goal])
    profiles = tuple(ColumnProfile(name, 10, 10, 5, (), detected) for name, detected in columns.items())
    seen = SetPreview(10, tuple(columns), profiles, SampleRows(), Refused(0, 0, ()), unmapped=tuple(columns))
    proposal = propose_mappings(given.connections[0].imports[0], given.model, seen, rule, prefix)
    added = [item.model_dump(mode="json") for item in proposal.mappings]
    changed = deployment(
        [*PROPERTIES, *(prop.model_dump(mode="json", exclude_none=True) for prop in proposal.properties)],
        [goal | {"mappings": [*goal["mappings"], *added]}],
    )
    assert list(check(changed, Unread())) == []
    return proposal


def looks(kind=PropertyType.text, **more):
    return Detected(kind, fitting=10, **more)


def decimal(places):
    return looks(PropertyType.decimal, places=places)


def mapped(proposal):
    return {item.column: (item.property, str(item.rule)) for item in proposal.mappings}


def added(proposal):
    return {item.name: item.type_signature for item in proposal.properties}


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("First name", "First_name"),
        ("E-Mail 2", "E-Mail_2"),
        ("Prénom (légal)", "Prenom_legal"),
        ("Straße", "Strasse"),
        ("Größe", "Groesse"),
        ("Geändert am", "Geaendert_am"),
        ("Gea\u0308ndert", "Geaendert"),
        ("Übersicht", "Uebersicht"),
        ("Crème Zoë", "Creme_Zoe"),
        ("Færøer-Øst", "Faeroer-Ost"),
        ("ŁÓDŹ", "LODZ"),
        ("__x__", "x"),
        ("名前", "column_1"),
        ("profile_id", "profile_id_2"),
        ("x" * 80, "x" * 63),
    ],
)
def test_names_are_made_valid(column, name):
    assert mapped(proposed({column: looks()})) == {column: (name, "set")}


def test_a_prefix_stands_before_new_names():
    proposal = proposed({"Age": looks(PropertyType.number), "Name": looks()}, prefix="shop_")
    assert added(proposal) == {"shop_Age": "number", "shop_Name": "text"}


def test_a_property_the_model_has_is_used_where_its_type_fits():
    proposal = proposed({"POINTS": looks(PropertyType.number), "spend": decimal(2)})
    assert mapped(proposal) == {"POINTS": ("points", "set"), "spend": ("Spend", "set")}
    assert added(proposal) == {}


def test_a_property_of_another_type_or_in_use_gets_a_new_name():
    proposal = proposed({"born": looks(), "city": looks(), "email": looks(PropertyType.email)})
    assert added(proposal) == {"born_2": "text", "city_2": "text", "email_2": "email"}
    assert [prop.pii for prop in proposal.properties] == [True, False, True]


NUMBER, DATE = PropertyType.number, PropertyType.datetime


@pytest.mark.parametrize(
    ("column", "kind", "pii"),
    [
        ("Name", PropertyType.text, True),
        ("first_name", PropertyType.text, True),
        ("Nachname", PropertyType.text, True),
        ("Prénom", PropertyType.text, True),
        ("Customer Name", PropertyType.text, True),
        ("product_name", PropertyType.text, False),
        ("Firmenname", PropertyType.text, False),
        ("Geburtsdatum", DATE, True),
        ("birthday", PropertyType.text, True),
        ("birthday", NUMBER, False),
        ("Bestelldatum", DATE, False),
        ("Phone 2", PropertyType.text, True),
        ("Mobilnummer", NUMBER, True),
        ("Telefoon", NUMBER, True),
        ("phone_opt_in", PropertyType.text, False),
        ("Straße und Hausnr.", PropertyType.text, True),
        ("billing_street", PropertyType.text, True),
        ("Hausnummer", NUMBER, True),
        ("Ort", PropertyType.text, False),
        ("Kundennummer", NUMBER, True),
        ("customerId", PropertyType.text, True),
        ("Kundengruppe", PropertyType.text, False),
        ("Bestellnummer", NUMBER, False),
        ("Rechnungsnummer", NUMBER, False),
        ("contact", DATE, False),
        ("login", PropertyType.email, True),
        ("apellidos", PropertyType.text, True),
        ("nombre", PropertyType.text, True),
        ("nombre", NUMBER, False),
        ("Cognome", PropertyType.text, True),
        ("teléfono móvil", NUMBER, True),
        ("fecha_nacimiento", DATE, True),
        ("fecha_pedido", DATE, False),
        ("Dirección", PropertyType.text, True),
        ("id_cliente", PropertyType.text, True),
        ("num_pedido", PropertyType.text, False),
        ("estado", PropertyType.text, False),
        ("Codice fiscale", PropertyType.text, True),
        ("DNI", PropertyType.text, True),
        ("Téléphone portable", PropertyType.text, True),
        ("N° de téléphone", NUMBER, True),
    ],
)
def test_what_likely_identifies_a_person_is_marked(column, kind, pii):
    (prop,) = proposed({column: looks(kind)}).properties
    assert prop.pii is pii


def test_two_columns_of_one_name_get_two_properties():
    assert list(added(proposed({"a b": looks(), "a_b": looks(), "A-b": looks()}))) == ["a_b", "a_b_2", "A-b"]


def test_linked_columns_are_added_to_lists():
    proposal = proposed({"orders.amount": decimal(4), "orders.at": looks(PropertyType.datetime)})
    assert mapped(proposal) == {"orders.amount": ("orders_amount", "add"), "orders.at": ("orders_at", "add")}
    assert added(proposal) == {"orders_amount": "decimal(4)[]", "orders_at": "datetime[]"}


def test_a_cell_with_several_values_gives_a_list():
    assert added(proposed({"likes": looks(multiple=True)})) == {"likes": "text[]"}


def test_a_rule_is_taken_where_it_fits():
    proposal = proposed({"a": looks(PropertyType.number), "b": looks()}, Rule.sum)
    assert mapped(proposal) == {"a": ("a", "sum"), "b": ("b", "set")}
    assert proposal.notes == ("b: rule set, as sum does not fit property b",)


def test_the_rule_add_makes_lists():
    assert added(proposed({"a": looks(PropertyType.number)}, Rule.add)) == {"a": "number[]"}


def test_linked_numbers_can_be_summed():
    proposal = proposed({"orders.amount": decimal(2)}, Rule.sum)
    assert (mapped(proposal), added(proposal)) == (
        {"orders.amount": ("orders_amount", "sum")},
        {"orders_amount": "decimal(2)"},
    )


@pytest.mark.parametrize(("places", "kept"), [(1, 2), (2, 2), (3, 3), (4, 4), (9, 4)])
def test_a_new_decimal_keeps_the_places_seen_and_at_least_two(places, kept):
    assert added(proposed({"price": decimal(places)})) == {"price": f"decimal({kept})"}


@pytest.mark.parametrize(
    ("column", "places", "notes"),
    [
        ("price", 4, ()),
        (
            "price",
            5,
            ("price: decimals with up to 5 places, of which property price keeps 4; a text would keep them all",),
        ),
        ("spend", 2, ()),
        (
            "spend",
            3,
            ("spend: decimals with up to 3 places, of which property Spend keeps 2; a text would keep them all",),
        ),
        ("rate", 4, ()),
        ("city", 9, ()),
    ],
)
def test_decimals_that_would_be_rounded_are_told(column, places, notes):
    proposal = proposed({column: decimal(places)}, mappings=[{"column": "Points", "property": "points"}])
    assert (mapped(proposal)[column][0].lower(), proposal.notes) == (column, notes)


def test_an_empty_column_is_a_text():
    assert added(proposed({"later": Detected(None)})) == {"later": "text"}


def test_a_column_whose_name_would_run_as_a_template_is_left_out():
    proposal = proposed({"{{ env('HOME') }}": looks(), "b": looks()})
    assert list(mapped(proposal)) == ["b"]
    assert "the signs of a template" in proposal.notes[0]


def test_a_new_property_for_days_keeps_whole_days():
    days, moments = looks(PropertyType.datetime, whole_days=True), looks(PropertyType.datetime)
    proposal = proposed({"birthday": days, "seen": moments})
    assert [(prop.name, prop.whole_days) for prop in proposal.properties] == [("birthday", True), ("seen", False)]


@pytest.mark.parametrize("name", ["PLZ", "Zip code", "Postleitzahl", "postcode", "Telefon", "Handynummer", "phone 2"])
def test_phones_and_postal_codes_are_texts_though_they_are_digits(name):
    (prop,) = proposed({name: looks(PropertyType.number)}).properties
    assert prop.type is PropertyType.text


def test_other_digits_are_numbers():
    names = ("Zipper length", "Phone calls", "Telefonate", "Tel_count")
    assert {str(prop.type) for prop in proposed(dict.fromkeys(names, looks(PropertyType.number))).properties} == {
        "number"
    }
