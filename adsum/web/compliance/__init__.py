"""Pages for those who report to authorities: UK Visas and Immigration, and the Student Loans Company."""

from adsum.accounts.rules import Role

UKVI = frozenset({Role.COMPLIANCE_UKVI})
