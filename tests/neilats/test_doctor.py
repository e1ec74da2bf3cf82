"""`neilats doctor` where there is no cluster to ask; what it finds in one is in tests/neilats/doctor."""

import json

from tests.neilats.conftest import neilats, neilats_process


def kubeconfig(tmp_path, server):
    path = tmp_path / "kubeconfig"
    config = {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "c",
        "clusters": [{"name": "c", "cluster": {"server": server}}],
        "users": [{"name": "u", "user": {"token": "t"}}],
        "contexts": [{"name": "c", "context": {"cluster": "c", "user": "u"}}],
    }
    path.write_text(json.dumps(config))
    return str(path)


def test_a_dead_api_server_is_one_clear_line(tmp_path, unused_tcp_port):
    file = kubeconfig(tmp_path, f"http://127.0.0.1:{unused_tcp_port}")
    done = neilats_process("doctor", "--kubeconfig", file)
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.strip().splitlines()
    assert "cannot reach the API server: " in line
    assert f"127.0.0.1:{unused_tcp_port}" in line


def test_without_any_kubeconfig_it_says_how_to_name_one(tmp_path):
    done = neilats_process("doctor", env={"HOME": str(tmp_path), "KUBECONFIG": ""})
    assert done.returncode == 2
    assert f"{tmp_path}/.kube/config does not exist; name a file with --kubeconfig" in done.stderr


async def test_a_file_that_is_no_kubeconfig_is_named(tmp_path):
    (tmp_path / "k").write_text("nothing")
    result = await neilats("doctor", "--kubeconfig", str(tmp_path / "k"))
    assert result.exit_code == 2
    assert f"kubeconfig='{tmp_path}/k'" in result.output


async def test_a_file_that_does_not_exist_is_a_misuse(tmp_path):
    result = await neilats("doctor", "--kubeconfig", str(tmp_path / "k"))
    assert result.exit_code == 2
    assert "does not exist" in result.output
