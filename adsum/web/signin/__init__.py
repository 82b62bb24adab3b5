"""Signing in, second steps, proofs and passes."""
