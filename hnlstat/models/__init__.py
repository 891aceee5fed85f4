"""Models of N: what makes it and what it decays to. `config.model` says what a model is."""
