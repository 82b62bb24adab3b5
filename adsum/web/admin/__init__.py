"""The pages of administrators: people and roles, the university's sign-in, the gate, the outbox."""
