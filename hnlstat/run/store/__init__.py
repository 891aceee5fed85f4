"""Results of units of work, kept under the content that they come from."""
