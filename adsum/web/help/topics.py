"""Every help page, and for each page of the product the one that is about it."""

from collections.abc import Collection

from adsum.accounts.rules import Role
from adsum.web.help import for_everyone, for_offices, for_staff
from adsum.web.help.topic import Topic

TOPICS = {one.name: one for one in (*for_everyone.TOPICS, *for_staff.TOPICS, *for_offices.TOPICS)}


def topics_for(roles: Collection[Role]) -> list[Topic]:
    """The help of those who may that, in its order."""
    return [one for one in TOPICS.values() if one.roles is None or one.roles.intersection(roles)]


ABOUT = {
    "why": "",
    "check-in": "",
    "your-attendance": (
        "student_today student_kept student_record student_module student_class student_query student_access own_contact "
        "calendar public_policy public_policy_version"
    ),
    "reminder": "student_reminder",
    "absences": (
        "student_absences student_absence_tell student_absence student_absence_withdraw student_absence_share "
        "student_evidence_add student_evidence student_evidence_delete"
    ),
    "support": ("student_support meeting_pick meeting_cannot case_appeal conduct_answer student_decisions student_decision"),
    "messages": "messages messages_read message_choices message phones phone_end",
    "sign-in": (
        "sign_in account_login sign_in_password mfa_authenticate sign_in_university account_inactive sign_in_other "
        "signed_out openid_connect_login openid_connect_callback saml_login saml_acs saml_finish confirm_university confirmed "
        "security recovery_codes passkey_add passkey_remove sign_ins sign_ins_end confirm new_password sign_in_try"
    ),
    "your-data": (
        "own_data own_data_make own_data_rest own_data_ask own_file own_request own_request_reply own_request_withdraw "
        "privacy_notice staff_notice accessibility"
    ),
    "receipts": "receipt checkpoints",
    "search": "search home design help help_topic",
    "show-the-code": "teaching_today display_pairing display display_refresh class_display kiosk kiosk_take_back",
    "register": (
        "class_register mark_students amend_marks student_mark undo_marks "
        "decide_proposal count_heads mark_rest accept_foreseen "
        "class_catch_up accept_all_held add_visitor decide_held reopen_checkin stop_checkin change_pace kill_codes start_kiosk "
        "stop_kiosk pair_screen stop_screen"
    ),
    "change-a-class": "class_change class_add",
    "queries": "answer_query office_queries queries_together",
    "checks": "class_checks begin_check take_back_check say_seen spot_check spot_call",
    "paper": "class_sheet own_sheets",
    "classes": "office_classes office_registers explain_register silent_weeks",
    "modules": "modules module module_as_of class_as_of person_as_of",
    "work": "work work_act office_contradictions contradiction_seen",
    "decide-absences": (
        "office_absences absences_together absence_rules absence_numbers "
        "absence_reason absence_decider_add absence_decider_end "
        "office_absence absence_decide absence_record"
    ),
    "standing-arrangements": ("office_adjustments adjustments_file end_adjustment placements placements_file end_placement"),
    "cases": (
        "contact_points cases case case_contacted case_meeting case_meeting_settle person_case person_concern concerns "
        "concern_seen class_concern conduct_referrals conduct refer_conduct cover end_leave unopened unopened_decide"
    ),
    "alerts": (
        "office_alerts office_alert office_alert_step closures closure_remove alert_rules alert_rules_new alert_rule_version "
        "alert_rule_switch alert_rule_wording alert_rule_try alert_rule_trial rehearsal rehearsal_judgement"
    ),
    "students": "students students_outside person_record person_contact office_contacts",
    "tutees": "tutees supervisions supervision_answer",
    "desk": "desk desk_student desk_query",
    "outages": "office_outages end_outage withdraw_outage",
    "amendments": "amendments correction_seen reported_periods withdraw_period",
    "policies": "policies policy_new policy policy_withdraw policy_end",
    "reports": "reports report_mail report_stop over_time rooms equity monitoring_groups checkin_health",
    "sponsored": (
        "compliance bca sponsors sponsor_new sponsor_file sponsor sponsor_leave sponsor_profile arrivals late_changes "
        "sponsor_absences sponsor_teaching sponsor_terms "
        "sponsor_supervisions guidance edition_new edition duty_new duty duty_file "
        "campus"
    ),
    "packs": (
        "packs pack_file pack_draw pack_sample pack_sample_file partners partner_add partner_source partner partner_plan "
        "partner_draw partner_count partner_classes partner_students"
    ),
    "funding": (
        "funding funding_points funding_point funding_together funding_look funding_profiles funding_lists funding_settled "
        "funding_registrations funding_tasks funding_task funding_student "
        "funding_deed funding_files funding_back funding_layout"
    ),
    "imports": (
        "imports feeds feed feed_ask class_reports class_report_decide imports_missing import_calendar_new import_calendar "
        "import_calendar_fetch import import_decide import_roles_decide"
    ),
    "people": (
        "office_people office_person office_person_role office_person_role_end office_person_leads office_person_leads_end "
        "office_person_account office_person_link office_person_unlink"
    ),
    "set-up-sign-in": "providers provider_new provider provider_change provider_check provider_try provider_remove",
    "applications": (
        "applications application_new application application_change application_end application_token application_token_end "
        "webhook_new webhook webhook_rotate webhook_test webhook_replay webhook_end api"
    ),
    "run-check-in": (
        "office_checkin office_checkin_pause office_checkin_resume office_checkin_remember office_checkin_retire office_outbox "
        "office_answers office_message"
    ),
    "data-protection": (
        "privacy_access privacy_seen dpia processing_record particulars disclosures retention retention_decide hold_release "
        "erasures erasure erasure_decide rights rights_request rights_step rights_review rights_hand_over"
    ),
    "audit": "audit",
}
"""By help page, the addresses it is about: every page has one, as a test checks."""

BY_PAGE = {page: topic for topic, pages in ABOUT.items() for page in pages.split()}


def topic_of(page: str) -> str:
    """The help page about a page, by its address's name; '' when there is none."""
    return BY_PAGE.get(page, "")
