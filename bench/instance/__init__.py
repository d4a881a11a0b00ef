"""What benchmarks start and measure: an instance with workers, sandboxes and their processes."""
