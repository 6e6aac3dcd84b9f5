"""The command line of users."""
