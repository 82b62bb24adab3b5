"""A student's own pages: only their own, and for everyone else they do not exist."""

from adsum.accounts.rules import Role
from adsum.web.guards import for_roles

STUDENTS = frozenset({Role.STUDENT})
__all__ = ["STUDENTS", "for_roles"]
