"""Files of a Dutch shop, and of others beside it."""

CUSTOMERS = (
    "Klantnr;E-mail;Plaats;Omzet;Lid sinds\n1;a@x.example;Ede;1.200,50;31-12-2024\n2;b@x.example;Ede;3,25;01-02-2025\n"
)
CARDS = "card_id,points\nc1,10\nc2,20\n"
TIMES = "at,level\n10:00,3\n10:00,3\n"
DIRTY = (";c@x.example;Ede", ";d@x.example;Ede", "K001;e@x.example;Ede")
"""People without a number of their own."""


def customers_of(count, *more):
    people = "".join(f"K{number:03};a{number}@x.example;Ede\n" for number in range(1, count + 1))
    return "Klantnr;E-mail;Plaats\n" + people + "".join(f"{row}\n" for row in more)


def orders_of(*numbers):
    rows = [f"B{place};{number};20-11-2026\n" for place, number in enumerate(numbers)]
    return "Bestelnummer;Klantnr;Besteld\n" + "".join(rows)
