"""Registers nothing: the hand belongs to no device, but comes into the profile with them."""
