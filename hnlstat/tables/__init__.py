"""Tables of numbers as csv: one reader, and what is plausible in them."""
