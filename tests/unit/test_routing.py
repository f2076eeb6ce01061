"""Quick routes lead where werkzeug's do, or leave it to werkzeug."""

from itertools import product
from typing import Any

import pytest
from quart import Quart
from werkzeug.exceptions import HTTPException

from inkwell.routing import QuickRoutes

RULES = {
    "/": ["GET"],
    "/a": ["GET", "POST"],
    "/a/": ["PATCH"],
    "/a/b": ["GET"],
    "/a/<id>": ["GET", "DELETE"],
    "/a/<id>/b": ["GET"],
    "/<id>": ["DELETE"],
    "/<one>/<two>": ["PUT", "GET"],
    "/<one>/b/<two>": ["GET"],
    "/x/b/<two>": ["POST"],
}
PARTS = ["", "a", "b", "x", "ä", "a b", "%61", "<id>"]
PATHS = ["/" + "/".join(parts) for length in range(1, 4) for parts in product(PARTS, repeat=length)]
METHODS = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "BREW"]


def app_of(rules: dict[str, list[str]]) -> Quart:
    async def view(**_: Any) -> str:
        return ""

    app = Quart("toy", static_folder=None)
    app.url_map.merge_slashes = False
    for number, (rule, methods) in enumerate(rules.items()):
        app.add_url_rule(rule, f"view_{number}", view, methods=methods)
    return app


def test_what_is_found_is_what_werkzeug_finds() -> None:
    app, found = app_of(RULES), 0
    routes = QuickRoutes(app.url_map)
    for method, path in product(METHODS, PATHS):
        quick = routes.find(method, path)
        found += quick is not None
        if quick:
            adapter = app.url_map.bind("inkwell", path_info=path, default_method=method)
            try:
                assert quick == adapter.match(return_rule=True), (method, path)
            except HTTPException as error:
                raise AssertionError(f"{method} {path}: {error!r}") from error
    assert found > 50  # most paths here are of no rule, or of two variables


@pytest.mark.parametrize(("method", "path"), [("GET", "/a"), ("HEAD", "/a"), ("OPTIONS", "/a/1"), ("DELETE", "/a/b c")])
def test_plain_rules_are_found(method: str, path: str) -> None:
    assert QuickRoutes(app_of({"/a": ["GET"], "/a/<id>": ["DELETE"]}).url_map).find(method, path)


@pytest.mark.parametrize("rule", ["/a/<path:rest>", "/<int:number>", "/<string(length=2):word>"])
def test_a_map_with_converters_is_left_to_werkzeug(rule: str) -> None:
    assert QuickRoutes(app_of({"/a": ["GET"], rule: ["GET"]}).url_map).find("GET", "/a") is None


def test_two_rules_of_one_path_are_left_to_werkzeug() -> None:
    app = app_of({"/a": ["GET"], "/a/<id>": ["GET"]})
    app.add_url_rule("/a", "again", app.view_functions["view_0"])
    app.add_url_rule("/a/<name>", "too", app.view_functions["view_0"])
    routes = QuickRoutes(app.url_map)
    assert [routes.find("GET", path) for path in ("/a", "/a/1")] == [None, None]
