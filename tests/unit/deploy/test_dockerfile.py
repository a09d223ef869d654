"""What the image must be. hadolint judges its style in `make lint`; nothing here builds it."""

import fnmatch
import shlex
from pathlib import Path

from gaveld import __version__

ROOT = Path(__file__).parents[3]


def test_it_runs_as_a_numeric_user(dockerfile, manifests):
    """Kubernetes can see that the user is not root, and the manifests name the same one."""
    (user,) = dockerfile.of("USER")
    number, group = (int(part) for part in user.split(":"))
    assert number > 0
    pod = manifests.pod["spec"]["securityContext"]
    assert (pod["runAsUser"], pod["runAsGroup"], pod["fsGroup"]) == (number, group, group)


def test_it_installs_by_hash(dockerfile):
    """Third-party code comes from a lock, hash by hash; ours is added without dependencies."""
    runs = [shlex.split(rest) for word, rest in dockerfile.all if word == "RUN"]
    installs = [run for run in runs if "install" in run and run[0] == "pip"]
    locked = [run for run in installs if "--require-hashes" in run]
    own = [run for run in installs if "--no-deps" in run]
    assert [run[run.index("-r") + 1] for run in locked] == [
        "requirements/${LOCK}.lock",
        "requirements/models.lock",
    ]
    assert [rest for word, rest in dockerfile.all if rest.startswith("LOCK=")] == ["LOCK=server"]
    assert [run[-2:] for run in own] == [["./gen", "."]]
    assert len(installs) == len(locked) + len(own)


def test_it_holds_the_models_and_nothing_that_got_them(dockerfile):
    """The server finds what the first stage installed, in a folder that it can't write to."""
    folder = dockerfile.environment["GAVEL_MODELS__FOLDER"]
    (install,) = [rest for word, rest in dockerfile.all if rest.endswith("gavel models install")]
    assert f"GAVEL_MODELS__FOLDER={folder} " in install
    copied = {rest.split()[1] for word, rest in dockerfile.all if rest.startswith("--from=build")}
    assert copied == {"/opt/gavel", folder}


def test_both_stages_have_one_pinned_base(dockerfile):
    """One argument names the base of both stages, by a version and never by `latest`."""
    arguments = dict(rest.split("=", 1) for word, rest in dockerfile.all if word == "ARG")
    assert arguments["PYTHON_IMAGE"] == "python:3.11-slim-bookworm"
    assert arguments["VERSION"] == __version__
    bases = [rest.split()[0] for word, rest in dockerfile.all if word == "FROM"]
    assert bases == ["${PYTHON_IMAGE}"] * 2


def test_only_the_data_folder_is_written(dockerfile, manifests):
    """The database is on the one volume, which the manifests mount too."""
    (volume,) = dockerfile.of("VOLUME")
    database = dockerfile.environment["GAVEL_STORAGE__URL"].partition("///")[2]
    assert Path(database).is_relative_to(volume)
    writable = [
        mount["mountPath"]
        for mount in manifests.container["volumeMounts"]
        if not mount.get("readOnly", False)
    ]
    assert sorted(writable) == ["/tmp", volume]


def test_it_asks_for_keys(dockerfile):
    """An image that listens on every address never starts without authentication."""
    assert dockerfile.environment["GAVEL_GRPC__HOST"] == "0.0.0.0"
    assert dockerfile.environment["GAVEL_AUTH__ENABLED"] == "true"
    assert dockerfile.of("HEALTHCHECK")[0].endswith('CMD ["gavel", "health"]')
    assert dockerfile.of("ENTRYPOINT") == ['["gavel"]']


def test_the_builder_sees_all_that_is_copied(dockerfile):
    """Every path that a COPY names exists and is let through by `.dockerignore`."""
    ignore = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    rules = [line for line in ignore if line and not line.startswith("#")]
    assert rules[0] == "*", "nothing but what is named"
    allowed = [rule.removeprefix("!") for rule in rules if rule.startswith("!")]
    copies = [rest.split() for word, rest in dockerfile.all if word == "COPY"]
    sources = [
        source for copy in copies if not copy[0].startswith("--from") for source in copy[:-1]
    ]
    assert sources
    for source in sources:
        assert (ROOT / source).exists(), source
        assert any(fnmatch.fnmatch(source, rule) for rule in allowed), source
    assert sorted(allowed) == sorted(sources), "nothing is let through that is not copied"
