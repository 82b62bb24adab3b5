"""The lecturer's side: today's classes, the live register, marks and their reasons, screens."""
