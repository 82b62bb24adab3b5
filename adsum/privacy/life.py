"""How long each class of data is kept, in words; and from which day a student's data is over."""

from adsum.core.declared import LIVES, YEAR, After, Keep

FROM = {
    After.EVENT: "after it happened",
    After.RELATIONSHIP: "after the end of the student's last enrolment",
    After.OWN: "until a day of its own, or as long as it is of use",
    After.NEVER: "as long as Adsum runs",
}


def span(days: int) -> str:
    """So many days as people say it."""
    return f"{days // YEAR} {'year' if days == YEAR else 'years'}" if days and days % YEAR == 0 else f"{days} days"


def said(keep: Keep) -> str:
    """How long a class is kept, for the documents."""
    life = LIVES[keep]
    if not life.days:
        return FROM[life.after]
    longer = f" ({span(life.sponsored)} where the student was sponsored)" if life.sponsored else ""
    return f"{span(life.days)} {FROM[life.after]}{longer}"
