"""A simulated apparatus that the stock BLACS runs, with real physics in its camera."""
