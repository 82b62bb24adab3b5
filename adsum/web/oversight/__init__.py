"""The pages of auditors and the data-protection officer: who looked at what, and the event log."""
