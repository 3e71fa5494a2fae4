"""What docs/performance.md publishes: `python -m bench` measures it, each number in one module."""
