"""A made-up university lived through a whole year, day by day, by the real services: python -m bench.year (or make year)

It knows the truth of everybody: who came, whose phone was flat, who was ill and who silently stopped. The services never read
it; they see scans, marks, queries and absences, as on any day. What they make of them is then held against the truth, and the
table of docs/fairness.md is written.
"""
