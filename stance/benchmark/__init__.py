"""How fast a model labels on this machine's CPU, beside other ways to run the same network, all in one run."""
