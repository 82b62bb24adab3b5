"""The pages of the timetabling team: imports, feeds, changes that lecturers reported."""
