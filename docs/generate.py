"""Write the reference pages from the code: `python docs/generate.py`; `--check` only says whether they are up to date."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from anomalist.cli.app import global_options
from anomalist.cli.main import cli
from anomalist.config import SETTINGS
from anomalist.engine.models.stackers import BUILT_IN, build_stacker
from anomalist.plugins.parameters import describe_parameters
from anomalist.plugins.registry import Registry
from anomalist.store.tables import TOP_SCORES, metadata
from anomalist_plugins.pyod.catalogue import ENTRIES
from anomalist_plugins.pyod.expected import EXPECTED
from anomalist_plugins.pyod.left_out import LEFT_OUT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Column

    from anomalist.plugins.parameters import Parameter

TABLES = {
    "dataset": "The rows that runs worked on, known by the fingerprint of their content.",
    "model": "Fitted models, immutable; `hash` names the folder of files.",
    "model_alias": "Names such as `champion` that point at one version of a model.",
    "promotion": "Which version became the champion of its name, what it replaced and how; append-only, walked back by a rollback.",
    "run": "One execution: fit, score, evaluate or retrain. A run that is `running` with a lease that ran out has crashed.",
    "run_member": "How each detector of a run fared; `position` is its place in the panel.",
    "score": "One row for each scored row: its score in bits, its level, the probability that verdicts give it, whether it is flagged, its rank.",
    "score_block": "The surprises of one detector, in blocks of rows.",
    "record": "What is kept of flagged and top rows: their values, their reasons, what each detector said, what verdicts moved.",
    "feedback": "Verdicts of analysts on rows, append-only; a later one supersedes an earlier one, one without a verdict takes it back.",
    "threshold": "The threshold in force in a run.",
}
DOCS = Path(__file__).parent
NOTICE = "<!-- Written by docs/generate.py; do not edit. -->"


def commands() -> Iterator[str]:
    """The command reference."""
    yield f"{NOTICE}\n\n# Commands\n"
    yield "Results go to stdout, everything else to stderr. Exit codes: 0 done; 1 the run failed; 2 usage or configuration;"
    yield "3 the store needs a migration; 4 the data is invalid or does not match the model; 10 an anomaly or drift was"
    yield "found and `--fail-on-anomaly` or `--fail-on-drift` was given; 130 interrupted.\n"
    yield "These options go before the command or after it:\n"
    yield from _options(global_options())
    context = click.Context(cli, info_name="anomalist")
    for name in cli.list_commands(context):
        command = cli.get_command(context, name)
        assert command is not None
        yield from _command(click.Context(command, info_name=name, parent=context))


def _command(context: click.Context) -> Iterator[str]:
    command = context.command
    usage = " ".join(command.collect_usage_pieces(context))
    yield f"\n## {context.command_path}\n\n```\n{context.command_path} {usage}\n```\n"
    yield _paragraphs(command.help or "")
    own = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    if own:
        yield ""
        yield from _options(own)
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            found = command.get_command(context, name)
            assert found is not None
            yield from _command(click.Context(found, info_name=name, parent=context))


def _options(options: Iterable[click.Option]) -> Iterator[str]:
    yield "| option | meaning |\n|---|---|"
    for option in options:
        flags = ", ".join((*option.opts, *option.secondary_opts))
        value = "" if option.is_flag or option.count else f" {option.metavar or option.type.name.upper()}"
        default = f" Default: {option.default}." if option.show_default else ""
        required = " Required." if option.required else ""
        yield f"| `{_cell(flags + value)}` | {_cell(option.help or '')}{default}{required} |"


def configuration() -> Iterator[str]:
    """The settings."""
    yield f"{NOTICE}\n\n# Configuration\n"
    yield "A setting is looked for in this order: the option of a command, the environment, the file `anomalist.toml` in the"
    yield "working directory or the nearest folder above it, the default. `anomalist config show` prints each with its origin.\n"
    yield "| in `anomalist.toml` | in the environment | what it is | values | default |\n|---|---|---|---|---|"
    for name, setting in SETTINGS.items():
        default = (
            "depends on the system"
            if setting.default is None
            else f"`{setting.default}`"
            if setting.default != ""
            else "none"
        )
        yield f"| `{name}` | `ANOMALIST_{name.upper()}` | {_cell(setting.help)} | {_cell(setting.expected)} | {default} |"
    yield "\n`ANOMALIST_CONFIG` names another file than the one that would be found. Relative paths in a file start at its folder.\n"
    yield '```toml\n# anomalist.toml\nstore = "postgresql://ann@db.example/anomalies"\nbudget = "0.5%"\nthreads = 4\n```'


def schema() -> Iterator[str]:
    """The tables of the store."""
    yield f"{NOTICE}\n\n# Store schema\n"
    yield "A store is a SQLite file, or a PostgreSQL database. It can be read with any SQL client; write to it through"
    yield "anomalist only. `anomalist db check` compares its schema with the installed version, `anomalist db upgrade` migrates it.\n"
    yield "Member scores are kept in blocks: one row of `score_block` holds the surprises, in bits, of one detector for up to 65,536"
    yield "consecutive rows, as little-endian float32. Row `r` of a run is at byte `4 * (r % 65536)` of block `r / 65536`.\n"
    for table in metadata.sorted_tables:
        yield f"\n## {table.name}\n"
        yield f"{TABLES[table.name]}\n"
        yield "| column | type | |\n|---|---|---|"
        for column in table.columns:
            yield f"| `{column.name}` | {column.type} | {_about(column)} |"
    yield "\n## top_scores\n"
    yield "A view for analysts: the flagged rows and the top rows of every run that is stored, with what each detector said.\n"
    yield f"```sql\n{TOP_SCORES};\n```\n"
    yield "```sql\nSELECT rank, key, score, members FROM top_scores WHERE run = 'k7m2p4' ORDER BY rank LIMIT 20;\n```"


def _about(column: Column[object]) -> str:
    facts = []
    if column.primary_key:
        facts.append("primary key")
    facts += [
        f"references {key.target_fullname}" for key in sorted(column.foreign_keys, key=lambda key: key.target_fullname)
    ]
    if column.nullable:
        facts.append("may be NULL")
    return ", ".join([*facts, *([column.comment] if column.comment else [])])


def detectors() -> Iterator[str]:
    """The bundled detectors and their parameters."""
    registry = Registry.load()
    yield f"{NOTICE}\n\n# Detectors\n"
    yield "Set a parameter after the name: `anomalist run DATA --detector knn:neighbours=20 --detector autoencoder:epochs=50`."
    for spec in registry.specs():
        if registry.package(spec.name) != "anomalist" or spec.name.startswith("pyod:"):
            continue
        panels = ", ".join(sorted(spec.panels)) or "none"
        yield f"\n## {spec.name}\n\n{spec.summary} Family: {spec.family}. Panels: {panels}.\n"
        yield from _parameters(registry.parameters(spec.name))


def stackers() -> Iterator[str]:
    """The stackers that anomalist brings and their parameters."""
    registry = Registry.load()
    yield f"{NOTICE}\n\n# Stackers\n"
    yield "A stacker learns from verdicts: `anomalist retrain MODEL --stacker gp:local=4,length=1`, and `anomalist review` takes"
    yield "the same option. How they work and which to take: [learning](learning.md)."
    for spec in BUILT_IN.values():
        yield f"\n## {spec.name}\n\n{spec.summary}\n"
        found = describe_parameters(spec.name, type(build_stacker(registry, spec.name, {})))
        yield from _parameters(found) if found else ["It has no parameters."]


def pyod() -> Iterator[str]:
    """The detectors of PyOD: which are bridged, what they do not keep, and which are left out."""
    found = json.loads((DOCS / "pyod.json").read_text(encoding="utf-8"))
    results = found["detectors"]
    declared = {name: EXPECTED[name] for name in ENTRIES if name in EXPECTED}
    yield f"{NOTICE}\n\n# Detectors of PyOD\n"
    yield "Every detector of [PyOD](https://pyod.readthedocs.io) 3 that can work on rows, or on windows of a series, is there as `pyod:NAME`, with"
    yield "the parameters of its class: `anomalist run DATA --detector pyod:ECOD --detector pyod:KNN:n_neighbors=10`. `anomalist detectors pyod:KNN` shows"
    yield "them with PyOD's help. All but ECOD and COPOD need `pip install 'anomalist[pyod]'`. They are in no panel.\n"
    yield f"| | detectors |\n|---|---|\n| bridged | {len(ENTRIES)} |"
    yield f"| keep every promise of the conformance kit that applies to them | {len(ENTRIES) - len(declared)} |"
    yield f"| keep all but those declared below | {len(declared)} |"
    yield f"| save their state with a pickle | 0 |\n| left out | {len(LEFT_OUT)} |\n"
    yield f"Checked with PyOD {found['pyod']}, on the CPU, by `python -m tests.benchmarks.pyod_conformance`. What else PyOD asks for (suod,"
    yield "xgboost, transformers, torch_geometric and the like) only detectors need that are left out.\n"
    yield "\n## What the bridge does\n"
    yield "- A row's score depends on that row alone. PyOD's ECOD and COPOD put new rows among the training rows; here their tails are"
    yield "  those of the training rows. CD, COF, LMDD, LOCI, SOD and SOS score rows against each other only: each row is scored beside"
    yield "  the same `reference` training rows; LOCI tells nothing by fewer than 20 of them. DIF and ROD scale by the rows fitted on, not"
    yield "  by those that are scored. ALAD and VAE, which draw random numbers when they score, do not. AnoGAN compares with the one likeness that it ends up with, as in PyOD."
    yield "- AnomalyTransformer, KShape, LSTMAD, SAND, SpectralResidual and TimeSeriesOD, which take one unbroken series in PyOD, get the"
    yield "  windows that the run has cut (`--time`), for each entity and around gaps, and give each a score; a row gets the mean over the"
    yield "  windows that cover it. LSTMAD forecasts the second half of each window, each step from half a window before it, and learns"
    yield "  from each step once; SpectralResidual scores a window by its most salient step; KShape, SAND and SpectralResidual scale several"
    yield "  columns by the scores of the training windows; TimeSeriesOD takes those detectors of rows that score each row by itself."
    yield "- PyOD seeds and draws from the global generators, prints, and sets warnings. Its modules are read a second time, into a room"
    yield "  of their own, where they draw from a generator started by `seed`: the same seed gives the same numbers, whatever runs beside,"
    yield "  and, where nothing above differs, the ones that PyOD gives with that seed. Importing it this way takes a fraction of the time."
    yield "- Rows go in as float64. A score that PyOD cannot compute counts as the median score of the training rows, an infinite one as"
    yield "  the highest or lowest among them."
    yield "- `contamination`, `n_jobs`, `verbose` and parameters that are objects or functions are left out; `random_state` is `seed`. A"
    yield "  parameter that too few rows do not allow is lowered, and the run says so. KPCA keeps 5 components where PyOD keeps all, which"
    yield "  leaves nothing but rounding. MAD, made for one column, takes the highest of all columns."
    yield "- What is saved is arrays and plain values, of a fixed list of classes. No pickle."
    yield "- A saved model holds PyOD's, and often scikit-learn's, own attributes, which another version may read otherwise: with another"
    yield "  minor version of one of them than it was saved with, it is refused in one line that names both.\n"
    yield "\n## Detectors\n"
    yield "Seconds are CPU seconds of one thread to fit and to score 1,000 rows of 10 columns, or 1,000 windows of 32 steps and 2 columns."
    yield "`passed` counts the checks of the kit; the others do not apply. Detectors marked * were checked and timed smaller, or with"
    yield "fewer passes, than their default.\n"
    yield "| name | finds | family | fit | score | passed | declared |\n|---|---|---|---|---|---|---|"
    for name, entry in ENTRIES.items():
        result = results[name]
        star = "*" if result["with"] else ""
        seconds = result["seconds"]
        failures = ", ".join(declared.get(name, {})) or "-"
        yield f"| `pyod:{name}`{star} | {_cell(entry.summary)} | {entry.family} | {seconds['fit']:g} | {seconds['score']:g} | {result['passed']} | {failures} |"
    yield "\n## Declared\n"
    yield "| detector | check | why it fails |\n|---|---|---|"
    for name, failures in declared.items():
        for check, reason in failures.items():
            yield f"| `pyod:{name}` | {check} | {_cell(reason)} |"
    yield "\n## Left out\n"
    yield "| detector (module of PyOD) | why |\n|---|---|"
    for name, reason in LEFT_OUT.items():
        yield f"| {name} | {_cell(reason)} |"


def _parameters(parameters: Iterable[Parameter]) -> Iterator[str]:
    yield "| parameter | type | default | meaning |\n|---|---|---|---|"
    for parameter in parameters:
        yield f"| `{parameter.name}` | {_cell(parameter.type)} | `{parameter.default}` | {_cell(parameter.help)} |"


def _paragraphs(text: str) -> str:
    blocks = [" ".join(block.split()) for block in text.replace("\b", "").split("\n\n")]
    return "\n\n".join(block for block in blocks if block)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


PAGES = {
    "commands.md": commands,
    "configuration.md": configuration,
    "detectors.md": detectors,
    "pyod.md": pyod,
    "stackers.md": stackers,
    "store-schema.md": schema,
}


def main(check: bool) -> int:
    """Write the pages, or compare them; returns 1 where one is out of date."""
    stale = []
    for name, write in PAGES.items():
        text = "\n".join(write()).rstrip() + "\n"
        path = DOCS / name
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            stale.append(name)
            if not check:
                path.write_text(text, encoding="utf-8")
    if stale:
        click.echo(("out of date: " if check else "written: ") + ", ".join(stale))
    return int(check and bool(stale))


if __name__ == "__main__":
    sys.exit(main("--check" in sys.argv[1:]))
