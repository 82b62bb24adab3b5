"""Alert rules, alerts, stages, cases, meetings: what attendance is for."""
