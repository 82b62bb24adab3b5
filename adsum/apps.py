"""One Django app: all tables, one migration chain."""

from django.apps import AppConfig


class AdsumConfig(AppConfig):
    name = "adsum"
    label = "adsum"
    verbose_name = "Adsum"
