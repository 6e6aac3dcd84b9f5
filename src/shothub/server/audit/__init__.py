"""The record of security-relevant acts, to which one can only add."""
