"""A browser in words, from what it says of itself. Only for its owner to know it again; nothing is decided by it."""

from django.utils.translation import gettext as _

BROWSERS = (
    # what its user agent says, in the order to look: most also claim to be their rivals
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("SamsungBrowser/", "Samsung Internet"),
    ("FxiOS/", "Firefox"),
    ("Firefox/", "Firefox"),
    ("CriOS/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS = (
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Android", "Android"),
    ("CrOS", "ChromeOS"),
    ("Windows", "Windows"),
    ("Macintosh", "Mac"),
    ("Linux", "Linux"),
)


def in_words(user_agent: str) -> str:
    """Such as "Chrome on Android"; "Another browser" when it says nothing we know."""
    browser = next((name for sign, name in BROWSERS if sign in user_agent), "")
    system = next((name for sign, name in SYSTEMS if sign in user_agent), "")
    if browser and system:
        return _("%(browser)s on %(system)s") % {"browser": browser, "system": system}
    return browser or system or _("Another browser")


def icon_for(user_agent: str) -> str:
    """The icon of a phone, or of something larger."""
    return "phone" if "Mobile" in user_agent or "Android" in user_agent else "person"
