"""The browser suite's own ground: a picture can be read, and the database is there."""

import io

import pytest
import segno
import zxingcpp
from django.contrib.contenttypes.models import ContentType
from PIL import Image
from playwright.sync_api import Page
from pytest_django.live_server_helper import LiveServer


def test_a_code_on_the_screen_can_be_read_from_its_picture(page: Page):
    code = "https://uni.ac.uk/0123456789ABCDEFGHJKMNPQRSTVWXYZ0123"
    page.set_content(segno.make(code, error="m").svg_inline(scale=6))
    picture = Image.open(io.BytesIO(page.screenshot()))
    assert [found.text for found in zxingcpp.read_barcodes(picture)] == [code]


@pytest.mark.django_db(transaction=True)
def test_the_database_is_there_beside_the_browser(page: Page, live_server: LiveServer):
    answer = page.goto(f"{live_server.url}/static/icons.svg")
    assert answer
    assert answer.status == 200
    assert ContentType.objects.exists()
