"""Simulated devices in the shape of the suite's own: classes, BLACS tabs, workers."""
