"""Booked time on an apparatus: reservations in a calendar, sessions for closed loops."""
