"""Turns the contract in `protos/` into what others use: the distribution in `gen/`, and images.

It answers for generation, drift, lint, formatting and breaking changes, with the tools installed
beside the interpreter that runs it. It refuses to fetch anything: the protos that the contract
imports come out of installed packages, never off the network and never out of this repository.

Where the imports come from:

- `google/api`, `google/rpc`: sources that googleapis-common-protos ships;
- `google/longrunning/operations.proto`: the same package, which ships it under another file name;
- `google/protobuf`: sources that grpcio-tools ships;
- `buf/validate/validate.proto`: the descriptor inside protovalidate (no package ships its source).
"""

from __future__ import annotations

import argparse
import filecmp
import importlib.util
import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

PROTOS = Path(__file__).resolve().parent
ROOT = PROTOS.parent
GEN = ROOT / "gen"
BUILD = ROOT / "build"
HAND_WRITTEN = PROTOS / "python"
TEMPLATE = ".in"
VALIDATE = "buf/validate/validate.proto"
# Envoy and other gateways render error details only from an image that holds these.
ERROR_PROTOS = (
    "google/rpc/code.proto",
    "google/rpc/error_details.proto",
    "google/rpc/status.proto",
)
PUBLISHED_IMAGE = "gavel/contract.binpb"
ENVOY_IMAGE = ROOT / "k8s" / "components" / "envoy" / "contract.binpb"


class GenerationError(Exception):
    """A tool failed or is missing; the message says which and what it printed."""


def tool(name: str) -> str:
    """Path of an installed tool, looked for beside this interpreter before PATH."""
    beside = Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if found is None:
        raise GenerationError(f"{name} is not installed beside {sys.executable}, nor on PATH")
    return found


def run(command: Sequence[str], *, cwd: Path = ROOT) -> None:
    """Run a tool; its output goes through, its failure raises GenerationError."""
    done = subprocess.run(command, cwd=cwd, check=False)
    if done.returncode != 0:
        raise GenerationError(f"{Path(command[0]).name} failed with exit status {done.returncode}")


def package_dir(module: str) -> Path:
    """Folder of an installed package, found without running it."""
    spec = importlib.util.find_spec(module)
    if spec is None or not spec.submodule_search_locations:
        raise GenerationError(f"the Python package {module} is not installed")
    return Path(next(iter(spec.submodule_search_locations)))


def contract_files(protos: Path = PROTOS) -> list[str]:
    """The contract's files, relative to `protos`, in a fixed order."""
    return sorted(path.relative_to(protos).as_posix() for path in protos.glob("gavel/**/*.proto"))


def third_party(work: Path) -> tuple[list[str], str]:
    """Import paths and the descriptor set, under `work`, that hold what the contract imports."""
    googleapis = package_dir("google.api").parent.parent
    well_known = package_dir("grpc_tools") / "_proto"
    renamed = work / "include" / "google" / "longrunning" / "operations.proto"
    renamed.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(googleapis / "google/longrunning/operations_proto.proto", renamed)
    validate = work / "validate.binpb"
    validate.write_bytes(validate_descriptor_set())
    return [str(work / "include"), str(googleapis), str(well_known)], str(validate)


def validate_descriptor_set() -> bytes:
    """A FileDescriptorSet that holds buf/validate/validate.proto alone."""
    from google.protobuf import descriptor_pb2
    from protovalidate._gen.buf.validate import validate_pb

    files = descriptor_pb2.FileDescriptorSet()
    files.file.add().ParseFromString(validate_pb.Rule.desc().file.proto.to_binary())
    if files.file[0].name != VALIDATE:
        raise GenerationError(f"protovalidate holds {files.file[0].name}, not {VALIDATE}")
    # It names a registry's host, which no file here does, and says nothing to Python.
    files.file[0].options.ClearField("go_package")
    return bytes(files.SerializeToString(deterministic=True))


def protoc(arguments: Sequence[str], files: Sequence[str], *, protos: Path, work: Path) -> None:
    """Run grpcio-tools' protoc over `files` of the contract in `protos`."""
    include, validate = third_party(work)
    command = [sys.executable, "-m", "grpc_tools.protoc", f"--descriptor_set_in={validate}"]
    command += [f"--proto_path={path}" for path in [str(protos), *include]]
    run([*command, *arguments, *files])


