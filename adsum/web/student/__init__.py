"""A student's own pages: only their own, and for everyone else they do not exist."""

from adsum.accounts.rules import Role

STUDENTS = frozenset({Role.STUDENT})
