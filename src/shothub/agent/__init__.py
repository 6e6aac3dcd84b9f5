"""The program at the apparatus; it dials out and never listens to the internet."""
