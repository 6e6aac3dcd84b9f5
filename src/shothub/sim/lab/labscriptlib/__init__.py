"""The lab's own functions for experiment scripts."""
