"""The table of permissions, in columns that are in line, and in Markdown."""

from domain.permissions import ANYONE, Permission

HEAD = ("permission", "who may", "what", "others are told")


def permissions_table() -> str:
    rows = [HEAD, *map(_row, Permission)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    rows.insert(1, tuple("-" * width for width in widths))
    lines = [" | ".join(map(str.ljust, row, widths)) for row in rows]
    return "".join(f"| {line} |\n" for line in lines)


def _row(permission: Permission) -> tuple[str, ...]:
    told = "" if ANYONE in permission.who else f"`{permission.refusal.code}`"
    return f"`{permission.name}`", ", ".join(sorted(permission.who, reverse=True)), permission.what, told
