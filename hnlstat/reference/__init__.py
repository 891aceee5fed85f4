"""What the keys of the configuration mean: the list of them, for the terminal and the site."""
