"""Every page on one page. The gate (`/in`, `/<code>`) and the live streams (`/live/…`) are Starlette's: see asgi.py."""

from django.urls import path
from django.views.decorators.csrf import csrf_exempt
from django.views.i18n import set_language

from adsum.web import calendars, home, policy
from adsum.web import messages as notices
from adsum.web import checkpoints as proofs
from adsum.web.signin import sign_ins
from adsum.web.signin import stepup
from adsum.web.oversight import access as office_access
from adsum.web.office import outages, periods, policies
from adsum.web.oversight import audit
from adsum.web.timetabling import feeds
from adsum.web.admin import gate
from adsum.web.timetabling import imports
from adsum.web.admin import outbox
from adsum.web.admin import people
from adsum.web.admin import providers
from adsum.web.timetabling import reported
from adsum.web.signin import entrance, passkeys, two_step, university
from adsum.web.student import access, receipts, record, today
from adsum.web.support import as_of, downloads, modules, students, tutees
from adsum.web.support import record as support_record
from adsum.web.teaching import amendments, changes, checkin, checks, complete, display, held, kiosk, marks, register, sheet, visitors
from adsum.web.office import classes
from adsum.web.office import queries
from adsum.web.teaching import today as teaching

urlpatterns = [
    path("", home.home, name="home"),
    path("design/", home.design, name="design"),
    path("language/", csrf_exempt(set_language), name="set_language"),
    # Signing in. Names with account_, mfa_ and openid_connect_ are those django-allauth asks for; it has no other pages.
    path("sign-in/", entrance.sign_in, name="sign_in"),
    path("sign-in/", entrance.sign_in, name="account_login"),
    path("sign-in/password/", entrance.password, name="sign_in_password"),
    path("sign-in/code/", entrance.CodeView.as_view(), name="mfa_authenticate"),
    path("sign-in/passkey/", passkeys.sign_in, name="sign_in_passkey"),
    path("sign-in/passkey/options/", passkeys.options, name="passkey_options"),
    path("sign-in/university/", university.university, name="sign_in_university"),
    path("sign-in/closed/", entrance.inactive, name="account_inactive"),
    path("sign-in/other/", entrance.other, name="sign_in_other"),
    path("sign-in/try/", entrance.try_persona, name="sign_in_try"),
    path("sign-out/", entrance.sign_out, name="account_logout"),
    path("signed-out/", entrance.signed_out, name="signed_out"),
    path("oidc/<str:provider_id>/login/", university.begin, name="openid_connect_login"),
    path("oidc/<str:provider_id>/login/callback/", university.callback, name="openid_connect_callback"),
    path("saml/<str:provider_id>/login/", university.begin, {"protocol": "saml"}, name="saml_login"),
    path("saml/<str:provider_id>/acs/", university.saml_answer, name="saml_acs"),
    path("saml/<str:provider_id>/finish/", university.saml_finish, name="saml_finish"),
    path("saml/<str:provider_id>/metadata/", university.saml_metadata, name="saml_metadata"),
    path("account/confirm/university/", university.confirm, name="confirm_university"),
    path("account/confirm/done/", university.confirmed, name="confirmed"),
    path("account/security/", two_step.security, name="security"),
    path("account/security/recovery-codes/", two_step.recovery_codes, name="recovery_codes"),
    path("account/passkeys/options/", passkeys.new_options, name="passkey_new_options"),
    path("account/passkeys/add/", passkeys.add, name="passkey_add"),
    path("account/passkeys/<int:pk>/remove/", passkeys.remove, name="passkey_remove"),
    path("account/sign-ins/", sign_ins.sign_ins, name="sign_ins"),
    path("account/sign-ins/end/", sign_ins.end, name="sign_ins_end"),
    path("account/confirm/", stepup.confirm, name="confirm"),
    path("account/password/", two_step.new_password, name="new_password"),
    # What one was told
    path("messages/", notices.messages, name="messages"),
    path("messages/read/", notices.read, name="messages_read"),
    # A student's own pages
    path("today/", today.today, name="student_today"),
    path("record/", record.record, name="student_record"),
    path("record/modules/<int:module>/", record.module_record, name="student_module"),
    path("record/classes/<uuid:ref>/", record.class_record, name="student_class"),
    path("record/classes/<uuid:ref>/receipt.txt", receipts.receipt, name="student_receipt"),
    path("record/classes/<uuid:ref>/query/", record.query, name="student_query"),
    path("record/access/", access.access, name="student_access"),
    # For those who look after students
    path("tutees/", tutees.tutees, name="tutees"),
    path("modules/", modules.modules, name="modules"),
    path("modules/<int:pk>/", modules.module, name="module"),
    path("modules/<int:pk>/as-of/", as_of.module, name="module_as_of"),
    path("people/<uuid:ref>/as-of/", as_of.record, name="person_as_of"),
    path("students/", students.students, name="students"),
    path("students/outside/", students.outside, name="students_outside"),
    path("people/<uuid:ref>/", support_record.record, name="person_record"),
    # One's own calendar: its page, and what an app that knows the address gets without a sign-in
    path("calendar/", calendars.settings_page, name="calendar"),
    path("calendar/<str:secret>.ics", calendars.feed, name="calendar_feed"),
    # The lecturer's side
    path("teaching/", teaching.today, name="teaching_today"),
    path("office/classes/", classes.classes, name="office_classes"),
    path("office/queries/", queries.queries, name="office_queries"),
    path("office/queries/together/", queries.together, name="queries_together"),
    path("office/registers/", complete.registers, name="office_registers"),
    path("classes/<uuid:ref>/explain/", complete.explain, name="explain_register"),
    path("classes/<uuid:ref>/", register.register, name="class_register"),
    path("classes/new/", changes.add, name="class_add"),
    path("classes/<uuid:ref>/change/", changes.change, name="class_change"),
    path("office/classes/list.<str:form>", downloads.classes_file, name="classes_file"),
    path("office/classes/sheets.pdf", downloads.classes_sheets, name="classes_sheets"),
    path("modules/<int:pk>/attendance.<str:form>", downloads.module_file, name="module_file"),
    path("students/<uuid:ref>/record.<str:form>", downloads.record_file, name="record_file"),
    path("record/attendance.<str:form>", downloads.own_record_file, name="own_record_file"),
    path("teaching/sheets.pdf", sheet.own_sheets, name="own_sheets"),
    path("classes/<uuid:ref>/sheet/", sheet.enter, name="class_sheet"),
    path("classes/<uuid:ref>/sheet.pdf", sheet.sheet_pdf, name="class_sheet_pdf"),
    path("classes/<uuid:ref>/register.<str:form>", sheet.register_file, name="class_register_file"),
    path("classes/<uuid:ref>/headcount/", register.count_heads, name="count_heads"),
    path("classes/<uuid:ref>/rest/", register.mark_rest, name="mark_rest"),
    path("classes/<uuid:ref>/marks/", marks.mark, name="mark_students"),
    path("classes/<uuid:ref>/amend/", marks.amend, name="amend_marks"),
    path("classes/<uuid:ref>/as-of/", as_of.register, name="class_as_of"),
    path("classes/<uuid:ref>/undo/", amendments.undo, name="undo_marks"),
    path("classes/<uuid:ref>/proposals/<uuid:proposal>/", amendments.decide_proposal, name="decide_proposal"),
    path("office/amendments/", amendments.worklist, name="amendments"),
    path("office/amendments/<int:change>/noted/", amendments.note_correction, name="correction_seen"),
    path("office/amendments/periods/", periods.overview, name="reported_periods"),
    path("office/amendments/periods/<uuid:ref>/withdraw/", periods.withdraw, name="withdraw_period"),
    path("classes/<uuid:ref>/students/<uuid:student>/", marks.student, name="student_mark"),
    path("classes/<uuid:ref>/queries/<uuid:query>/", marks.answer, name="answer_query"),
    path("classes/<uuid:ref>/held/", held.accept_all, name="accept_all_held"),
    path("classes/<uuid:ref>/visitors/", visitors.add, name="add_visitor"),
    path("held/<uuid:scan>/", held.decide, name="decide_held"),
    path("classes/<uuid:ref>/checks/", checks.overview, name="class_checks"),
    path("classes/<uuid:ref>/checks/begin/", checks.begin, name="begin_check"),
    path("classes/<uuid:ref>/checks/<uuid:check>/take-back/", checks.take_back, name="take_back_check"),
    path("classes/<uuid:ref>/checks/<uuid:check>/seen/<uuid:student>/", checks.seen, name="say_seen"),
    path("classes/<uuid:ref>/spot-check/", checks.spot, name="spot_check"),
    path("classes/<uuid:ref>/spot-check/<uuid:spot>/<uuid:student>/", checks.call, name="spot_call"),
    path("classes/<uuid:ref>/display/", checkin.show, name="class_display"),
    path("classes/<uuid:ref>/check-in/open/", checkin.reopen, name="reopen_checkin"),
    path("classes/<uuid:ref>/check-in/stop/", checkin.stop, name="stop_checkin"),
    path("classes/<uuid:ref>/check-in/pace/", checkin.change_pace, name="change_pace"),
    path("classes/<uuid:ref>/check-in/new-codes/", checkin.kill_codes, name="kill_codes"),
    path("classes/<uuid:ref>/kiosk/", kiosk.start, name="start_kiosk"),
    path("classes/<uuid:ref>/kiosks/<uuid:kiosk>/stop/", kiosk.stop, name="stop_kiosk"),
    path("classes/<uuid:ref>/screens/pair/", checkin.pair, name="pair_screen"),
    path("classes/<uuid:ref>/screens/<uuid:display>/stop/", checkin.stop_screen, name="stop_screen"),
    # A screen: no sign-in, but a credential of its own
    path("kiosk/<uuid:ref>/", kiosk.kiosk, name="kiosk"),
    path("kiosk/<uuid:ref>/take-back/", kiosk.take_back, name="kiosk_take_back"),
    path("display/", display.pairing, name="display_pairing"),
    path("display/<uuid:ref>/", display.display, name="display"),
    path("display/<uuid:ref>/refresh/", display.refresh, name="display_refresh"),
    # Imports: the timetabling team
    path("imports/", imports.index, name="imports"),
    path("imports/feeds/", feeds.index, name="feeds"),
    path("imports/feeds/<int:pk>/", feeds.detail, name="feed"),
    path("imports/feeds/<int:pk>/ask/", feeds.ask, name="feed_ask"),
    path("imports/reports/", reported.index, name="class_reports"),
    path("imports/reports/<uuid:ref>/decide/", reported.decide, name="class_report_decide"),
    path("imports/missing/", imports.missing, name="imports_missing"),
    path("imports/calendars/new/", imports.calendar, name="import_calendar_new"),
    path("imports/calendars/<int:pk>/", imports.calendar, name="import_calendar"),
    path("imports/calendars/<int:pk>/fetch/", imports.fetch_calendar, name="import_calendar_fetch"),
    path("imports/<uuid:ref>/", imports.detail, name="import"),
    path("imports/<uuid:ref>/decide/", imports.decide, name="import_decide"),
    path("imports/<uuid:ref>/roles/", imports.decide_roles, name="import_roles_decide"),
    path("imports/<uuid:ref>/problems.csv", imports.problems, name="import_problems"),
    # Policies: everyone reads them; the attendance team and administrators make them
    path("policy/", policy.policy, name="public_policy"),
    path("policy/<int:number>/", policy.version, name="public_policy_version"),
    path("office/policies/", policies.index, name="policies"),
    path("office/policies/new/", policies.new, name="policy_new"),
    path("office/policies/<uuid:ref>/", policies.detail, name="policy"),
    path("office/policies/<uuid:ref>/withdraw/", policies.withdraw, name="policy_withdraw"),
    path("office/policies/<uuid:ref>/end/", policies.end, name="policy_end"),
    # People and what they may do: administrators
    path("office/people/", people.people, name="office_people"),
    path("office/people/<uuid:ref>/", people.person, name="office_person"),
    path("office/people/<uuid:ref>/roles/", people.give_role, name="office_person_role"),
    path("office/people/<uuid:ref>/roles/<int:grant>/end/", people.take_role, name="office_person_role_end"),
    path("office/people/<uuid:ref>/modules/", people.lead, name="office_person_leads"),
    path("office/people/<uuid:ref>/modules/<int:leader>/end/", people.stop_leading, name="office_person_leads_end"),
    path("office/people/<uuid:ref>/account/", people.account, name="office_person_account"),
    path("office/people/<uuid:ref>/identities/", people.link, name="office_person_link"),
    path("office/people/<uuid:ref>/identities/<int:pk>/unlink/", people.unlink, name="office_person_unlink"),
    # Who looked at whose record: the data-protection officer
    path("privacy/access/", office_access.access, name="privacy_access"),
    path("privacy/access/<uuid:ref>/seen/", office_access.seen, name="privacy_seen"),
    # Where people sign in: administrators
    path("office/sign-in/", providers.index, name="providers"),
    path("office/sign-in/new/<slug:kind>/", providers.new, name="provider_new"),
    path("office/sign-in/<str:provider_id>/", providers.detail, name="provider"),
    path("office/sign-in/<str:provider_id>/change/", providers.change, name="provider_change"),
    path("office/sign-in/<str:provider_id>/check/", providers.try_connection, name="provider_check"),
    path("office/sign-in/<str:provider_id>/try/", providers.try_sign_in, name="provider_try"),
    path("office/sign-in/<str:provider_id>/remove/", providers.remove, name="provider_remove"),
    # Mail of the whole university: administrators
    path("office/mail/", outbox.outbox, name="office_outbox"),
    path("office/mail/<uuid:ref>/", outbox.decide, name="office_message"),
    # Check-in of the whole university: administrators
    path("office/outages/", outages.overview, name="office_outages"),
    path("office/outages/<uuid:ref>/end/", outages.end, name="end_outage"),
    path("office/outages/<uuid:ref>/withdraw/", outages.withdraw, name="withdraw_outage"),
    path("office/check-in/", gate.overview, name="office_checkin"),
    path("office/check-in/pause/", gate.pause, name="office_checkin_pause"),
    path("office/check-in/resume/", gate.resume, name="office_checkin_resume"),
    path("office/check-in/keys/<str:kid>/retire/", gate.retire, name="office_checkin_retire"),
    # The event log: auditors; and what anybody may check
    path("audit/", audit.log, name="audit"),
    path("checkpoints/", proofs.checkpoints, name="checkpoints"),
    path("checkpoints/keys.txt", proofs.keys, name="checkpoint_keys"),
    path("checkpoints/<int:size>.txt", proofs.checkpoint, name="checkpoint"),
    path("receipt/", proofs.receipt, name="receipt"),
]
