"""Addresses whose pages break, for the tests of what people then see."""

from django.http import HttpRequest, HttpResponse
from django.urls import path

from adsum.urls import urlpatterns as whole


def broken(_request: HttpRequest) -> HttpResponse:
    raise RuntimeError("tests.kit.broken")


urlpatterns = [path("broken/", broken), *whole]
