"""A year of duties, day by day: students with known truths go through the nightly watch, and a plain second set of rules says
which duty had to open, on which day.

`python -m bench.duties`; a small one is part of the tests.
"""
