"""What a password may be: long, not common, and not the words of this place; and anything else a person likes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.models import Person
from adsum.accounts.rules import NOT_A_PASSWORD, is_guessable
from adsum.accounts.services import set_password
from adsum.core.errors import AdsumError
from tests.kit.world import NINE, World


@pytest.fixture
def owner(world: World) -> Person:
    return world.person(name="Rhiannon Featherstone")


@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("eleven char", "at least 12"),
        ("password1234", "too common"),
        ("Rhiannon2026!!", "words anyone would try"),
        ("featherstone1", "words anyone would try"),
        ("AdsumDemoUniversity", "words anyone would try"),
        ("student-password", "words anyone would try"),
    ],
)
def test_what_is_refused(owner: Person, password: str, why: str):
    with pytest.raises(AdsumError) as refused:
        set_password(owner, password, by="system:test", at=NINE)
    assert refused.value.code == "weak_password"
    assert why in refused.value.message
    owner.refresh_from_db()
    assert owner.password == ""


@pytest.mark.parametrize(
    "password",
    [
        "correct horse battery",
        "all lower case and spaces",
        "ÿ🦔 ŵ ŷ – as one likes",
        "  spaces at both ends  ",
        "x" * 11 + "y" * 300,
        "Rhiannon keeps hedgehogs",
    ],
)
def test_what_is_taken_is_kept_as_it_was_typed(owner: Person, password: str):
    set_password(owner, password, by="system:test", at=NINE)
    owner.refresh_from_db()
    assert owner.password.startswith("argon2$argon2id$")
    assert owner.check_password(password)
    assert not owner.check_password(password.strip() if password != password.strip() else password.swapcase() + " ")
    assert not owner.check_password(password[:-1])


@given(st.lists(st.sampled_from([*NOT_A_PASSWORD, "rhiannon"]), min_size=1, max_size=4), st.text("0123456789!", max_size=7))
def test_words_of_the_place_with_a_number_are_guessable(words: list[str], number: str):
    assert is_guessable("".join(words).title() + number, ["Rhiannon"])


@given(st.text(min_size=8, max_size=40))
def test_short_names_take_nothing_away(password: str):
    assert not is_guessable("hedgehog" + password.casefold().replace("a", "b"), ["Bo", "Ng", ""])
