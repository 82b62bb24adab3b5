"""The live streams: one hub for each process, and what each kind of screen is sent."""
