"""The pages of the attendance team: classes, registers to complete, queries, policies, periods, outages."""
