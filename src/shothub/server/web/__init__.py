"""The hub's pages for people: parse, call one query or service, render."""
