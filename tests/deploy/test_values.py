"""Values: what is misspelt or cannot be is refused by name, and the table of them is up to date."""

import json
import sys
from typing import Any

import pytest
import yaml

from tests.deploy.chart import CHART, ROOT, Helm, run


@pytest.mark.parametrize(
    ("value", "said"),
    [
        ({"replica": 2}, "'replica'"),
        ({"scheduler__replica": 2}, "'replica'"),
        ({"tls__certManager__issuer": "x"}, "'issuer'"),
        ({"image__name": "x"}, "'name'"),
        ({"metrics__podMonitor__enable": True}, "'enable'"),
        ({"plugin__legacyHttp__nodeport": 1}, "'nodeport'"),
        ({"prober__mode": "icmp"}, "/prober/mode"),
        ({"mode": "both"}, "/mode"),
        ({"scheduler__name": "default-scheduler"}, "/scheduler/name"),
        ({"scheduler__verbs": ["bind"]}, "/scheduler/verbs"),
        ({"scheduler__httpTimeout": "1"}, "/scheduler/httpTimeout"),
        ({"prober__resources": {"limits": {"cpu": "1"}}}, "/prober/resources/limits"),
        ({"scheduler__resources": {"limit": {}}}, "/scheduler/resources"),
        ({"extender__resources": {"cpu": "1"}}, "/extender/resources"),
        ({"prober__resources": {"request": {}}}, "/prober/resources"),
        ({"intervalSeconds": "often"}, "/intervalSeconds"),
        ({"tls__type": "existingSecret"}, "/tls/existingSecret"),
        ({"tls__type": "existingSecret", "tls__existingSecret": "x", "split": True}, "/tls/existingClientSecret"),
        ({"models__source": "pvc"}, "/models/pvc/claimName"),
        ({"models__source": "image"}, "/models/image/reference"),
        ({"models__source": "configMap"}, "/models/configMap/name"),
    ],
    ids=lambda v: "+".join(v) if isinstance(v, dict) else "",
)
def test_a_wrong_value_is_refused_by_its_name(helm: Helm, value: dict[str, Any], said: str) -> None:
    assert said in helm.refusal(**value)


OPTIONAL = ("global", "requests", "limits", "claims")


def described(schema: Any, values: Any, path: str = "") -> list[str]:
    """What lacks: values that the schema does not describe, and described ones without a default."""
    known = schema.get("properties")
    if known is None or not isinstance(values, dict):
        return [] if schema.get("description") else [f"{path}: no description"]
    lost = [f"{path}.{k}: not in values.yaml" for k in known if k not in values and k not in OPTIONAL]
    strict = [] if schema.get("additionalProperties") is False else [f"{path}: not strict"]
    return lost + strict + [m for k, v in values.items() if k in known for m in described(known[k], v, f"{path}.{k}")]


def test_every_value_has_a_default_and_a_description() -> None:
    schema = json.loads((CHART / "values.schema.json").read_text())
    assert described(schema, yaml.safe_load((CHART / "values.yaml").read_text())) == []


def test_the_table_of_values_is_up_to_date() -> None:
    made = run(sys.executable, ROOT / "deploy" / "helm" / "values_table.py")
    assert (ROOT / "docs" / "values.md").read_text() == made, "run `make values`"


def test_the_charts_version_of_neilats_is_the_packages() -> None:
    from neilats import __version__

    assert yaml.safe_load((CHART / "Chart.yaml").read_text())["appVersion"] == __version__
