"""PGP: every test runs with both engines, against keys and messages of a real gpg."""
