"""The hub: the server that users and agents talk to."""
