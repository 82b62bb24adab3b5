"""Several workers at once, each with a connection of its own: what the constraints must hold."""
