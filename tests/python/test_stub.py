"""The stub of the extension module says what pybind11-stubgen reads from it; types may be closer."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from golden import python
from medplib import _core

FROM_PYTHON = {"__repr__", "__str__"}  # every class has one
# As the generator writes types, and as we do.
SPELLINGS = {
    r"\bnumpy\.typing\.": "npt.",
    r"\bnumpy\.bool\b": "np.bool_",
    r"\bnumpy\.": "np.",
    r"\b(typing|collections\.abc|pathlib|os)\.": "",
    r"\bSupportsFloat \| SupportsIndex\b": "float",
    r"\bSupportsInt \| SupportsIndex\b": "int",
    r"\bPathLike \| str \| bytes\b": "str | PathLike[str]",  # bytes are taken, but nobody is told
    r"Annotated\[(list\[int\]), 'FixedSize\(4\)'\]": r"\1",
    r"Annotated\[npt\.ArrayLike, (np\.\w+)\]": r"npt.NDArray[\1]",
}
Types = dict[str, str | None]
# What a class or the module has: functions with the types of their parameters and result, attributes with theirs.
Members = dict[str, Types]


def type_of(node: ast.expr | None) -> str | None:
    if node is None:
        return None
    text = ast.unparse(node)
    for theirs, ours in SPELLINGS.items():
        text = re.sub(theirs, ours, text)
    return text


def function(node: ast.FunctionDef) -> Types:
    given = node.args
    defaults = [None] * (len(given.args) - len(given.defaults)) + [ast.unparse(each) for each in given.defaults]
    types = {
        each.arg if default is None else f"{each.arg}={default}": type_of(each.annotation)
        for each, default in zip(given.args, defaults, strict=True)
        if each.arg != "self"
    }
    if given.kwarg:
        types[f"**{given.kwarg.arg}"] = "Any"
    return types | {"return": type_of(node.returns)}


def members(body: list[ast.stmt]) -> Members:
    found: Members = {}
    for node in body:
        if isinstance(node, ast.AnnAssign):
            found[f"{ast.unparse(node.target)} (to be set)"] = {"return": type_of(node.annotation)}
        if not isinstance(node, ast.FunctionDef) or node.name in FROM_PYTHON:
            continue
        decorators = [ast.unparse(each) for each in node.decorator_list]
        if f"{node.name}.setter" in decorators:
            found[f"{node.name} (to be set)"] = found.pop(f"{node.name} (property)")
        else:
            kind = "".join(f" ({each.removesuffix('method')})" for each in decorators)
            found[node.name + kind] = function(node)
    if found.get("__init__") == {"return": "None"}:
        del found["__init__"]  # every class may have one
    return found


def stub(file: Path) -> dict[str, Members]:
    """The members of each class, and of the module under the name ""."""
    tree = ast.parse(file.read_text(encoding="utf-8"))
    body = [
        node for node in tree.body if not (isinstance(node, ast.AnnAssign) and ast.unparse(node.target) == "__all__")
    ]
    classes = {node.name: members(node.body) for node in body if isinstance(node, ast.ClassDef)}
    return {"": members(body)} | classes


def options(node: ast.expr) -> list[ast.expr]:
    """The types of a union, or the type."""
    if isinstance(node, ast.BinOp):
        return options(node.left) + options(node.right)
    return [node]


def refines(ours: ast.expr, theirs: ast.expr) -> bool:
    """Whether every value of our type is one of theirs, as far as types need it here."""
    if ast.unparse(theirs) in ("Any", ast.unparse(ours)):
        return True
    if isinstance(ours, ast.BinOp) or isinstance(theirs, ast.BinOp):
        return all(any(refines(one, other) for other in options(theirs)) for one in options(ours))
    if not isinstance(ours, ast.Subscript):
        return False
    if ast.unparse(ours.value) == "Literal":
        values = ours.slice.elts if isinstance(ours.slice, ast.Tuple) else [ours.slice]
        kinds = {type(each.value).__name__ for each in values if isinstance(each, ast.Constant)}
        return kinds == {ast.unparse(theirs)}
    if isinstance(theirs, ast.Name):
        return ast.unparse(ours.value) == theirs.id  # dict[str, Any], where the generator says dict
    return (
        isinstance(theirs, ast.Subscript)
        and ast.unparse(ours.value) == ast.unparse(theirs.value)
        and len(arguments(ours)) == len(arguments(theirs))
        and all(map(refines, arguments(ours), arguments(theirs)))
    )


def arguments(node: ast.Subscript) -> list[ast.expr]:
    return node.slice.elts if isinstance(node.slice, ast.Tuple) else [node.slice]


def says_the_same(ours: str | None, theirs: str | None) -> bool:
    if theirs is None or ours is None:
        return ours == theirs
    return refines(ast.parse(ours, mode="eval").body, ast.parse(theirs, mode="eval").body)


@pytest.fixture(scope="module")
def generated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Members]:
    folder = tmp_path_factory.mktemp("stub")
    python("-m", "pybind11_stubgen", "medplib._core", "-o", str(folder), "--exit-code")
    return stub(folder / "medplib/_core.pyi")


@pytest.fixture(scope="module")
def committed() -> dict[str, Members]:
    return stub(Path(_core.__file__).with_name("_core.pyi"))


def test_the_stub_has_the_classes_functions_and_attributes_of_the_module(
    committed: dict[str, Members], generated: dict[str, Members]
) -> None:
    assert len(generated) > 8
    assert {name: sorted(each) for name, each in committed.items()} == {
        name: sorted(each) for name, each in generated.items()
    }


def test_the_stub_has_the_parameters_and_types_of_the_module(
    committed: dict[str, Members], generated: dict[str, Members]
) -> None:
    compared = 0
    for name, theirs in generated.items():
        for member, types in theirs.items():
            ours = committed[name][member]
            assert list(ours) == list(types), f"{name}.{member}"
            for parameter, type_ in types.items():
                assert says_the_same(ours[parameter], type_), (
                    f"{name}.{member}, {parameter}: {ours[parameter]}, {type_}"
                )
                compared += 1
    assert compared > 100


@pytest.mark.parametrize(
    ("ours", "theirs", "same"),
    [
        ("int", "int", True),
        ("int", "float", False),
        ("dict[str, Any]", "dict", True),
        ("list[str]", "dict", False),
        ("list[str]", "list[int]", False),
        ("Literal['a', 'b']", "str", True),
        ("Literal['a', 1]", "str", False),
        ("float | None", "float | None", True),
        ("float | None", "float", False),
        ("Callable[[str], object] | None", "Any", True),
    ],
)
def test_a_type_may_be_closer_than_the_generated_one_but_not_another(ours: str, theirs: str, same: bool) -> None:
    assert says_the_same(ours, theirs) is same
