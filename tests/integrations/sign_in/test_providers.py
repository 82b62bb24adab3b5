"""`adsum oidc`: what it makes of a provider, and what it says about a wrong one."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from allauth.socialaccount.models import SocialApp
from django.core.cache import caches

from adsum.audit.models import Event
from adsum.integrations.sign_in.allauth import provider_for
from adsum.integrations.sign_in.oidc import client_secret, provider_id_of
from adsum.integrations.sign_in.saml_metadata import certificate
from adsum.ops.cli import main
from tests.kit import oidc, saml

pytestmark = pytest.mark.django_db


@pytest.fixture
def provider() -> Iterator[oidc.Obliging]:
    caches["local"].clear()
    with oidc.obliging() as running:
        yield running


def adsum_oidc(*words: str) -> int:
    return main(["oidc", *words])


def add(issuer: str, *more: str) -> int:
    return adsum_oidc("add", "--issuer", issuer, "--client-id", "adsum", *more)


def test_a_provider_is_added_and_says_what_to_register(
    provider: oidc.Obliging, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "secret").write_text("s3cret\n")
    assert add(provider.issuer, "--domain", "@Uni.example", "--secret-file", str(tmp_path / "secret")) == 0
    app = SocialApp.objects.get()
    assert (app.client_id, client_secret(app), app.settings["domains"]) == ("adsum", "s3cret", ["uni.example"])
    said = capsys.readouterr().out
    assert f"http://localhost:8000/oidc/{provider_id_of(provider.issuer)}/login/callback/" in said
    assert "s3cret" not in said + repr(list(Event.objects.values("detail")))
    assert provider_for("Someone@UNI.example") == app
    assert provider_for("someone@sub.uni.example") is None
    assert Event.objects.filter(verb="provider.save").count() == 1


def test_adding_it_again_changes_it_and_keeps_the_secret(provider: oidc.Obliging, tmp_path: Path):
    (tmp_path / "secret").write_text("s3cret")
    add(provider.issuer, "--domain", "uni.example", "--secret-file", str(tmp_path / "secret"))
    add(provider.issuer, "--domain", "uni.example", "--domain", "student.uni.example")
    app = SocialApp.objects.get()
    assert (client_secret(app), app.settings["domains"]) == ("s3cret", ["student.uni.example", "uni.example"])


@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--match-claim", "upn"], "belong together"),
        (["--match-claim", "email", "--match-identifier", "number"], "no proof of who someone is"),
    ],
)
def test_half_a_rule_or_an_email_is_no_rule(
    provider: oidc.Obliging, capsys: pytest.CaptureFixture[str], more: list[str], said: str
):
    assert add(provider.issuer, "--domain", "uni.example", *more) == 1
    assert said in capsys.readouterr().err
    assert not SocialApp.objects.exists()


def test_a_domain_belongs_to_one_provider(provider: oidc.Obliging, capsys: pytest.CaptureFixture[str]):
    add(provider.issuer, "--domain", "uni.example")
    with oidc.obliging() as second:
        assert add(second.issuer, "--domain", "uni.example") == 1
    assert f"belongs to {provider.issuer} already" in capsys.readouterr().err


def test_what_is_wrong_with_a_provider_is_said(provider: oidc.Obliging, capsys: pytest.CaptureFixture[str]):
    provider.description = {"issuer": "https://elsewhere.example"}
    assert adsum_oidc("check", provider.issuer) == 1
    assert "must be written exactly as the provider does" in capsys.readouterr().err
    assert adsum_oidc("check", "http://localhost:9") == 1
    assert "Check the address" in capsys.readouterr().err
    assert add("http://login.uni.example", "--domain", "uni.example") == 1
    assert "is not an https address" in capsys.readouterr().err
    assert not SocialApp.objects.exists()


def adsum_saml(*words: str) -> int:
    return main(["saml", *words])


def test_a_saml_provider_by_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with saml.running() as idp:
        file = tmp_path / "metadata.xml"
        file.write_bytes(idp.metadata())
        assert adsum_saml("add", "--metadata", str(file), "--domain", "uni.example", "--mfa", f"context={saml.MFA}") == 0
        app = SocialApp.objects.get()
        said = capsys.readouterr().out
        assert certificate(app.settings["certificates"][0]).fingerprint in said
        assert f"http://localhost:8000/saml/{app.provider_id}/metadata/" in said
        assert provider_for("a@uni.example") == app
        assert app.settings["mfa"] == [f"context={saml.MFA}"]
        key = app.settings["key"]
        assert adsum_saml("add", "--metadata", str(file), "--domain", "uni.example", "--off") == 0
        app.refresh_from_db()
        assert (app.settings["key"], app.settings["off"]) == (key, True)
        assert adsum_saml("check", idp.entity_id) == 0
        assert "valid until" in capsys.readouterr().out
        assert adsum_saml("list") == 0
        assert "uni.example (not in use)" in capsys.readouterr().out
        assert adsum_saml("remove", idp.entity_id) == 0
        assert not SocialApp.objects.exists()
        assert adsum_saml("check", idp.entity_id) == 1
        file.write_text("<html/>")
        assert adsum_saml("add", "--metadata", str(file), "--domain", "uni.example") == 1
        assert adsum_saml("add", "--metadata", str(tmp_path / "none"), "--domain", "uni.example") == 1
    assert "describes no identity provider" in capsys.readouterr().err


def test_the_roles_that_the_pages_gave_survive_a_command(provider: oidc.Obliging):
    app = oidc.register(provider.issuer, roles_claim="groups", roles=[{"value": "t", "role": "tutor", "department": ""}])
    assert add(provider.issuer, "--domain", "uni.example") == 0
    app.refresh_from_db()
    assert (app.settings["roles_claim"], app.settings["roles"][0]["role"]) == ("groups", "tutor")


def test_listed_and_removed(provider: oidc.Obliging, capsys: pytest.CaptureFixture[str]):
    add(provider.issuer, "--domain", "uni.example", "--name", "Uni")
    assert adsum_oidc("list") == 0
    assert f"{provider.issuer}  Uni: uni.example" in capsys.readouterr().out
    assert adsum_oidc("remove", provider.issuer) == 0
    assert not SocialApp.objects.exists()
    assert adsum_oidc("remove", provider.issuer) == 1


def test_another_issuer_never_has_the_same_name():
    names = {provider_id_of(issuer) for issuer in ("https://a.example", "https://a.example/", "https://a.example/t1")}
    assert len(names) == 3
