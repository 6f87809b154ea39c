"""Looks for a text in every file of a data folder: in its bytes, and in what Parquet and DuckDB files hold."""

import duckdb


def traces(root, text):
    """Where it stands: paths below the folder, of a database with the table."""
    return sorted(_traces(root, text.lower()))


def _traces(root, text):
    for path in (path for path in root.rglob("*") if path.is_file()):
        name = str(path.relative_to(root))
        if text.encode() in path.read_bytes().lower():
            yield name
        if path.suffix == ".parquet":
            rows = duckdb.connect().execute("SELECT * FROM read_parquet(?)", [str(path)]).fetchall()
            if text in str(rows).lower():
                yield f"{name} (rows)"
        if path.suffix == ".duckdb":
            with duckdb.connect(str(path), read_only=True) as database:
                for schema, table in database.execute("SELECT schema_name, table_name FROM duckdb_tables()").fetchall():
                    if text in str(database.execute(f'SELECT * FROM "{schema}"."{table}"').fetchall()).lower():
                        yield f"{name} {schema}.{table}"
