"""The table of doors: every address × who knocks → what they get. `test_doors` knocks at each of them; an address without a
row fails, and so does a row that no longer leads anywhere. `house` builds what the addresses name."""

from tests.kit.door import IN, WHO, Door, always, doors, instead

# fmt: off
#                anon stud oth. lect oth. lead tut. oth. dept oth. team ukvi slc  t.t. adm. dpo  aud. desk
STUDENTS     = (  IN, 200, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
THIS_STUDENT = (  IN, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
TEACHING     = (  IN, 404, 404, 200, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
OWN_SHEETS   = (  IN, 404, 404, 200, 302, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
THIS_CLASS   = (  IN, 404, 404, 200, 404, 200, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
SIGNED_IN    = (  IN, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200)
CHANGES      = (  IN, 404, 404, 200, 404, 200, 404, 404, 200, 404, 200, 404, 404, 200, 404, 404, 404, 404)
ADDS         = (  IN, 404, 404, 200, 200, 200, 404, 404, 200, 200, 200, 404, 404, 200, 404, 404, 404, 404)
CLASSES      = (  IN, 404, 404, 404, 404, 200, 404, 404, 200, 200, 200, 404, 404, 404, 404, 404, 404, 404)
OFFICE       = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 404, 404, 404, 404, 404, 404, 404)
QUERY_ALONE  = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 302, 200, 404, 404, 404, 404, 404, 404, 404)
THIS_RECORD  = (  IN, 404, 404, 404, 404, 404, 200, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
REACHES      = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
TUTORS       = (  IN, 404, 404, 404, 404, 404, 200, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
HAVE_CASES   = (  IN, 404, 404, 404, 404, 404, 200, 200, 200, 200, 200, 404, 404, 404, 404, 404, 404, 404)
TEAM         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404, 404)
CONCERN      = (  IN, 404, 404, 302, 404, 404, 302, 404, 302, 404, 302, 404, 404, 404, 404, 404, 404, 404)
THEIR_MEETING = ( IN, 200, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
THIS_MODULE  = (  IN, 404, 404, 404, 404, 200, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
PEOPLE       = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404)
ACCESS_LOG   = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 404)
SEEN         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 302, 404, 404)
AMENDMENTS   = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 200, 200, 404, 404, 404, 404, 404)
PARTNERS     = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 404, 404, 404, 404, 404)
OF_UKVI      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404)
OF_SLC       = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404)
REPORTS      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 404, 404, 404, 404, 404)
UKVI         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404)
NOTES        = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 302, 404, 404, 404, 404, 404)
IMPORTS      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 404, 404, 404)
TEAM         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404, 404)
ITS_OFFICE   = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
POLICIES     = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 200, 404, 404, 404)
OUTAGES      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 200, 404, 404, 404)
LOCAL        = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404)
SWITCHES     = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404)
STAFF        = (  IN, 404, 404, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200)
EVERYONE     = (  IN, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200)
DESK         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200)
ABSENCE      = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 404)
RECORDS_ONE  = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200, 404, 404, 404, 404, 404, 404, 200)
SHARED       = (  IN, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
OFFICER      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404)
ANSWERS      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 404)
SAYS         = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 200, 404, 404)
FUNDING      = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 404)
LAYOUT       = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 200, 404, 404, 404)
KEEPS_LAYOUT = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 422, 404, 404, 404)
SIGNED_OUT   = ( 200, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302)
SEE_REPORTS  = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 404, 404, 200, 200, 200, 404, 404)
SEE_ROOMS    = (  IN, 404, 404, 404, 404, 404, 404, 404, 200, 200, 200, 404, 404, 200, 200, 404, 404, 404)
SEE_EQUITY   = (  IN, 404, 404, 404, 404, 404, 404, 404, 404, 404, 200, 404, 404, 404, 404, 200, 404, 404)
HOME         = (  IN, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302, 302)
SUPERVISES   = (  IN, 404, 404, 404, 404, 404, 302, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404, 404)
DONE         = instead(THIS_CLASS, 302)
DONE_CASE    = instead(THIS_RECORD, 302)
LIVE         = tuple(200 if got == 200 else 403 for got in THIS_CLASS)
GATE_FORM    = (303, *(200,) * (len(WHO) - 1))
GATE_SCRIPT  = (401, *(200,) * (len(WHO) - 1))

