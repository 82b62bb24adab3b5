"""How much of the pure rules their own tests hold: `python -m scripts.mutants [FILE …]`, which is `make mutants`.

Each mutant is one small lie: `<` becomes `<=`, `and` becomes `or`, a number is one more, a `not` is gone. The tests of the
file's own room are run with it, and at least one must fail. A mutant is put into the running functions, in a process forked for
it, so that nothing is imported again.
"""

import ast
import copy
import importlib
import os
import signal
import sys
import types
from collections.abc import Iterator
from pathlib import Path

import pytest

SECONDS = 60
"""A mutant that takes longer goes round in circles, and is caught by that."""
SURVIVED = 0
ROOMS = {
    "adsum.attendance.counting": ["tests/attendance/test_counting.py"],
    "adsum.attendance.rules": ["tests/attendance/test_attendance_moves.py", "tests/attendance/test_windows.py"],
    "adsum.attendance.similar_queries": ["tests/attendance/test_queries.py"],
    "adsum.checkin.codes": ["tests/checkin/test_checkin_codes.py"],
    "adsum.checkin.rules": ["tests/checkin/test_checkin_rules.py", "tests/checkin/test_settling.py"],
    "adsum.accounts.rules": ["tests/accounts"],
    "adsum.audit.rules": ["tests/audit/test_access_log.py"],
    "adsum.messages.rules": ["tests/messages/test_messages.py"],
    "adsum.timetable.rules": ["tests/timetable"],
}
SWAPS: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
    ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
    ast.Mult: ast.FloorDiv, ast.FloorDiv: ast.Mult, ast.Div: ast.Mult, ast.And: ast.Or, ast.Or: ast.And,
}  # fmt: skip


class Quick:
    """The same examples for every mutant; that a test fails is enough, the shortest way to it is not looked for."""

    def pytest_configure(self) -> None:
        from hypothesis import Phase, settings  # pytest wants to be there before it

        settings.register_profile("mutants", deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
        settings.load_profile("mutants")


def tested(tests: list[str]) -> int:
    return int(pytest.main([*tests, "-q", "-x", "-p", "no:cacheprovider"], plugins=[Quick()]))


def mutants(tree: ast.Module) -> Iterator[tuple[int, str, ast.Module]]:
    """Every lie about what stands inside a function: its line, what it says, and the module with it."""
    places = [
        place
        for function in ast.walk(tree)
        if isinstance(function, ast.FunctionDef)
        for statement in function.body
        for place in ast.walk(statement)
    ]
    for place in dict.fromkeys(places):
        for name, lie in _lies(place):
            before = {field: getattr(place, field) for field in place._fields}
            vars(place).update(lie)
            yield getattr(place, "lineno", 0), f"{name}: {ast.unparse(place)}", copy.deepcopy(tree)
            vars(place).update(before)


def _lies(node: ast.AST) -> Iterator[tuple[str, dict[str, object]]]:
    if isinstance(node, ast.Compare):
        for n, operator in enumerate(node.ops):
            if swap := SWAPS.get(type(operator)):
                yield "compared", {"ops": [*node.ops[:n], swap(), *node.ops[n + 1 :]]}
    elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign)) and (swap := SWAPS.get(type(node.op))):
        yield "joined", {"op": swap()}
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        yield "not", {"op": ast.UAdd(), "operand": ast.Call(ast.Name("bool", ast.Load()), [node.operand], [])}
    elif isinstance(node, ast.Constant) and isinstance(node.value, (bool, int)):
        yield "value", {"value": not node.value if isinstance(node.value, bool) else node.value + 1}
    elif isinstance(node, (ast.If, ast.IfExp)):
        yield "always", {"test": ast.Constant(value=True)}


def put_in(module: types.ModuleType, tree: ast.Module) -> None:
    """Give the functions that are in use already the code of this tree."""
    code = compile(ast.fix_missing_locations(tree), str(module.__file__), "exec")
    for part in _codes(code):
        if (function := _function(module, part.co_qualname.split("."))) is not None:
            function.__code__ = part


def make_again(module: types.ModuleType, tree: ast.Module) -> None:
    """Fill the tables of the module once more, which its functions made when it was imported."""
    for statement in tree.body:
        match statement:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Call() as call) if isinstance(vars(module)[name], dict):
                table = eval(compile(ast.Expression(call), str(module.__file__), "eval"), vars(module))
                vars(module)[name].clear()
                vars(module)[name].update(table)


def _codes(code: types.CodeType) -> Iterator[types.CodeType]:
    for part in code.co_consts:
        if isinstance(part, types.CodeType):
            yield part
            yield from _codes(part)


def _function(owner: object, path: list[str]) -> types.FunctionType | None:
    for name in path:
        owner = vars(owner).get(name) if hasattr(owner, "__dict__") else None
    owner = owner.fget if isinstance(owner, property) else getattr(owner, "__wrapped__", getattr(owner, "__func__", owner))
    return owner if isinstance(owner, types.FunctionType) else None


def survives(module: types.ModuleType, tree: ast.Module, tests: list[str]) -> bool:
    """Whether every test passes with it."""
    if (child := os.fork()) == 0:
        code = SURVIVED  # what cannot be put in is not held by a test
        try:
            put_in(module, tree)
            code = 1  # with a lie that cannot be imported nothing runs
            make_again(module, tree)
            signal.alarm(SECONDS)
            silence = os.open(os.devnull, os.O_WRONLY)
            os.dup2(silence, 1)
            os.dup2(silence, 2)
            code = tested(tests)
        finally:
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == SURVIVED


def main(names: list[str]) -> int:
    """Print each mutant that nobody noticed, and a line for each file."""
    for name in names or list(ROOMS):
        if tested(ROOMS[name]) != SURVIVED:
            return 1
        module = importlib.import_module(name)
        truth = ast.parse(Path(str(module.__file__)).read_text())
        if not survives(module, truth, ROOMS[name]):
            print(f"{name}: its tests fail without any lie, only because it is put in")
            return 1
        found = list(mutants(truth))
        alive = 0
        for line, lie, tree in found:
            if survives(module, tree, ROOMS[name]):
                alive += 1
                print(f"{module.__file__}:{line}: {lie}", flush=True)
        print(f"{name}: {len(found) - alive} of {len(found)} killed ({1 - alive / max(1, len(found)):.0%})", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