def write_python(out: Path, *, work: Path) -> None:
    """Write the whole distribution into the empty folder `out`."""
    files = contract_files()
    plugins = [
        f"--plugin=protoc-gen-{name}={tool('protoc-gen-' + name)}" for name in ("mypy", "mypy_grpc")
    ]
    messages = [f"--python_out={out}", f"--mypy_out=quiet:{out}", plugins[0]]
    services = [f"--grpc_python_out={out}", f"--mypy_grpc_out=quiet:{out}", plugins[1]]
    with_service = [
        name
        for name in files
        if re.search(r"^service ", (PROTOS / name).read_text(encoding="utf-8"), re.MULTILINE)
    ]
    protoc(messages, [*files, VALIDATE], protos=PROTOS, work=work)
    protoc(services, with_service, protos=PROTOS, work=work)
    for source in sorted(HAND_WRITTEN.rglob("*")):
        target = out / source.relative_to(HAND_WRITTEN)
        if target.suffix == TEMPLATE:
            target = target.with_suffix("")
        if source.is_file() and "__pycache__" not in source.parts:
            target.parent.mkdir(parents=True, exist_ok=True)
            text = fill_in(source.read_text(encoding="utf-8"), out)
            target.write_text(text, encoding="utf-8")
    write_image(out / PUBLISHED_IMAGE)


def fill_in(text: str, out: Path) -> str:
    """Replace @PROTOBUF_VERSION@ and @GRPC_VERSION@ by the oldest versions the code runs on."""
    if "@PROTOBUF_VERSION@" in text:
        code = (out / "gavel/v1/error_reason_pb2.py").read_text(encoding="utf-8")
        text = text.replace("@PROTOBUF_VERSION@", search(r"# Protobuf Python Version: (\S+)", code))
    if "@GRPC_VERSION@" in text:
        code = (out / "gavel/v1/moderation_service_pb2_grpc.py").read_text(encoding="utf-8")
        text = text.replace("@GRPC_VERSION@", search(r"GRPC_GENERATED_VERSION = '(\S+)'", code))
    return text


def search(pattern: str, text: str) -> str:
    """The first group of the first match, which must exist."""
    match = re.search(pattern, text)
    if match is None:
        raise GenerationError(f"generated code no longer shows {pattern!r}")
    return match.group(1)


def write_image(out: Path, *, protos: Path = PROTOS) -> None:
    """Write the contract as one FileDescriptorSet with comments, imports and the error protos."""
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as work:
        arguments = [f"--descriptor_set_out={out}", "--include_imports", "--include_source_info"]
        files = [*contract_files(protos), *ERROR_PROTOS]
        protoc(arguments, files, protos=protos, work=Path(work))


def for_envoy(image: bytes) -> bytes:
    """The descriptor set that Envoy can load: without comments, and without `response_body`.

    Envoy refuses a whole set for one route that answers with a field of its response message.
    """
    from google.api import annotations_pb2
    from google.protobuf import descriptor_pb2

    http: Any = annotations_pb2.http  # the stubs know no extensions
    files = descriptor_pb2.FileDescriptorSet.FromString(image)
    for file in files.file:
        file.ClearField("source_code_info")
        for method in (entry for service in file.service for entry in service.method):
            if method.options.HasExtension(http):
                rule = method.options.Extensions[http]
                for entry in (rule, *rule.additional_bindings):
                    entry.ClearField("response_body")
    return bytes(files.SerializeToString(deterministic=True))


