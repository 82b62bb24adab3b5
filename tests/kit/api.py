"""Applications as they call: what a data warehouse or a lecturer's tool sends, and what it is answered."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from django.test import Client

from adsum.accounts import applications
from adsum.accounts.application_rules import Scope
from adsum.accounts.application_tables import Application, ApplicationToken
from adsum.accounts.models import Department, Person
from adsum.accounts.rules import Role
from tests.kit.world import World

YEAR = timedelta(days=365)


def register(
    world: World,
    scopes: Iterable[Scope] = tuple(Scope),
    departments: Iterable[Department] = (),
    *,
    name: str = "",
    keeper: Person | None = None,
    at: datetime | None = None,
) -> Application:
    """An application that an administrator has added."""
    admin = world.person(Role.ADMINISTRATOR)
    return applications.add(
        name=name or f"Warehouse {next(world.numbers)}",
        purpose="Reports of the university",
        keeper=keeper or world.person(Role.ADMINISTRATOR),
        scopes=list(scopes),
        departments=list(departments),
        by=admin,
        at=at or datetime.now(UTC),
    )


class Tool:
    """An application with a token, and its client."""

    def __init__(self, application: Application, *, at: datetime | None = None, lives: timedelta = YEAR) -> None:
        self.application = application
        made = applications.make_token(
            application, ApplicationToken.Kind.TOKEN, lives=lives, by=application.made_by, at=at or datetime.now(UTC)
        )
        self.token, self.secret = made.token, made.secret
        self.client = Client(headers={"authorization": f"Bearer {made.secret}"})

    def get(self, path: str, /, headers: Any = None, **query: Any) -> Any:
        return self.client.get(f"/api/v1{path}", query, headers=headers or {})

    def post(self, path: str, body: Any, headers: dict[str, str] | None = None) -> Any:
        text = body if isinstance(body, str | bytes) else json.dumps(body)
        return self.client.post(f"/api/v1{path}", text, content_type="application/json", headers=headers or {})


def tool(world: World, *scopes: Scope, departments: Iterable[Department] = ()) -> Tool:
    """An application with these scopes (none: all of them) over these departments, and a token."""
    return Tool(register(world, scopes or tuple(Scope), departments))


def problem(answer: Any) -> tuple[int, str]:
    """The status and code of a refusal, which says a sentence, too."""
    assert answer["Content-Type"] == "application/problem+json"
    told = json.loads(answer.content)
    assert told["status"] == answer.status_code
    assert told["detail"]
    return answer.status_code, told["code"]
