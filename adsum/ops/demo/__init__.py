"""The demo university: made up, believable, and the same every time.

Nothing here reads the clock or the system's randomness: `load(at=…)` twice with the same `at` gives the same university.
"""

SOURCE = "demo"
"""What everything made here is stored under; nothing else in the database may be."""

ACTOR = "system:demo"
"""The actor of the demo's events, so that the event log shows that its history is made up."""

DOMAIN = "adsum.example"
"""Reserved for examples (RFC 6761): no mail to it ever reaches anybody."""

PASSWORD = "present and correct"  # noqa: S105 - printed on the first screen of the demo, and good for nothing else
"""One password for everybody in the demo university."""

EVERYWHERE = "0.0.0.0"  # noqa: S104 - a phone on the same network must reach the demo
"""Where the demo listens unless told otherwise: every address of this machine."""
