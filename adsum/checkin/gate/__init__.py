"""The gate: the one path from a scan to a mark. Starlette, beside Django; same templates, same words."""
