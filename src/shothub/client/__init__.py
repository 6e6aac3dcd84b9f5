"""The SDK and the command line of users."""
