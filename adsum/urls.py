"""Every page on one page. The gate (`/in`, `/<code>`) and the live streams (`/live/…`) are Starlette's: see asgi.py."""

from django.urls import include, path
from django.views.i18n import set_language

urlpatterns = [
    path("language/", set_language, name="set_language"),
    path("accounts/", include("allauth.urls")),
]
