"""Beyond the last day of the file of bank holidays nothing can be counted: pages say so, and which file it is."""

from collections.abc import Callable

from django.http import HttpRequest, HttpResponse
from django.shortcuts import render

from adsum.core.working_days import BeyondHolidays


class Horizon:
    """Answers a request whose working days lie beyond the file with a sentence, not with "something went wrong"."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        return self.get_response(request)

    def process_exception(self, request: HttpRequest, exception: Exception) -> HttpResponse | None:
        if not isinstance(exception, BeyondHolidays):
            return None
        return render(request, "adsum/beyond_holidays.html", {"why": exception.message}, status=503)
