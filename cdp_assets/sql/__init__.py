"""Config in, SQL text out: nothing here reads a file, a clock or a database."""
