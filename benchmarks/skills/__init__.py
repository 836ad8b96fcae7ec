"""Skills that only benchmarks install."""
