"""The frame: exit codes, one-line errors, global options, pipes, commands of plugins."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import version
from typing import TYPE_CHECKING

import click
import pytest

from anomalist.cli.main import COMMANDS, cli, run
from tests.helpers import anomalist, environment, install_plugin

if TYPE_CHECKING:
    from pathlib import Path

COMMAND_PLUGIN = """
from anomalist import hookimpl
from anomalist.detector import CommandSpec

@hookimpl
def anomalist_commands():
    return [CommandSpec(name="trial", summary="Try.", factory=__name__ + "_commands:trial")]
"""

COMMANDS_SOURCE = """
import time
import click
from anomalist.errors import DataError

@click.command()
@click.argument("how")
def trial(how):
    if how == "data":
        raise DataError("rows.csv: row 3: no number")
    if how == "bug":
        raise ValueError("two\\nlines")
    if how == "memory":
        raise MemoryError
    if how == "code":
        return 10
    if how == "wait":
        click.echo("waiting")
        time.sleep(60)
    if how == "flood":
        for _ in range(100_000):
            click.echo("x" * 100)
"""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with a plugin whose command ends in every possible way."""
    module = install_plugin(tmp_path, "acme-trial", COMMAND_PLUGIN)
    (tmp_path / f"{module}_commands.py").write_text(COMMANDS_SOURCE)
    return tmp_path


def trial(site: Path, *args: str) -> subprocess.CompletedProcess[str]:
    return anomalist(*args, folder=site, PYTHONPATH=str(site))


def test_version() -> None:
    done = anomalist("--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"anomalist {version('anomalist')}\n", "")


@pytest.mark.parametrize("args", [["--help"], ["-h"], []])
def test_help_lists_every_command(args: list[str]) -> None:
    done = anomalist(*args)
    assert (done.returncode, done.stderr) == (0, "")
    for name, lazy in COMMANDS.items():
        assert f"  {name} " in done.stdout
        assert lazy.summary.split()[0] in done.stdout


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_can_be_imported_and_has_help(name: str) -> None:
    context = click.Context(cli)
    command = cli.get_command(context, name)
    assert command is not None
    assert command.name == name
    assert command.help
    assert {"--store", "--config", "--quiet", "--debug"} <= {flag for param in command.params for flag in param.opts}
    subcommands = getattr(command, "commands", {})
    assert all(subcommand.help for subcommand in subcommands.values())


@pytest.mark.parametrize(
    ("args", "message"),
    [
        (["detectorz"], "there is no command 'detectorz' (did you mean 'detectors'?); see 'anomalist --help'"),
        (["config", "sow"], "there is no command 'sow' (did you mean 'show'?); see 'anomalist config --help'"),
        (["detectors", "--jsn"], "see 'anomalist detectors --help'"),
        (["--nothing"], "see 'anomalist --help'"),
        (["detectors", "no_such_detector_here"], "no detector is called 'no_such_detector_here'"),
        (["config", "show", "--config", "none.toml"], "flag --config: there is no file"),
        (["--config", "none.toml", "config", "show"], "flag --config: there is no file"),
    ],
)
def test_wrong_usage_is_one_line_and_exit_2(args: list[str], message: str, tmp_path: Path) -> None:
    done = anomalist("--quiet", *args, folder=tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
    assert message in done.stderr


def test_a_group_alone_prints_its_help() -> None:
    done = anomalist("plugins")
    assert done.returncode == 0
    assert "  list " in done.stdout


@pytest.mark.parametrize(
    ("how", "code", "message"),
    [
        ("nothing", 0, ""),
        ("code", 10, ""),
        ("data", 4, "error: rows.csv: row 3: no number\n"),
        (
            "bug",
            1,
            "error: command 'trial' of acme-trial: unexpected ValueError: two lines; "
            "run again with --debug for the traceback\n",
        ),
        ("memory", 1, "error: out of memory: use fewer rows, or --threads 1\n"),
    ],
)
def test_exit_codes_of_a_plugins_command(site: Path, how: str, code: int, message: str) -> None:
    done = trial(site, "--quiet", "trial", how)
    assert (done.returncode, done.stdout, done.stderr) == (code, "", message)


@pytest.mark.parametrize("args", [["--debug", "trial", "data"], ["trial", "data", "--debug"]])
def test_debug_shows_the_traceback(site: Path, args: list[str]) -> None:
    done = trial(site, *args)
    assert done.returncode == 4
    assert "Traceback" in done.stderr
    assert done.stderr.endswith("error: rows.csv: row 3: no number\n")


def test_a_mistyped_plugin_command_is_suggested(site: Path) -> None:
    assert "did you mean 'trial'?" in trial(site, "trail").stderr


def test_help_does_not_load_plugins(site: Path) -> None:
    install_plugin(site, "acme-loud", "raise RuntimeError('loaded')")
    assert trial(site, "--help").stderr == ""
    assert "RuntimeError: loaded" in trial(site, "detectors").stderr
    assert trial(site, "detectors", "--quiet").stderr == ""


def test_an_interrupt_is_exit_130(site: Path) -> None:
    command = [sys.executable, "-m", "anomalist", "trial", "wait"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(PYTHONPATH=str(site))
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "waiting\n"
        process.send_signal(signal.SIGINT)
        _, stderr = process.communicate(timeout=30)
    assert process.returncode == 130
    assert stderr.strip().endswith("error: interrupted")
    assert "Traceback" not in stderr


def test_a_reader_that_goes_away_ends_it_quietly(site: Path) -> None:
    command = [sys.executable, "-m", "anomalist", "--quiet", "trial", "flood"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment(PYTHONPATH=str(site))
    ) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        assert process.stdout.readline().startswith("xxx")
        process.stdout.close()
        stderr = process.stderr.read()
    assert (process.returncode, stderr) == (1, "")


def test_global_options_go_before_or_after_the_command(tmp_path: Path) -> None:
    before = anomalist("--store", "a.db", "config", "show", "--json", folder=tmp_path)
    after = anomalist("config", "show", "--json", "--store", "a.db", folder=tmp_path)
    assert before.stdout == after.stdout
    assert f"sqlite:///{tmp_path}/a.db" in after.stdout


def test_verbose_logs_to_stderr_and_quiet_does_not(tmp_path: Path) -> None:
    plain = anomalist("detectors", folder=tmp_path)
    assert anomalist("-vv", "detectors", folder=tmp_path).stdout == plain.stdout
    assert anomalist("detectors", "-q", folder=tmp_path).stderr == ""


def test_run_can_be_called_in_process(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["--version"]) == 0
    assert run(["detectors", "--bad"]) == 2
    captured = capsys.readouterr()
    assert captured.out.startswith("anomalist ")
    assert captured.err.startswith("error: ")


def test_help_is_cheap() -> None:
    used = []
    for _ in range(3):
        before = os.times()
        anomalist("--help")
        after = os.times()
        used.append(after.children_user + after.children_system - before.children_user - before.children_system)
    baseline = time.process_time()
    sum(i * i for i in range(1_000_000))
    unit = time.process_time() - baseline
    assert min(used) < 8 * unit, f"--help took {min(used):.3f} s of CPU; a million additions take {unit:.3f} s"
