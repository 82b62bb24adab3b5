"""Data protection: what is kept of whom and for how long, and what happens at its end."""
