"""The Dagster layer on a real instance, against a real SFTP server on the loopback."""
