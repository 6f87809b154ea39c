"""The door to files: what stands on a server, bytes in and out of it, whole and verified.

`sftp` speaks with a server, `transfer` moves bytes, `selection` and `partition_dates` read file names,
`embedded_server` is a small server of our own to try things on. Nothing here knows SQL or Dagster.
"""
