"""From YAML to checked config to Dagster definitions: what stands in a defs folder, and the two components."""
