"""Every page on one page. The gate (`/in`, `/<code>`) and the live streams (`/live/…`) are Starlette's: see asgi.py."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from adsum.web import home
from adsum.web.signin import entrance, two_step, university
from adsum.web.student import record, today

urlpatterns = [
    path("", home.home, name="home"),
    path("design/", home.design, name="design"),
    path("language/", csrf_exempt(set_language), name="set_language"),
    # Signing in. Names with account_, mfa_ and openid_connect_ are those django-allauth asks for; it has no other pages.
    path("sign-in/", entrance.sign_in, name="sign_in"),
    path("sign-in/", entrance.sign_in, name="account_login"),
    path("sign-in/password/", entrance.password, name="sign_in_password"),
    path("sign-in/code/", entrance.CodeView.as_view(), name="mfa_authenticate"),
    path("sign-in/university/", university.university, name="sign_in_university"),
    path("sign-in/closed/", entrance.inactive, name="account_inactive"),
    path("sign-in/try/", entrance.try_persona, name="sign_in_try"),
    path("sign-out/", entrance.sign_out, name="account_logout"),
    path("signed-out/", entrance.signed_out, name="signed_out"),
    path("oidc/<str:provider_id>/login/", university.begin, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", university.callback, name="openid_connect_callback"),
    path("account/security/", two_step.security, name="security"),
    path("account/password/", two_step.new_password, name="new_password"),
    # A student's own pages
    path("today/", today.today, name="student_today"),
    path("record/", record.record, name="student_record"),
    path("record/modules/<int:module>/", record.module_record, name="student_module"),
    path("record/classes/<uuid:ref>/", record.class_record, name="student_class"),
    path("record/classes/<uuid:ref>/query/", record.query, name="student_query"),
]
