"""Sponsored and funded students: the duties of the university to authorities, and the students' right to be heard."""
