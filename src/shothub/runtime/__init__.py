"""What every program needs: configuration, logs, the clock, retry delays."""
