"""Real servers, real databases, real faults. Run on their own: `python -m pytest tests/faults`."""
