"""Django's PostgreSQL backend, made to keep what SQLite keeps: name it as ENGINE."""
