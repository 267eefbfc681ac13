"""The stub of the extension module says what the module itself says of its functions."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from medplib import _core

FROM_PYTHON = {"__init__", "__repr__", "__str__"}  # every class has one
Parameter = tuple[str, str | None]  # its name, and its default


def names_of(node: ast.Module | ast.ClassDef) -> set[str]:
    named = {each.name for each in node.body if isinstance(each, ast.ClassDef | ast.FunctionDef)}
    return named | {ast.unparse(each.target) for each in node.body if isinstance(each, ast.AnnAssign)}


def names_in(thing: object) -> set[str]:
    own = {name for name, value in vars(thing).items() if not name.startswith("_") or callable(value)}
    return {name for name in own if not name.startswith(("_pybind11_", "__pybind11_"))}


def parameters_of(function: ast.FunctionDef) -> list[Parameter]:
    given = function.args
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults)) + list(given.defaults)
    named = [
        (each.arg, None if default is None else ast.unparse(default))
        for each, default in zip(given.args, defaults, strict=True)
        if each.arg != "self"
    ]
    return named + ([("**kwargs", None)] if given.kwarg else [])


def signature_in(function: object) -> list[Parameter]:
    """From the line that pybind11 writes above a function's documentation."""
    line = (function.__doc__ or "").splitlines()[0]
    written = ast.parse(f"def {line}: ...").body[0]
    assert isinstance(written, ast.FunctionDef), line
    return parameters_of(written)


def stub() -> ast.Module:
    return ast.parse(Path(_core.__file__).with_name("_core.pyi").read_text())


def classes() -> Iterator[tuple[str, ast.ClassDef]]:
    yield from ((node.name, node) for node in stub().body if isinstance(node, ast.ClassDef))


def test_the_stub_names_what_the_extension_module_has() -> None:
    assert names_of(stub()) == {name for name in vars(_core) if not name.startswith("_")}
    for name, node in classes():
        assert names_of(node) - FROM_PYTHON == names_in(getattr(_core, name)) - FROM_PYTHON, name


def test_the_stub_has_the_parameters_of_the_extension_module() -> None:
    compared = 0
    for name, node in classes():
        for each in node.body:
            if not isinstance(each, ast.FunctionDef) or (each.name.startswith("__") and each.name != "__init__"):
                continue
            if any(ast.unparse(decorator) == "property" for decorator in each.decorator_list):
                assert isinstance(vars(getattr(_core, name))[each.name], property), f"{name}.{each.name}"
                continue
            assert parameters_of(each) == signature_in(getattr(getattr(_core, name), each.name)), f"{name}.{each.name}"
            compared += 1
    assert compared > 20
