"""How fast the product is, each time beside a minimal hand-written program that does the same work in the same run (docs: performance)."""
