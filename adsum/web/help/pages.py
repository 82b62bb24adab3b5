"""The help pages: all of them, those of one's own work first, and each."""

from django.http import Http404, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

from adsum.web.help.topics import TOPICS, topics_for
from adsum.web.middleware import PersonRequest


@require_safe
def index(request: PersonRequest) -> HttpResponse:
    """What there is help about."""
    own = topics_for(request.roles)
    return render(request, "adsum/help/index.html", {"own": own, "others": [one for one in TOPICS.values() if one not in own]})


@require_safe
def topic(request: PersonRequest, name: str) -> HttpResponse:
    """One of them, open to everybody: it says nothing about anyone."""
    if name not in TOPICS:
        raise Http404
    own = topics_for(request.roles)
    return render(request, "adsum/help/topic.html", {"topic": TOPICS[name], "others": [one for one in own if one.name != name]})
