"""The asset graph: config in, Dagster assets out; bodies open a resource, call one flow, return metadata."""
