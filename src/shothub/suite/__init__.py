"""The labscript suite's protocols: BLACS, its plugin and launcher, profile, connection table."""
