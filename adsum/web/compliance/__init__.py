"""Pages for those who report to authorities: UK Visas and Immigration, and the Student Loans Company."""
