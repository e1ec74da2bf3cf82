"""Which cluster the doctor asks."""

import os

from neilats.doctor.opening import choose_kubeconfig


def test_a_file_that_is_given_goes_first_then_the_service_account_then_kubeconfig_then_home(tmp_path):
    token, one, home = tmp_path / "token", tmp_path / "one", tmp_path / "home"
    missing = tmp_path / "missing"
    env = {"KUBECONFIG": os.pathsep.join((str(missing), str(one)))}
    one.touch()

    def chosen(given, env):
        return choose_kubeconfig(given, env, home, service_account=token)

    assert chosen("", {}) == str(home / ".kube" / "config")
    assert chosen("", env) == str(one)
    assert chosen("", {"KUBECONFIG": str(missing)}) == str(missing)
    assert chosen("file", env) == "file"
    token.touch()
    assert chosen("", env) == ""
    assert chosen("file", env) == "file"
