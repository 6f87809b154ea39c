"""What the user wrote, typed: frozen pydantic models, one module per noun of the YAML."""
