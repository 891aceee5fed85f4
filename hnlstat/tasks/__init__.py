"""What task= can ask for: one module for each."""
