"""From decays to channels and bins: what searches select, and the table of yields."""
