"""What `python -m cdp_assets …` can do: one module per command, each with `HELP`, `configure` and `run`."""
