"""Apparatus, their sessions, and the shares of their users."""
