"""What the screen costs on a real terminal: ``python -m benchmarks.terminal --mnist DIR``."""
