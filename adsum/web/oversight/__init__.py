"""The pages of those who watch over it: who looked at what, and the event log."""
