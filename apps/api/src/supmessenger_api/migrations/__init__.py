"""The migration runner: SQL file pairs in, a schema and its record out."""
