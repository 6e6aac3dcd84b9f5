"""The tables of the agent's journal, and how an older journal gets what is new in them."""

import sqlite3

_SCHEMA = """
CREATE TABLE IF NOT EXISTS jobs (job TEXT PRIMARY KEY, folder TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS asks (fence INTEGER PRIMARY KEY, shot INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS attempts (
  attempt INTEGER PRIMARY KEY, shot INTEGER NOT NULL, job TEXT NOT NULL,
  idx INTEGER NOT NULL, offered INTEGER NOT NULL DEFAULT 0,
  begun TEXT, ended TEXT, outcome TEXT, reason TEXT NOT NULL DEFAULT '',
  analysed INTEGER NOT NULL DEFAULT 0, ahead INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS identity (id TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS strangers (
  attempt INTEGER PRIMARY KEY, shot INTEGER NOT NULL, job TEXT NOT NULL,
  idx INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
  id INTEGER PRIMARY KEY AUTOINCREMENT, rank INTEGER NOT NULL, route TEXT NOT NULL,
  body TEXT NOT NULL, file TEXT NOT NULL DEFAULT '', job TEXT NOT NULL DEFAULT '',
  refused TEXT NOT NULL DEFAULT '');
CREATE INDEX IF NOT EXISTS outbox_order ON outbox (rank, id) WHERE refused = '';
"""
_AHEAD = "ahead INTEGER NOT NULL DEFAULT 0"
_OPEN_INDEX = (
    "CREATE INDEX IF NOT EXISTS granted_ahead ON attempts (attempt) WHERE ahead = 1"
)


def bring_up_to_date(db: sqlite3.Connection) -> None:
    """Make the tables that are not there yet, and add columns to those that are."""
    db.executescript(_SCHEMA)
    columns = {row[1] for row in db.execute("PRAGMA table_info(attempts)")}
    if "ahead" not in columns:
        db.execute(f"ALTER TABLE attempts ADD COLUMN {_AHEAD}")
    db.execute(_OPEN_INDEX)