def generate() -> None:
    """Bring `gen/` to what the contract says now, touching only the files that change."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "gen"
        out.mkdir()
        write_python(out, work=Path(scratch) / "work")
        fresh = listing(out)
        for name in sorted(listing(GEN) - fresh):
            (GEN / name).unlink()
        for name in sorted(fresh):
            if not same(out / name, GEN / name):
                (GEN / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(out / name, GEN / name)
    ENVOY_IMAGE.write_bytes(for_envoy((GEN / PUBLISHED_IMAGE).read_bytes()))


def check() -> None:
    """Fail, naming the files, when `gen/` is not what the contract generates."""
    with tempfile.TemporaryDirectory() as scratch:
        out = Path(scratch) / "gen"
        out.mkdir()
        write_python(out, work=Path(scratch) / "work")
        fresh, committed = listing(out), listing(GEN)
        drift = [f"missing: {name}" for name in sorted(fresh - committed)]
        drift += [f"not generated: {name}" for name in sorted(committed - fresh)]
        drift += [
            f"differs: {name}"
            for name in sorted(fresh & committed)
            if not same(out / name, GEN / name)
        ]
    if ENVOY_IMAGE.read_bytes() != for_envoy((GEN / PUBLISHED_IMAGE).read_bytes()):
        drift.append(f"differs: {ENVOY_IMAGE.relative_to(ROOT)}")
    if drift:
        raise GenerationError("gen/ is stale; run `generate`\n  " + "\n  ".join(drift))
    print("gen/ matches the contract")


def same(one: Path, other: Path) -> bool:
    """Whether both files exist and hold the same bytes."""
    return other.exists() and filecmp.cmp(one, other, shallow=False)


def listing(folder: Path) -> set[str]:
    """Files under `folder`, relative, without what running or installing them leaves behind."""
    left_behind = re.compile(r"(^|/)(__pycache__|[^/]*\.egg-info|\.mypy_cache|build|dist)(/|$)")
    names = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    return {name for name in names if not left_behind.search(name)}


def lint() -> None:
    """Hold the contract to buf's STANDARD and COMMENTS rules."""
    image = BUILD / "gavel.binpb"
    write_image(image)
    run([tool("buf"), "lint", str(image), "--config", str(PROTOS / "buf.yaml")])


def format_files(*, only_check: bool) -> None:
    """Rewrite the contract in buf's format, or fail with a diff where it differs."""
    run([tool("buf"), "format", str(PROTOS), *(["-d", "--exit-code"] if only_check else ["-w"])])


def git(*arguments: str) -> bytes | None:
    """Output of a git command in this repository, or None when it fails."""
    done = subprocess.run(["git", *arguments], cwd=ROOT, capture_output=True, check=False)
    return done.stdout if done.returncode == 0 else None


def baseline() -> str:
    """The commit that this branch left main at; HEAD where there is no main."""
    for main in ("main", "origin/main"):
        commit = git("merge-base", "HEAD", main)
        if commit:
            return commit.decode().strip()
    return "HEAD"


def breaking(against: str | None) -> None:
    """Fail when the contract breaks callers of the contract at the git revision `against`."""
    reference = against or baseline()
    if git("rev-parse", "--verify", "--quiet", f"{reference}^{{commit}}") is None:
        raise GenerationError(f"{reference} is not a revision of this repository")
    archive = git("archive", "--format=tar", reference, "protos/gavel")
    if archive is None:
        print(f"no contract at {reference}: nothing to break")
        return
    image, earlier = BUILD / "gavel.binpb", BUILD / "gavel-earlier.binpb"
    write_image(image)
    with tempfile.TemporaryDirectory() as scratch:
        with tarfile.open(fileobj=io.BytesIO(archive)) as tar:
            tar.extractall(scratch, filter="data")
        write_image(earlier, protos=Path(scratch) / "protos")
    config = str(PROTOS / "buf.yaml")
    configs = ["--config", config, "--against-config", config]
    run([tool("buf"), "breaking", str(image), "--against", str(earlier), *configs])
    print(f"nothing breaks against {reference}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one subcommand; the exit status is 0 when it holds and 1 when it does not."""
    parser = argparse.ArgumentParser(description="Generate and check Gavel's contract.")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("generate", help="write gen/ anew")
    commands.add_parser("check", help="fail when gen/ is not what the contract generates")
    commands.add_parser("lint", help="buf lint: STANDARD and COMMENTS")
    formatting = commands.add_parser("format", help="buf format, in place")
    formatting.add_argument("--check", action="store_true", help="change nothing, fail on a diff")
    compatible = commands.add_parser("breaking", help="buf breaking: WIRE_JSON")
    compatible.add_argument("--against", metavar="REF", help="default: where HEAD left main")
    image = commands.add_parser("image", help="write the descriptor set")
    image.add_argument("--out", type=Path, default=BUILD / "gavel.binpb")
    chosen = parser.parse_args(arguments)
    BUILD.mkdir(exist_ok=True)
    try:
        match chosen.command:
            case "generate":
                generate()
            case "check":
                check()
            case "lint":
                lint()
            case "format":
                format_files(only_check=chosen.check)
            case "breaking":
                breaking(chosen.against)
            case "image":
                write_image(chosen.out.resolve())
    except GenerationError as error:
        print(f"{parser.prog} {chosen.command}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    os.environ.setdefault("PYTHONHASHSEED", "0")
    sys.exit(main())
