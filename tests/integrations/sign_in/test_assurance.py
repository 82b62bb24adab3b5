"""What a provider's answer is worth: the tables."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adsum.accounts.rules import STAFF, Role
from adsum.integrations.sign_in import assurance
from adsum.integrations.sign_in.assurance import SecondStep

REFEDS = "https://refeds.org/profile/mfa"
MULTIPLE = "http://schemas.microsoft.com/claims/multipleauthn"
PASSWORD = "urn:oasis:names:tc:SAML:2.0:ac:classes:PasswordProtectedTransport"

# fmt: off
FACTORS = [
    # the rule                       what is said                                        proves two factors
    (assurance.OIDC_RULE,            {"amr": ["mfa"]},                                    True),
    (assurance.OIDC_RULE,            {"amr": ["pwd", "mfa"]},                             True),
    (assurance.OIDC_RULE,            {"amr": ["mfa", "pwd"]},                             True),
    (assurance.OIDC_RULE,            {"amr": ["pwd"]},                                    False),
    (assurance.OIDC_RULE,            {"amr": ["pwd", "otp"]},                             False),
    (assurance.OIDC_RULE,            {"acr": REFEDS},                                     True),
    (assurance.OIDC_RULE,            {"acr": "1"},                                        False),
    (assurance.OIDC_RULE,            {"acr": "phr"},                                      True),
    (assurance.OIDC_RULE,            {"acr": "mfa"},                                      False),
    (assurance.OIDC_RULE,            {"amr": REFEDS},                                     False),
    (assurance.OIDC_RULE,            {"amr": "mfa"},                                      True),
    (assurance.OIDC_RULE,            {"amr": ["MFA"]},                                    False),
    (assurance.OIDC_RULE,            {"amr": [["mfa"]]},                                  False),
    (assurance.OIDC_RULE,            {"amr": {"mfa": True}},                              False),
    (assurance.OIDC_RULE,            {"amr": True},                                       False),
    (assurance.OIDC_RULE,            {},                                                  False),
    (assurance.ENTRA_RULE,           {"amr": ["pwd", "rsa", "mfa"]},                      True),
    (assurance.ENTRA_RULE,           {"amr": ["ngcmfa"]},                                 True),
    (["acrs=c1"],                    {"acrs": ["c2", "c1"]},                              True),
    (["acrs=c1"],                    {"acrs": ["c1", "c2"]},                              True),
    (["acrs=c1"],                    {"acrs": "c1"},                                      True),
    (["acrs=c1"],                    {"acrs": ["c2"]},                                    False),
    (["acrs=c1"],                    {"amr": ["c1"]},                                     False),
    (["amr=pwd+otp"],                {"amr": ["otp", "pwd"]},                             True),
    (["amr=pwd+otp"],                {"amr": ["otp"]},                                    False),
    (["amr=pwd+otp", "amr=hwk"],     {"amr": ["hwk"]},                                    True),
    (assurance.SAML_RULE,            {"context": [REFEDS]},                               True),
    (assurance.SAML_RULE,            {"context": [MULTIPLE]},                             True),
    (assurance.SAML_RULE,            {"context": [PASSWORD]},                             False),
    ([],                             {"amr": ["mfa"]},                                    False),
    (["amr="],                       {"amr": [""]},                                       False),
    (["nonsense", "sub=1"],          {"sub": "1"},                                        False),
]
STEPS = [
    # proven  roles                         students too  has one here    what becomes of it
    (True,    {Role.LECTURER},              False,        False,          SecondStep.PROVEN),
    (True,    {Role.ADMINISTRATOR},         True,         True,           SecondStep.PROVEN),
    (False,   {Role.LECTURER},              False,        False,          SecondStep.MISSING),
    (False,   {Role.LECTURER},              False,        True,           SecondStep.HERE),
    (False,   {Role.STUDENT, Role.TUTOR},   False,        False,          SecondStep.MISSING),
    (False,   {Role.STUDENT},               False,        False,          SecondStep.NOT_NEEDED),
    (False,   {Role.STUDENT},               False,        True,           SecondStep.NOT_NEEDED),
    (False,   {Role.STUDENT},               True,         False,          SecondStep.MISSING),
    (False,   {Role.STUDENT},               True,         True,           SecondStep.HERE),
    (False,   set(),                        False,        False,          SecondStep.NOT_NEEDED),
    (False,   set(),                        True,         False,          SecondStep.MISSING),
]
ROWS = [
    {"value": "tutors", "role": "tutor", "department": "CS"},
    {"value": "tutors", "role": "lecturer"},
    {"value": "admins", "role": "administrator"},
    {"value": "everyone", "role": "student"},
    {"value": "odd", "role": "emperor"},
    {"value": "watch", "role": "data_protection"},
    {"value": "watch", "role": "auditor", "department": "CS"},
]
ROLES = [
    # said                      administrators   gives
    ({"tutors"},                False,           {(Role.TUTOR, "CS"), (Role.LECTURER, "")}),
    ({"tutors", "other"},       False,           {(Role.TUTOR, "CS"), (Role.LECTURER, "")}),
    ({"Tutors"},                False,           set()),
    ({"admins"},                False,           set()),
    ({"admins"},                True,            {(Role.ADMINISTRATOR, "")}),
    ({"everyone", "odd"},       True,            set()),
    ({"watch"},                 True,            set()),
    (set(),                     True,            set()),
]
ASKED = [
    (assurance.OIDC_RULE,                    {"acr": [REFEDS, "phr", "phrh"]}),
    (["amr=mfa"],                            {}),
    (["acrs=c1", "amr=mfa", "acrs=c2"],      {"acrs": ["c1", "c2"]}),
    (["context=" + REFEDS],                  {"context": [REFEDS]}),
]
# fmt: on


@pytest.mark.parametrize(("rule", "said", "proves"), FACTORS)
def test_what_proves_two_factors(rule, said, proves):
    assert assurance.proves_two_factors(rule, {name: assurance.values_of(value) for name, value in said.items()}) is proves


@pytest.mark.parametrize(("proven", "roles", "students_too", "has_one_here", "becomes"), STEPS)
def test_what_becomes_of_the_second_factor(proven, roles, students_too, has_one_here, becomes):
    found = assurance.second_step(proven=proven, roles=roles, students_too=students_too, has_one_here=has_one_here)
    assert found is becomes


@given(st.sets(st.sampled_from(sorted(Role))), st.booleans())
def test_no_combination_of_roles_lets_staff_in_without_proof(roles, students_too):
    found = assurance.second_step(proven=False, roles=roles, students_too=students_too, has_one_here=False)
    assert (found is SecondStep.MISSING) == (students_too or bool(STAFF & roles))


@pytest.mark.parametrize(("said", "administrators", "gives"), ROLES)
def test_which_roles_are_given(said, administrators, gives):
    assert assurance.roles_claimed(ROWS, frozenset(said), administrators=administrators) == gives


@pytest.mark.parametrize(("rule", "asked"), ASKED)
def test_what_is_asked_for(rule, asked):
    assert assurance.to_ask_for(rule) == asked
