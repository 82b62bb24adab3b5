"""The gate: the one path from a scan to a mark. It runs on Starlette, beside Django, with the same templates and words."""
