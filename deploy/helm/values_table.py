"""Write docs/values.md: what the chart's values.schema.json and values.yaml say, as tables.

python deploy/helm/values_table.py > docs/values.md
"""

import json
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import yaml

__all__ = ["document"]

CHART: Final = Path(__file__).parent / "neilats"
HEAD: Final = """\
# Values of the chart

Made by `make values` from the schema and the `values.yaml` in `deploy/helm/neilats/`. A misspelt value is refused by
its name. Tested combinations are in `deploy/helm/neilats/ci/`.
"""

Json = Mapping[str, Any]


def document(schema: Json, values: Json) -> str:
    """The page: a table of the plain values, then one for each group."""
    groups = {k: s for k, s in schema["properties"].items() if "properties" in s}
    plain = {k: s for k, s in schema["properties"].items() if k not in groups and k in values}
    parts = [HEAD, _table(row for k, s in plain.items() for row in _rows(s, values[k], k))]
    for name, group in groups.items():
        parts += [f"## {name}\n", f"{group['description']}\n", _table(_rows(group, values[name], name))]
    return "\n".join(parts)


def _table(rows: Iterator[tuple[str, str, str]]) -> str:
    lines = [f"| `{name}` | {default} | {meaning} |" for name, default, meaning in rows]
    return "\n".join(["| value | default | meaning |", "|---|---|---|", *lines, ""])


def _rows(schema: Json, value: Any, name: str) -> Iterator[tuple[str, str, str]]:
    """(name, default, meaning) of each value below; of maps whose keys are anybody's, of the map."""
    if schema.get("additionalProperties") is False and schema["properties"].keys() <= value.keys():
        for key, inner in schema["properties"].items():
            yield from _rows(inner, value[key], f"{name}.{key}")
    else:
        yield name, _code(value), _meaning(schema).replace("|", "\\|")


def _code(value: Any) -> str:
    return f"`{json.dumps(value)}`" if value not in ("", None) else ""


def _meaning(schema: Json) -> str:
    """The description, and what may be chosen where that does not say it itself."""
    told, choices = schema["description"], schema.get("enum", ())
    names = [c if isinstance(c, str) else json.dumps(c) for c in choices]
    if all(f"`{n}`" in told for n in names):
        return str(told)
    return f"{told} One of {', '.join(f'`{n}`' for n in names)}."


def main() -> None:
    """Print the page."""
    schema = json.loads((CHART / "values.schema.json").read_text(encoding="utf-8"))
    sys.stdout.write(document(schema, yaml.safe_load((CHART / "values.yaml").read_text(encoding="utf-8"))))


if __name__ == "__main__":
    main()
