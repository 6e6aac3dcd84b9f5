"""Everything on this machine: hub, agent, stock BLACS and the simulated apparatus."""
