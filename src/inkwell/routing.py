"""Which rule a path follows, in two looks where werkzeug goes through the path's parts with a regular expression."""

import re
from collections import defaultdict
from typing import Any

from quart.routing import QuartRule
from werkzeug.routing import Map, Rule

Found = tuple[QuartRule, dict[str, Any]]

ONE_AT_THE_END = re.compile(r"(/[^<>]*)<(\w+)>")
SEVERAL = re.compile(r"[^<>]*(<\w+>[^<>]*)*")  # without converters, of which a path's would match more than one part


class QuickRoutes:
    """Rules without variables, or with one that is the whole last part; for other paths, werkzeug is to be asked."""

    def __init__(self, rules: Map) -> None:
        self._fixed: defaultdict[str, dict[str, QuartRule | None]] = defaultdict(dict)
        self._open: defaultdict[str, dict[str, tuple[QuartRule, str] | None]] = defaultdict(dict)
        if all(_is_plain(rule) for rule in rules.iter_rules()):
            for rule in rules.iter_rules():
                self._add(rule)

    def find(self, method: str, path: str) -> Found | None:
        """What werkzeug would find; None where it has to be asked."""
        if path in self._fixed:
            rule = self._fixed[path].get(method)
            return (rule, {}) if rule else None
        start, slash, last = path.rpartition("/")
        found = self._open.get(start + slash, {}).get(method)
        return (found[0], {found[1]: last}) if found and last else None

    def _add(self, rule: Any) -> None:
        is_open = ONE_AT_THE_END.fullmatch(rule.rule)
        for method in rule.methods:
            if is_open:
                self._open[is_open[1]][method] = None if method in self._open[is_open[1]] else (rule, is_open[2])
            elif not rule.arguments:
                self._fixed[rule.rule][method] = None if method in self._fixed[rule.rule] else rule


def _is_plain(rule: Rule) -> bool:
    special = rule.websocket or rule.redirect_to or rule.alias or rule.defaults or rule.subdomain or rule.host
    return not (special or rule.build_only) and bool(rule.methods and SEVERAL.fullmatch(rule.rule))