DOORS = [
    # URL name, address, what each gets for GET, what for POST (None: not there, 405 for everyone), what is posted
    *doors("home",                    "/",                                  HOME, None),
    *doors("manifest",                "/app.webmanifest",                   always(200), None),
    *doors("worker",                  "/worker.js",                         always(200), None),
    *doors("design",                  "/design/",                           STAFF, None),
    *doors("search",                  "/search/?q=check-in",                 STAFF, None),
    *doors("help",                    "/help/",                             always(200), None),
    *doors("help_topic",              "/help/check-in/",                    always(200), None),
    *doors("set_language",            "/language/",                         always(302), always(302), language="cy"),

    *doors("sign_in",                 "/sign-in/",                          SIGNED_OUT, instead(SIGNED_OUT, 422)),
    *doors("account_login",           "/sign-in/",                          SIGNED_OUT, instead(SIGNED_OUT, 422)),
    *doors("sign_in_password",        "/sign-in/password/",                 always(302), always(302)),
    *doors("mfa_authenticate",        "/sign-in/code/",                     always(302), always(302)),
    *doors("sign_in_passkey",         "/sign-in/passkey/",                  None, instead(SIGNED_OUT, 422)),
    *doors("passkey_options",         "/sign-in/passkey/options/",          None, always(200)),
    *doors("sign_in_university",      "/sign-in/university/",               always(302), None),
    *doors("account_inactive",        "/sign-in/closed/",                   always(403), always(403)),
    *doors("sign_in_other",           "/sign-in/other/",                    (302, *(200,) * (len(WHO) - 1)), None),
    *doors("sign_in_try",             "/sign-in/try/",                      None, always(404)),
    *doors("account_logout",          "/sign-out/",                         None, always(302)),
    *doors("signed_out",              "/signed-out/",                       SIGNED_OUT, SIGNED_OUT),
    *doors("openid_connect_login",    "/oidc/nobody/login/",                always(404), None),
    *doors("openid_connect_ended",    "/oidc/nobody/ended/",                None, always(404)),
    *doors("openid_connect_callback", "/oidc/nobody/login/callback/",       always(404), None),
    *doors("saml_login",              "/saml/nobody/login/",                always(404), None),
    *doors("saml_acs",                "/saml/nobody/acs/",                  None, always(404)),
    *doors("saml_finish",             "/saml/nobody/finish/",               always(404), None),
    *doors("saml_metadata",           "/saml/nobody/metadata/",             always(404), None),
    *doors("security",                "/account/security/",                 LOCAL, instead(LOCAL, 422)),
    *doors("recovery_codes",          "/account/security/recovery-codes/",  None, LOCAL),
    *doors("passkey_new_options",     "/account/passkeys/options/",         None, LOCAL),
    *doors("passkey_add",             "/account/passkeys/add/",             None, instead(LOCAL, 422)),
    *doors("passkey_remove",          "/account/passkeys/{passkey}/remove/", None, instead(LOCAL, 302)),
    *doors("sign_ins",                "/account/sign-ins/",                 EVERYONE, None),
    *doors("sign_ins_end",            "/account/sign-ins/end/",             None, instead(EVERYONE, 302), which="others"),
    *doors("confirm",                 "/account/confirm/",                  instead(EVERYONE, 302), instead(EVERYONE, 302)),
    *doors("confirm_university",      "/account/confirm/university/",       instead(EVERYONE, 302), None),
    *doors("confirmed",               "/account/confirm/done/",             EVERYONE, None),
    *doors("new_password",            "/account/password/",                 LOCAL, instead(LOCAL, 422)),

    # What one was told
    *doors("messages",                "/messages/",                         EVERYONE, None),
    *doors("messages_read",           "/messages/read/",                    None, instead(EVERYONE, 302)),
    *doors("message_choices",         "/messages/choices/",                 EVERYONE, EVERYONE),
    *doors("phones",                  "/messages/phones/",                  EVERYONE, instead(EVERYONE, 422)),
    *doors("phone_end",               "/messages/phones/{phone}/end/",      None, instead(THIS_STUDENT, 302)),
    *doors("message",                 "/messages/{message}/",               THIS_STUDENT, instead(THIS_STUDENT, 302)),
    *doors("mail_report",             "/mail/reports/",                     None, always(404)),

    # One's own data
    *doors("own_data",                "/your-data/",                        EVERYONE, None),
    *doors("own_data_make",           "/your-data/make/",                   None, instead(EVERYONE, 302)),
    *doors("own_data_rest",           "/your-data/rest/",                   None, instead(EVERYONE, 302)),
    *doors("own_data_ask",            "/your-data/ask/",                    EVERYONE, instead(EVERYONE, 422)),
    *doors("own_file",                "/your-data/files/{own_file}/",       THIS_STUDENT, None),
    *doors("own_file_download",       "/your-data/files/{own_file}/download/", None, THIS_STUDENT),
    *doors("own_request",             "/your-data/requests/{rights}/",      THIS_STUDENT, None),
    *doors("own_request_reply",       "/your-data/requests/{rights}/reply/", None, instead(THIS_STUDENT, 302)),
    *doors("own_request_withdraw",    "/your-data/requests/{rights}/take-back/", None, instead(THIS_STUDENT, 302)),

    # A student's own pages
    *doors("student_today",           "/today/",                            STUDENTS, None),
    *doors("student_kept",            "/today/kept/",                       STUDENTS, None),
    *doors("student_record",          "/record/",                           STUDENTS, None),
    *doors("student_module",          "/record/modules/{module}/",          THIS_STUDENT, None),
    *doors("student_class",           "/record/classes/{session}/",         THIS_STUDENT, None),
    *doors("student_receipt",         "/record/classes/{session}/receipt.txt", THIS_STUDENT, None),
    *doors("student_reminder",        "/record/reminder/record/",           None, instead(STUDENTS, 404)),
    *doors("student_query",           "/record/classes/{session}/query/",   None, instead(THIS_STUDENT, 302)),

    *doors("student_access",          "/record/access/",                    STUDENTS, None),
    *doors("own_contact",             "/record/contact/",                   STUDENTS, instead(STUDENTS, 302), action="confirm"),

    # Absences
    *doors("student_absences",        "/absences/",                         STUDENTS, None),
    *doors("student_absence_tell",    "/absences/tell/",                    STUDENTS, instead(STUDENTS, 422)),
    *doors("student_absence",         "/absences/{absence}/",               THIS_STUDENT, None),
    *doors("student_absence_withdraw", "/absences/{absence}/take-back/",    None, instead(THIS_STUDENT, 302)),
    *doors("student_absence_share",   "/absences/{absence}/share/",         None, instead(THIS_STUDENT, 302)),
    *doors("student_evidence_add",    "/absences/{absence}/evidence/",      None, instead(THIS_STUDENT, 302)),
    *doors("student_evidence",        "/absences/{absence}/evidence/{evidence}/", THIS_STUDENT, None),
    *doors("student_evidence_delete", "/absences/{absence}/evidence/{evidence}/delete/", None, instead(THIS_STUDENT, 302)),
    *doors("office_absences",         "/office/absences/",                  OFFICE, None),
    *doors("absences_together",       "/office/absences/together/",         None, QUERY_ALONE, absence="{absence}"),
    *doors("office_absence",          "/office/absences/{absence}/",        ABSENCE, None),
    *doors("absence_decide",          "/office/absences/{absence}/decide/", None, instead(ABSENCE, 422)),
    *doors("office_evidence",         "/office/absences/{absence}/evidence/{evidence}/", None, ABSENCE),
    *doors("absence_record",          "/students/{student}/absence/",       RECORDS_ONE, instead(RECORDS_ONE, 422)),
    *doors("shared_evidence",         "/people/{student}/absences/{absence}/{evidence}/", None, SHARED),
    *doors("absence_rules",           "/office/absences/rules/",            POLICIES, None),
    *doors("absence_numbers",         "/office/absences/rules/numbers/",    None, instead(POLICIES, 422)),
    *doors("absence_reason",          "/office/absences/rules/reasons/jury/", POLICIES, instead(POLICIES, 422)),
    *doors("absence_decider_add",     "/office/absences/rules/deciders/",   None, instead(POLICIES, 422)),
    *doors("absence_decider_end",     "/office/absences/rules/deciders/{decider}/end/", None, instead(POLICIES, 302)),
    # Sponsored students, and decisions that the student hears of first
    *doors("compliance",              "/compliance/",                       UKVI, None),
    *doors("duty_new",                "/compliance/duties/new/",            UKVI, instead(UKVI, 422)),
    *doors("duty",                    "/compliance/duties/{duty}/",         UKVI, instead(UKVI, 302), action="note", words="x"),
    *doors("duty_file",               "/compliance/duties/{duty}/case-file/", UKVI, None),
    *doors("duty_table",              "/compliance/duties/{duty}/case-file.csv", None, UKVI),
    *doors("campus",                  "/compliance/on-campus/",             UKVI, None),
    *doors("campus_table",            "/compliance/on-campus.csv",          None, UKVI),
    *doors("student_decisions",       "/decisions/",                        STUDENTS, None),
    *doors("student_decision",     "/decisions/{decision}/",           THIS_STUDENT, instead(THIS_STUDENT, 302), action="open"),
    # The help desk
    *doors("desk",                    "/desk/",                             DESK, None),
    *doors("desk_student",            "/desk/students/{student}/",          DESK, None),
    *doors("desk_query",              "/desk/students/{student}/query/{session}/", None, instead(DESK, 302)),

    # For those who look after students
    *doors("reports",                 "/office/reports/",                   SEE_REPORTS, None),
    *doors("report_mail",             "/office/reports/mail/",              SEE_ROOMS, instead(SEE_ROOMS, 422)),
    *doors("report_stop",             "/office/reports/mail/{order}/stop/", None, instead(TEAM, 302)),
    *doors("over_time",               "/office/over-time/",                 OFFICE, None),
    *doors("over_time_file",          "/office/over-time/file.csv",         None, OFFICE),
    *doors("rooms",                   "/office/rooms/",                     SEE_ROOMS, None),
    *doors("rooms_file",              "/office/rooms/file.csv",             None, SEE_ROOMS, week="2026-11-30"),
    *doors("equity",                  "/office/equity/",                    SEE_EQUITY, None),
    *doors("monitoring_groups",       "/office/monitoring-groups/",         SWITCHES, instead(SWITCHES, 422)),
    *doors("checkin_health",          "/office/check-in-health/",           OFFICE, None),
    *doors("silent_weeks",            "/office/silent-weeks/",              OFFICE, None),
    *doors("work",                    "/work/",                             OFFICE, None),
    *doors("work_act",                "/work/act/",                         None, instead(OFFICE, 302)),
    *doors("cases",                   "/cases/",                            HAVE_CASES, None),
    *doors("contact_points",          "/cases/elsewhere/",                  HAVE_CASES, instead(HAVE_CASES, 422)),
    *doors("case",                    "/cases/{case}/",                     THIS_RECORD, DONE_CASE, action="plan",
                                                                            next_step="Call", due_on="2099-01-01"),
    *doors("case_contacted",          "/cases/{case}/contacted/",           None, DONE_CASE, contact="call:no_answer"),
    *doors("case_meeting",            "/cases/{case}/meeting/",             THIS_RECORD, instead(THIS_RECORD, 422)),
    *doors("case_meeting_settle",     "/cases/{case}/meetings/{meeting}/",  None, instead(THIS_RECORD, 302)),
    *doors("person_case",             "/people/{student}/case/",            None, instead(THIS_RECORD, 302)),
    *doors("person_concern",          "/people/{student}/concern/",         THIS_RECORD, DONE_CASE, worry="stopped_coming"),
    *doors("concerns",                "/concerns/",                         STAFF, None),
    *doors("concern_seen",            "/concerns/{concern}/seen/",          None, CONCERN),
    *doors("class_concern",           "/classes/{session}/students/{student}/concern/", THIS_CLASS, DONE,
                                                                            worry="stopped_coming"),
    *doors("conduct_referrals",       "/office/conduct/",                   TEAM, None),
    *doors("conduct",                 "/office/conduct/{conduct}/",         TEAM, instead(TEAM, 422)),
    *doors("refer_conduct",           "/held/{scan}/conduct/",              TEAM, instead(TEAM, 422)),
    *doors("cover",                   "/office/cover/",                     POLICIES, POLICIES),
    *doors("end_leave",               "/office/cover/{leave}/back/",        None, instead(POLICIES, 302)),
    *doors("student_support",         "/support/",                          STUDENTS, None),
    *doors("meeting_pick",            "/support/meetings/{meeting}/pick/",  None, instead(THIS_STUDENT, 302)),
    *doors("meeting_cannot",          "/support/meetings/{meeting}/cannot/", None, instead(THIS_STUDENT, 302)),
    *doors("case_appeal",             "/support/cases/{case}/appeal/",      None, instead(THIS_STUDENT, 302)),
    *doors("conduct_answer",          "/support/conduct/{conduct}/answer/", None, instead(THIS_STUDENT, 302)),
    *doors("meeting_calendar",        "/meetings/{agreed}.ics",             THEIR_MEETING, None),
    *doors("tutees",                  "/tutees/",                           TUTORS, None),
    *doors("modules",                 "/modules/",                          CLASSES, None),
    *doors("module",                  "/modules/{module}/",                 THIS_MODULE, None),
    *doors("office_people",           "/office/people/",                    PEOPLE, None),
    *doors("office_person",           "/office/people/{student}/",          PEOPLE, None),
    *doors("office_person_role",      "/office/people/{student}/roles/",    None, instead(PEOPLE, 302), role="tutor"),
    *doors("office_person_role_end",  "/office/people/{student}/roles/{grant}/end/", None, instead(PEOPLE, 302)),
    *doors("office_person_leads",     "/office/people/{student}/modules/",  None, instead(PEOPLE, 422), module=""),
    *doors("office_person_leads_end", "/office/people/{leader}/modules/{leading}/end/", None, instead(PEOPLE, 302)),
    *doors("office_person_account",   "/office/people/{student}/account/",  None, instead(PEOPLE, 302), action="close"),
    *doors("office_person_link",      "/office/people/{student}/identities/", None, instead(PEOPLE, 422), subject="x"),
    *doors("office_person_unlink",    "/office/people/{student}/identities/{identity}/unlink/", None, instead(PEOPLE, 302)),
    *doors("funding",                 "/compliance/funding/",               FUNDING, None),
    *doors("funding_points",          "/compliance/funding/points/",        FUNDING, instead(FUNDING, 422)),
    *doors("funding_point",           "/compliance/funding/points/{point}/", FUNDING, None),
    *doors("funding_together",        "/compliance/funding/points/{point}/confirm/", None, instead(FUNDING, 302)),
    *doors("funding_look",            "/compliance/funding/points/{point}/look/", None, instead(FUNDING, 302)),
    *doors("funding_profiles",        "/compliance/funding/profiles/",      FUNDING, instead(FUNDING, 422)),
    *doors("funding_lists",           "/compliance/funding/lists/",         FUNDING, None),
    *doors("funding_settled",         "/compliance/funding/lists/{left_over}/settled/", None, instead(FUNDING, 302)),
    *doors("funding_registrations",   "/compliance/funding/registration/",  FUNDING, None),
    *doors("funding_tasks",           "/compliance/funding/tasks/",         FUNDING, None),
    *doors("funding_task",            "/compliance/funding/tasks/{change}/", FUNDING, instead(FUNDING, 422)),
    *doors("funding_student",         "/compliance/funding/students/{funding}/", FUNDING, instead(FUNDING, 422),
           point="{confirmation}"),
    *doors("funding_deed",            "/compliance/funding/students/{funding}/registered/", None, instead(FUNDING, 302)),
    *doors("funding_files",           "/compliance/funding/files/",         FUNDING, instead(FUNDING, 422)),
    *doors("funding_back",            "/compliance/funding/files/{their_file}/back/", None, instead(FUNDING, 302)),
    *doors("funding_layout",          "/compliance/funding/layout/",        LAYOUT, KEEPS_LAYOUT),
    *doors("privacy_access",          "/privacy/access/",                   ACCESS_LOG, None),
    *doors("privacy_seen",            "/privacy/access/{opened}/seen/",     None, SEEN),
    *doors("privacy_notice",          "/privacy/",                          always(200), None),
    *doors("staff_notice",            "/privacy/staff/",                    always(200), None),
    *doors("accessibility",           "/accessibility/",                    always(200), None),
    *doors("dpia",                    "/privacy/assessment/",               ANSWERS, None),
    *doors("processing_record",       "/privacy/processing/",               ANSWERS, None),
    *doors("particulars",             "/privacy/particulars/",              SAYS, SAYS),
    *doors("disclosures",             "/privacy/disclosures/",              ACCESS_LOG, instead(OFFICER, 422)),
    *doors("retention",               "/privacy/retention/",                ACCESS_LOG, instead(OFFICER, 422)),
    *doors("retention_decide",        "/privacy/retention/{run}/",          None, instead(OFFICER, 302)),
    *doors("hold_release",            "/privacy/holds/{hold}/release/",     None, instead(OFFICER, 302)),
    *doors("erasures",                "/privacy/erasure/",                  OFFICER, instead(OFFICER, 422)),
    *doors("erasure",                 "/privacy/erasure/{erasure}/",        OFFICER, None),
    *doors("erasure_decide",          "/privacy/erasure/{erasure}/decide/", None, instead(OFFICER, 302)),
    *doors("rights",                  "/privacy/requests/",                 OFFICER, instead(OFFICER, 422)),
    *doors("rights_request",          "/privacy/requests/{rights}/",        OFFICER, None),
    *doors("rights_step",             "/privacy/requests/{rights}/step/",   None, instead(OFFICER, 302)),
    *doors("rights_review",           "/privacy/requests/{rights}/texts/",  OFFICER, instead(OFFICER, 302)),
    *doors("rights_hand_over",        "/privacy/files/{released}/",         None, instead(OFFICER, 302)),
    *doors("students",                "/students/",                         STAFF, None),
    *doors("students_outside",        "/students/outside/",                 STAFF, instead(STAFF, 422), who="nobody"),
    *doors("person_record",           "/people/{student}/",                 THIS_RECORD, None),
    *doors("person_contact",          "/people/{student}/contact/",         REACHES, instead(REACHES, 302), action="resume"),
    *doors("office_contacts",         "/office/contacts/",                  TEAM, instead(TEAM, 422)),
    *doors("unopened",                "/unopened/",                         STAFF, None),
    *doors("unopened_decide",         "/unopened/{unopened}/",              None, instead(THIS_RECORD, 302), action=""),

    # The lecturer's side; every class also for the attendance team
    *doors("calendar",                "/calendar/",                         SIGNED_IN, instead(SIGNED_IN, 302)),
    *doors("calendar_feed",           "/calendar/{calendar_secret}.ics",    always(200), None),
    *doors("teaching_today",          "/teaching/",                         TEACHING, None),
    *doors("office_classes",          "/office/classes/",                   CLASSES, None),
    *doors("office_alerts",           "/office/alerts/",                    TEAM, None),
    *doors("office_alert",            "/office/alerts/{alert}/",            TEAM, None),
    *doors("office_alert_step",       "/office/alerts/{alert}/release/",    None, instead(TEAM, 302)),
    *doors("closures",                "/office/closures/",                  TEAM, instead(TEAM, 422)),
    *doors("closure_remove",          "/office/closures/{closure}/remove/", None, instead(TEAM, 302)),
    *doors("office_queries",          "/office/queries/",                   OFFICE, None),
    *doors("queries_together",        "/office/queries/together/",          None, QUERY_ALONE, query="{query}"),
    *doors("office_registers",        "/office/registers/",                 OFFICE, None),
    *doors("explain_register",        "/classes/{session}/explain/",        THIS_CLASS, instead(THIS_CLASS, 422)),
    *doors("class_register",          "/classes/{session}/",                THIS_CLASS, None),
    *doors("class_add",               "/classes/new/",                      ADDS, ADDS),
    *doors("class_change",            "/classes/{session}/change/",         CHANGES, instead(CHANGES, 302), action="cancel"),
    *doors("classes_file",            "/office/classes/list.csv",           None, CLASSES),
    *doors("classes_sheets",          "/office/classes/sheets.pdf",         None, CLASSES),
    *doors("module_file",             "/modules/{module}/attendance.xlsx",  None, THIS_MODULE),
    *doors("record_file",             "/students/{student}/record.csv",     None, THIS_RECORD),
    *doors("own_record_file",         "/record/attendance.csv",             None, STUDENTS),
    *doors("own_sheets",              "/teaching/sheets.pdf",               None, OWN_SHEETS, span="day"),
    *doors("class_sheet",             "/classes/{session}/sheet/",          THIS_CLASS, THIS_CLASS, action="typed"),
    *doors("class_sheet_pdf",         "/classes/{session}/sheet.pdf",       None, THIS_CLASS),
    *doors("class_register_file",     "/classes/{session}/register.xlsx",   None, THIS_CLASS),
    *doors("count_heads",             "/classes/{session}/headcount/",      None, DONE, people="3"),
    *doors("mark_rest",               "/classes/{session}/rest/",           None, DONE),
    *doors("accept_foreseen",         "/classes/{session}/foreseen/",       None, DONE),
    *doors("class_catch_up",          "/classes/{session}/catch-up/",       None, DONE, note="Slides 1 to 20"),
    *doors("mark_students",           "/classes/{session}/marks/",          None, DONE, student="{student}", status="present"),
    *doors("amend_marks",             "/classes/{session}/amend/",          DONE, DONE, student="{student}", status="present",
                                                                            reason_code="seen_in_class"),
    *doors("class_as_of",             "/classes/{session}/as-of/",          THIS_CLASS, None),
    *doors("module_as_of",            "/modules/{module}/as-of/",           THIS_MODULE, None),
    *doors("person_as_of",            "/people/{student}/as-of/",           THIS_RECORD, None),
    *doors("undo_marks",              "/classes/{session}/undo/",           None, DONE, change="0"),
    *doors("decide_proposal",         "/classes/{session}/proposals/{proposal}/", None, DONE, decision="decline", answer="No"),
    *doors("amendments",              "/office/amendments/",                AMENDMENTS, None),
    *doors("correction_seen",         "/office/amendments/{correction}/noted/", None, NOTES),
    *doors("bca",                     "/compliance/assessment/",            OF_UKVI, instead(OF_UKVI, 422)),
    *doors("sponsors",                "/compliance/students/",              OF_UKVI, None),
    *doors("sponsor_new",             "/compliance/students/new/",          OF_UKVI, instead(OF_UKVI, 422)),
    *doors("sponsor_file",            "/compliance/students/file/",         OF_UKVI, instead(OF_UKVI, 422)),
    *doors("sponsor",                 "/compliance/students/{sponsored}/",  OF_UKVI, None),
    *doors("sponsor_leave",           "/compliance/students/{sponsored}/leave/", OF_UKVI, instead(OF_UKVI, 422)),
    *doors("sponsor_profile",         "/compliance/profiles/{profile}/",    OF_UKVI, instead(OF_UKVI, 422)),
    *doors("arrivals",                "/compliance/arrivals/",              OF_UKVI, instead(OF_UKVI, 302), profile="{profile}",
           step="arrived"),
    *doors("late_changes",            "/compliance/late-changes/",          OF_UKVI, instead(OF_UKVI, 302)),
    *doors("sponsor_absences",        "/compliance/absences/",              OF_UKVI, instead(OF_UKVI, 302)),
    *doors("sponsor_teaching",        "/compliance/teaching/",              OF_UKVI, instead(OF_UKVI, 422)),
    *doors("sponsor_terms",           "/compliance/terms/",                 OF_UKVI, instead(OF_UKVI, 422), action="terms"),
    *doors("sponsor_supervisions",    "/compliance/supervisions/",          OF_UKVI, None),
    *doors("guidance",                "/compliance/guidance/",              REPORTS, None),
    *doors("edition_new",             "/compliance/guidance/new/ukvi/",     OF_UKVI, instead(OF_UKVI, 422)),
    *doors("edition",                 "/compliance/guidance/{edition}/",    OF_UKVI, OF_UKVI),
    *doors("supervisions",            "/supervisions/",                     TUTORS, None),
    *doors("supervision_answer",      "/supervisions/{supervision}/",       None, SUPERVISES, action="met"),
    *doors("packs",                   "/compliance/packs/",                 REPORTS, None),
    *doors("pack_file",               "/compliance/packs/one/",             None, instead(REPORTS, 422)),
    *doors("pack_draw",               "/compliance/packs/samples/",         None, instead(REPORTS, 422)),
    *doors("pack_sample",             "/compliance/packs/samples/{sample}/", OF_SLC, None),
    *doors("pack_sample_file",        "/compliance/packs/samples/{sample}/file/", None, instead(OF_SLC, 302)),
    *doors("partners",                "/compliance/partners/",              PARTNERS, None),
    *doors("partner_add",             "/compliance/partners/add/",          None, instead(PARTNERS, 422)),
    *doors("partner_source",          "/compliance/partners/source/",       None, PARTNERS),
    *doors("partner",                 "/compliance/partners/of/{partner}/", PARTNERS, None),
    *doors("partner_plan",            "/compliance/partners/of/{partner}/checks/", None, instead(PARTNERS, 422)),
    *doors("partner_draw",            "/compliance/partners/checks/{partner_check}/draw/", None, instead(PARTNERS, 302)),
    *doors("partner_count",           "/compliance/partners/checks/{partner_check}/count/", None, instead(PARTNERS, 422)),
    *doors("partner_classes",         "/compliance/partners/of/{partner}/classes/", None, instead(PARTNERS, 422)),
    *doors("partner_students",        "/compliance/partners/of/{partner}/students/", None, instead(PARTNERS, 422)),
    *doors("reported_periods",        "/office/amendments/periods/",        REPORTS, instead(REPORTS, 422)),
    *doors("withdraw_period",         "/office/amendments/periods/{period}/withdraw/", None, NOTES),
    *doors("student_mark",            "/classes/{session}/students/{student}/", THIS_CLASS, None),
    *doors("answer_query",            "/classes/{session}/queries/{query}/", None, DONE, status="present", reason="Seen"),
    *doors("add_visitor",             "/classes/{session}/visitors/",       None, DONE, number="0"),
    *doors("accept_all_held",         "/classes/{session}/held/",           None, DONE),
    *doors("decide_held",             "/held/{scan}/",                      None, DONE, decision="accept"),
    *doors("class_checks",            "/classes/{session}/checks/",         THIS_CLASS, None),
    *doors("begin_check",             "/classes/{session}/checks/begin/",   None, DONE),
    *doors("take_back_check",         "/classes/{session}/checks/{check}/take-back/", None, DONE),
    *doors("say_seen",                "/classes/{session}/checks/{check}/seen/{student}/", None, DONE),
    *doors("spot_check",              "/classes/{session}/spot-check/",     None, DONE),
    *doors("spot_call",               "/classes/{session}/spot-check/{spot}/{student}/", None, DONE, result="seen"),
    *doors("class_display",           "/classes/{session}/display/",        None, DONE),
    *doors("reopen_checkin",          "/classes/{session}/check-in/open/",  None, DONE),
    *doors("stop_checkin",            "/classes/{session}/check-in/stop/",  None, DONE),
    *doors("change_pace",             "/classes/{session}/check-in/pace/",  None, DONE, pace="brisk"),
    *doors("kill_codes",              "/classes/{session}/check-in/new-codes/", None, DONE),
    *doors("start_kiosk",             "/classes/{session}/kiosk/",          None, DONE),
    *doors("stop_kiosk",              "/classes/{session}/kiosks/{kiosk}/stop/", None, DONE),
    *doors("pair_screen",             "/classes/{session}/screens/pair/",   None, DONE, code="{pairing}"),
    *doors("stop_screen",             "/classes/{session}/screens/{display}/stop/", None, DONE),

    # A screen has a secret of its own, and none of these browsers holds it
    *doors("display_pairing",         "/display/",                          always(200), always(302)),
    *doors("display",                 "/display/{display}/",                always(403), None),
    *doors("kiosk",                   "/kiosk/{kiosk}/",                    always(403), always(403), number="1"),
    *doors("kiosk_take_back",         "/kiosk/{kiosk}/take-back/",          None, always(403)),
    *doors("display_refresh",         "/display/{display}/refresh/",        None, always(302)),

    # Imports
    *doors("imports",                 "/imports/",                          IMPORTS, instead(IMPORTS, 422)),
    *doors("feeds",                   "/imports/feeds/",                    IMPORTS, None),
    *doors("feed",                    "/imports/feeds/{calendar}/",         IMPORTS, None),
    *doors("feed_ask",                "/imports/feeds/{calendar}/ask/",     None, instead(IMPORTS, 302)),
    *doors("class_reports",           "/imports/reports/",                  IMPORTS, None),
    *doors("class_report_decide",     "/imports/reports/{report}/decide/",  None, instead(IMPORTS, 302)),
    *doors("imports_missing",         "/imports/missing/",                  IMPORTS, instead(IMPORTS, 302)),
    *doors("import_calendar_new",     "/imports/calendars/new/",            IMPORTS, instead(IMPORTS, 422), code=""),
    *doors("import_calendar",         "/imports/calendars/{calendar}/",     IMPORTS, instead(IMPORTS, 422), code=""),
    *doors("import_calendar_fetch",   "/imports/calendars/{calendar}/fetch/", None, instead(IMPORTS, 302)),
    *doors("import",                  "/imports/{import}/",                 IMPORTS, None),
    *doors("import_decide",           "/imports/{import}/decide/",          None, instead(IMPORTS, 302), action="discard"),
    *doors("public_policy",           "/policy/",                           always(200), None),
    *doors("public_policy_version",   "/policy/1/",                         always(200), None),
    *doors("alert_rules",             "/office/alert-rules/",               POLICIES, None),
    *doors("alert_rules_new",         "/office/alert-rules/new/",           POLICIES, instead(POLICIES, 422)),
    *doors("alert_rule_version",      "/office/alert-rules/{rules}/",       POLICIES, None),
    *doors("alert_rule_wording",      "/office/alert-rules/{rules}/wordings/{wording}/", None, instead(POLICIES, 422)),
    *doors("alert_rule_switch",       "/office/alert-rules/{rules}/switch/", None, instead(POLICIES, 422)),
    *doors("alert_rule_try",          "/office/alert-rules/{rules}/try/",   None, instead(POLICIES, 422)),
    *doors("alert_rule_trial",        "/office/alert-rules/trials/{trial}/", POLICIES, None),
    *doors("rehearsal",               "/office/rehearsal/",                 OFFICE, None),
    *doors("rehearsal_judgement",     "/office/rehearsal/{would_be}/",      None, instead(ITS_OFFICE, 302)),
    *doors("policies",                "/office/policies/",                  POLICIES, None),
    *doors("policy_new",              "/office/policies/new/",              POLICIES, instead(POLICIES, 422)),
    *doors("policy",                  "/office/policies/{policy}/",         POLICIES, None),
    *doors("policy_withdraw",         "/office/policies/{policy}/withdraw/", None, instead(POLICIES, 302)),
    *doors("policy_end",              "/office/policies/{policy}/end/",     POLICIES, instead(POLICIES, 302)),
    *doors("office_adjustments",      "/office/adjustments/",               TEAM, instead(TEAM, 422)),
    *doors("adjustments_file",        "/office/adjustments/file/",          TEAM, instead(TEAM, 422)),
    *doors("placements",              "/office/placements/",                OFFICE, instead(OFFICE, 422)),
    *doors("placements_file",         "/office/placements/file/",           TEAM, instead(TEAM, 422)),
    *doors("end_placement",           "/office/placements/{placement}/end/", None, instead(ABSENCE, 302)),
    *doors("end_adjustment",          "/office/adjustments/{adjustment}/end/", None, instead(TEAM, 302)),
    *doors("office_contradictions",   "/office/contradictions/",            TEAM, None),
    *doors("contradiction_seen",      "/office/contradictions/{contradiction}/seen/", None, instead(TEAM, 302)),
    *doors("office_outages",          "/office/outages/",                   OUTAGES, instead(OUTAGES, 422)),
    *doors("end_outage",              "/office/outages/{outage}/end/",      None, instead(OUTAGES, 302)),
    *doors("withdraw_outage",         "/office/outages/{outage}/withdraw/", OUTAGES, instead(OUTAGES, 302)),
    *doors("import_roles_decide",     "/imports/{roles}/roles/",            None, instead(PEOPLE, 302), action="discard"),
    # Where people sign in. (The way to a provider is a question of its own each time, so here it is one that is not there.)
    *doors("providers",               "/office/sign-in/",                   SWITCHES, None),
    *doors("provider_new",            "/office/sign-in/new/oidc/",          SWITCHES, instead(SWITCHES, 422)),
    *doors("provider",                "/office/sign-in/{provider}/",        SWITCHES, None),
    *doors("provider_change",         "/office/sign-in/{provider}/change/", SWITCHES, instead(SWITCHES, 422)),
    *doors("provider_check",          "/office/sign-in/{provider}/check/",  None, SWITCHES),
    *doors("provider_try",            "/office/sign-in/nobody/try/",        instead(SWITCHES, 404), None),
    *doors("provider_remove",         "/office/sign-in/{provider}/remove/", SWITCHES, instead(SWITCHES, 302)),

    *doors("office_checkin",          "/office/check-in/",                  SWITCHES, None),
    *doors("office_checkin_pause",    "/office/check-in/pause/",            None, instead(SWITCHES, 302), reason="Fire"),
    *doors("office_checkin_resume",   "/office/check-in/resume/",           None, instead(SWITCHES, 302)),
    *doors("office_checkin_remember", "/office/check-in/remember/",         None, instead(SWITCHES, 302), days="14"),
    *doors("office_checkin_retire",   "/office/check-in/keys/k0/retire/",   None, instead(SWITCHES, 302)),
    *doors("applications",            "/office/applications/",              SWITCHES, None),
    *doors("application_new",         "/office/applications/new/",          SWITCHES, instead(SWITCHES, 422)),
    *doors("application",             "/office/applications/{application}/", SWITCHES, None),
    *doors("application_change",      "/office/applications/{application}/change/", SWITCHES, instead(SWITCHES, 422)),
    *doors("application_token",       "/office/applications/{application}/tokens/", None, SWITCHES, kind="token", days="30"),
    *doors("application_token_end",   "/office/applications/{application}/tokens/{token}/end/", None, instead(SWITCHES, 302)),
    *doors("application_end",         "/office/applications/{application}/end/", SWITCHES, instead(SWITCHES, 302)),
    *doors("webhook_new",             "/office/applications/{application}/webhooks/new/", SWITCHES, instead(SWITCHES, 422)),
    *doors("webhook",                 "/office/webhooks/{webhook}/",        SWITCHES, None),
    *doors("webhook_test",            "/office/webhooks/{webhook}/test/",   None, instead(SWITCHES, 302)),
    *doors("webhook_rotate",          "/office/webhooks/{webhook}/secret/", None, SWITCHES),
    *doors("webhook_end",             "/office/webhooks/{webhook}/end/",    None, instead(SWITCHES, 302)),
    *doors("webhook_replay",          "/office/webhooks/{webhook}/messages/{delivery}/again/", None, instead(SWITCHES, 302)),

    # The API: who is signed in here is nobody there (tests/api/test_doors.py has its own table)
    *doors("api",                     "/api/",                              always(200), None),
    *doors("api_openapi",             "/api/openapi.json",                  always(200), None),
    *doors("api_token",               "/api/oauth/token",                   None, always(401)),
    *doors("api_classes",             "/api/v1/classes",                    always(401), always(401)),
    *doors("api_class",               "/api/v1/classes/{session}",          always(401), always(401)),
    *doors("api_register",            "/api/v1/classes/{session}/register", always(401), always(401)),
    *doors("api_marks",               "/api/v1/classes/{session}/marks",    always(401), always(401)),
    *doors("api_students",            "/api/v1/students",                   always(401), always(401)),
    *doors("api_record",              "/api/v1/students/{student}/record",  always(401), always(401)),
    *doors("api_changes",             "/api/v1/changes",                    always(401), always(401)),
    *doors("api_queries",             "/api/v1/queries",                    always(401), always(401)),
    *doors("api_absences",            "/api/v1/absences",                   always(401), always(401)),
    *doors("api_cases",               "/api/v1/cases",                      always(401), always(401)),
    *doors("api_imports",             "/api/v1/imports",                    always(401), always(401)),
    *doors("api_import",              "/api/v1/imports/{import}",           always(401), always(401)),
    *doors("api_unknown",             "/api/v2/anything",                   always(401), always(401)),

    *doors("office_outbox",           "/office/mail/",                      SWITCHES, None),
    *doors("office_answers",          "/office/mail/answers/",              SWITCHES, instead(SWITCHES, 302), x="1"),
    *doors("office_message",          "/office/mail/{message}/",            None, instead(SWITCHES, 302), action="withdraw"),
    *doors("import_problems",         "/imports/{import}/problems.csv",     IMPORTS, None),

    # The event log; and what anybody may check
    *doors("audit",                   "/audit/",                            ACCESS_LOG, None),
    *doors("checkpoints",             "/checkpoints/",                      always(200), None),
    *doors("checkpoint_keys",         "/checkpoints/keys.txt",              always(200), None),
    *doors("checkpoint",              "/checkpoints/{checkpoint}.txt",      always(200), None),
    *doors("receipt",                 "/receipt/",                          always(200), always(422), text="{checkpoint}"),
]

# The gate and the live streams, which are not Django's. A student who is not expected may scan: the scan is held.
GATE = [
    #    address                         method  asked for              what each gets, what is posted
    Door("/in",                          "GET",  "/in",                 GATE_FORM),
    Door("/in/code",                     "POST", "/in/code",           GATE_FORM, {"code": "1"}),
    Door("/in/confirm",                  "GET",  "/in/confirm",         always(200)),
    Door("/in/confirm",                  "POST", "/in/confirm",         GATE_FORM),
    Door("/in/query",                    "POST", "/in/query",           GATE_FORM),
    Door("/in/offline",                  "GET",  "/in/offline",         always(200)),
    Door("/in/kept",                     "POST", "/in/kept",            GATE_SCRIPT),
    Door("/in/acknowledged",             "POST", "/in/acknowledged",    GATE_SCRIPT),
    Door("/{code}",                      "GET",  "/" + "0" * 36,        always(200)),
    Door("/live/display/{ref:uuid}",     "GET",  "/live/display/{display}", always(403)),
    Door("/live/display/{ref:uuid}/now", "GET",  "/live/display/{display}/now", always(403)),
    Door("/live/register/{ref:uuid}",    "GET",  "/live/register/{session}", LIVE),
]
# fmt: on
