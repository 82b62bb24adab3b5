"""`adsum work`: the process that does the jobs."""

import logging
from argparse import SUPPRESS, ArgumentParser, Namespace

from django.db import connections
from django_q.cluster import Cluster
from django_q.models import Schedule
from django_q.tasks import async_task

from adsum.ops import jobs
from adsum.ops.processes import die_with
from adsum.ops.serve import ready


def add_arguments(parser: ArgumentParser) -> None:
    parser.add_argument("--quiet", action="store_true", help="say only what went wrong")
    parser.add_argument("--parent", type=int, help=SUPPRESS)  # stop when that process is gone


def run(args: Namespace) -> int:
    """Work until told to stop; 1 when the jobs' process died by itself."""
    die_with(args.parent)
    ready()
    if args.quiet:
        logging.getLogger("django-q").setLevel(logging.WARNING)
    keep_schedules()
    for function in jobs.EVERY_MINUTES:  # at once what came due while no worker ran: the scheduler waits 30 s
        async_task(function)
    connections.close_all()  # the cluster forks
    cluster = Cluster()
    cluster.start()
    if not args.quiet:
        print("At work: registers are closed when they are due. Ctrl-C stops it.", flush=True)
    cluster.sentinel.join()
    return 0 if cluster.has_stopped else 1


def keep_schedules() -> None:
    """Have exactly the schedules of `jobs.EVERY_MINUTES` in the database."""
    for function, minutes in jobs.EVERY_MINUTES.items():
        Schedule.objects.update_or_create(
            name=function.__name__,
            defaults={
                "func": f"{function.__module__}.{function.__qualname__}",
                "schedule_type": Schedule.MINUTES,
                "minutes": minutes,
                "repeats": -1,
            },
        )
    Schedule.objects.exclude(name__in=[function.__name__ for function in jobs.EVERY_MINUTES]).delete()
