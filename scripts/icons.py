"""The app's icons from the one drawing of the mark: `python -m scripts.icons`. Needs the browser that the tests use."""

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

ROOT = Path(__file__).resolve().parent.parent
STATIC = ROOT / "adsum/web/static"
MASK = 0.62
"""How much of a maskable icon the mark takes: phones cut them to circles and drops."""


def main() -> None:
    """Draw each size."""
    mark = (STATIC / "favicon.svg").read_text()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"])
        for name, size, share in (("app-192", 192, 1.0), ("app-512", 512, 1.0), ("app-mask-512", 512, MASK)):
            page = browser.new_page(viewport={"width": size, "height": size})
            edge = round(size * share)
            drawn = mark.replace("<svg ", f'<svg width="{edge}" height="{edge}" ', 1)
            ground = "transparent" if share == 1 else "#fbfaf7"
            page.set_content(
                f'<body style="margin:0;height:100vh;display:grid;place-items:center;background:{ground}">{drawn}</body>'
            )
            page.screenshot(path=STATIC / f"adsum/icons/{name}.png", omit_background=share == 1)
        browser.close()


if __name__ == "__main__":
    main()
