"""Finding people by what is typed into a search box."""

from django.db.models import Q, QuerySet

from adsum.accounts.models import Person

LONGEST_SEARCH = 100


def named(people: QuerySet[Person], text: str) -> QuerySet[Person]:
    """Those of `people` whose names, number or e-mail have every word of `text`."""
    for word in " ".join(text.replace("\0", "").split())[:LONGEST_SEARCH].split():
        names = Q(given_name__icontains=word) | Q(family_name__icontains=word) | Q(preferred_name__icontains=word)
        people = people.filter(names | Q(number__istartswith=word) | Q(username__icontains=word))
    return people
