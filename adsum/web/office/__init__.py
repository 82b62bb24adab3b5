"""The pages of the timetabling team, and of others who keep the university's data in order."""
