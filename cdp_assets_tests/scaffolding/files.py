"""Files of a Dutch shop, and of others beside it."""

CUSTOMERS = (
    "Klantnr;E-mail;Plaats;Omzet;Lid sinds\n1;a@x.example;Ede;1.200,50;31-12-2024\n2;b@x.example;Ede;3,25;01-02-2025\n"
)
CARDS = "card_id,points\nc1,10\nc2,20\n"
TIMES = "at,level\n10:00,3\n10:00,3\n"
