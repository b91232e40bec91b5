"""The command line: what may be typed, and which module does it. Heavy imports wait for their command."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Literal

import typer

from service import cli_dlq
from service.cli_options import DATASET, Config, DataSetName, File, Json, Sets, Url, typed
from service.commands.terminal import Guarded, Interruption, start_logging
from service.errors import ConfigurationError

app = typer.Typer(
    cls=Guarded,
    help="A single neuron that learns online from a stream, exactly once.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
model_app = typer.Typer(help="The committed model.", no_args_is_help=True)
topics_app = typer.Typer(help="The topics of a model.", no_args_is_help=True)
config_app = typer.Typer(help="The settings.", no_args_is_help=True)
app.add_typer(model_app, name="model")
app.add_typer(cli_dlq.app, name="dlq")
app.add_typer(topics_app, name="topics")
app.add_typer(config_app, name="config")


def main() -> None:
    """Run the command line."""
    app(prog_name="perceptron")


@app.command()
def demo(
    dataset: Annotated[str, DATASET] = "phishing",
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Do the whole job on a real data set, beside river; by default on sqlite:perceptron-demo.db."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.demo import demo, plan

        if report := demo(plan(dataset, typed(config, set_, stream)), interruption):
            report.print()


@app.command()
def run(
    until_end: Annotated[
        bool, typer.Option("--until-end", help="Stop when all that is there is done.")
    ] = False,
    reset_model: Annotated[
        bool, typer.Option("--reset-model", help="Start with an untrained model.")
    ] = False,
    from_: Annotated[
        Literal["head", "first", "end"],
        typer.Option(
            "--from", help="Where a reset model begins: the old one's position, the first or end offsets."
        ),
    ] = "head",
    model: Annotated[
        Path | None, typer.Option("--model", metavar="FILE", help="Start it with an exported model instead.")
    ] = None,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Predict and learn from the samples topic, until stopped."""
    if (from_ != "head" or model) and not reset_model:
        raise ConfigurationError("--from and --model go with --reset-model only")
    start_logging(in_full=True)
    with Interruption() as interruption:
        from service.commands.given import open_to_write
        from service.commands.run import run

        settings = typed(config, set_, stream).settings()
        with open_to_write(settings) as opened:
            run(opened, settings, until_end, from_ if reset_model else None, model, interruption)


@app.command()
def produce(
    file: File = None,
    dataset: DataSetName = None,
    rate: Annotated[
        float | None, typer.Option("--rate", metavar="N", min=1e-3, help="Samples a second, evenly.")
    ] = None,
    repeat: Annotated[int, typer.Option("--repeat", metavar="N", min=1, help="Times over.")] = 1,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Write JSON lines, byte for byte, or a data set into the samples topic."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.given import open_to_write
        from service.commands.lines import Source
        from service.commands.produce import in_words, produce

        settings = typed(config, set_, stream).settings()
        source = Source(file, dataset, settings.fields, repeat)
        with open_to_write(settings) as opened:
            written = produce(opened, settings, source, rate, interruption.wish)
        typer.echo(in_words(written, settings))


@app.command()
def consume(
    what: Annotated[
        str,
        typer.Argument(metavar="[predictions|dlq|samples|TOPIC]", help="What to read.", show_default=False),
    ] = "predictions",
    max_: Annotated[
        int | None, typer.Option("--max", metavar="N", min=1, help="Stop after N records.")
    ] = None,
    follow: Annotated[bool, typer.Option("--follow", help="Go on at the end, as tail -f.")] = False,
    records: Annotated[
        bool,
        typer.Option("--records", help="Whole records as JSON: partition, offset, key, headers, value."),
    ] = False,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Print committed records from the first to the end, one value a line."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.consume import consume, topic_named
        from service.commands.given import open_to_read

        settings = typed(config, set_, stream).settings()
        with open_to_read(settings) as opened:
            topic = topic_named(what, settings)
            consume(opened, topic, sys.stdout.buffer, max_, follow, records, interruption.wish)


@app.command()
def follow(as_json: Json = False, config: Config = None, stream: Url = None, set_: Sets = None) -> None:
    """Keep a live copy of the committed model, and print a line for each commit, until stopped."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.follow import follow

        settings = typed(config, set_, stream).settings()
        follow(settings, typer.echo, as_json, interruption.wish)


@app.command()
def evaluate(
    file: File = None,
    dataset: DataSetName = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw the metrics' curve (.png, .svg, .pdf)."),
    ] = None,
    as_json: Json = False,
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Predict, then learn, line by line, without a stream, and say how well."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.evaluate import BATCH, FINE_BATCH, evaluate
        from service.commands.evaluate_report import report
        from service.commands.lines import Source
        from service.commands.plot import check_plot
        from service.commands.terminal import warn_if_interpreted

        settings = typed(config, set_).settings(dataset)
        source = Source(file, dataset, settings.fields)
        if plot is not None:
            check_plot(plot)
        warn_if_interpreted()
        evaluation = evaluate(settings, source, FINE_BATCH if plot else BATCH, interruption.wish)
        report(evaluation, settings, source.name, plot, as_json)


@app.command()
def fit(
    file: File = None,
    dataset: DataSetName = None,
    loss: Annotated[str | None, typer.Option("--loss", metavar="NAME", help="As model.loss.")] = None,
    learning_rate: Annotated[
        float | None, typer.Option("--learning-rate", metavar="N", min=1e-300, help="α (default: 0.1).")
    ] = None,
    batch_size: Annotated[
        int | None, typer.Option("--batch-size", metavar="N", min=1, help="Samples a step (default: all).")
    ] = None,
    epochs: Annotated[
        int | None, typer.Option("--epochs", metavar="N", min=1, help="Passes at most (default: 1000).")
    ] = None,
    tolerance: Annotated[
        float | None,
        typer.Option("--tolerance", metavar="N", min=0, help="Of the gradient's norm (default: 1e-4)."),
    ] = None,
    patience: Annotated[
        int | None, typer.Option("--patience", metavar="N", min=1, help="Epochs without a lower cost.")
    ] = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE", help="Draw cost and, for two features, decision boundary."),
    ] = None,
    as_json: Json = False,
    config: Config = None,
    set_: Sets = None,
) -> None:
    """Descend the cost of all lines together, until convergence; no stream."""
    start_logging()
    with Interruption() as interruption:
        from service.commands.fit import Descent, descend, labelled, report
        from service.commands.lines import Source
        from service.commands.plot import check_plot

        chosen = [*(set_ or ()), *([f"model.loss={json.dumps(loss)}"] if loss else [])]
        settings = typed(config, chosen).settings(dataset)
        source = Source(file, dataset, settings.fields)
        if plot is not None:
            check_plot(plot)
        found = labelled(settings, source, interruption.wish)
        descent = Descent(learning_rate, batch_size, epochs, tolerance, patience)
        result = descend(settings, found, descent, interruption.wish)
        report(result, found, settings, source.name, plot, as_json)


@app.command()
def explain(
    sample: Annotated[str, typer.Argument(metavar="SAMPLE", help="JSON, as in the samples topic.")],
    weights: Annotated[
        str | None, typer.Option("--weights", metavar="JSON", help="Of the features, by name; else 0.")
    ] = None,
    bias: Annotated[float | None, typer.Option("--bias", metavar="N", help="Else 0.")] = None,
    as_json: Json = False,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Take a sample through the article's equations; by given weights, unscaled, or a stream's model."""
    start_logging()
    if stream is not None and (weights is not None or bias is not None):
        raise ConfigurationError("--stream brings weights and bias: --weights and --bias go without it")
    from service.commands.explain import explained, report, weights_given
    from service.commands.given import open_to_read
    from service.commands.model_show import read_model

    settings, model = typed(config, set_, stream).settings(), None
    given = {"weights": weights_given(weights), "bias": bias or 0.0}
    if stream is not None:
        with open_to_read(settings) as opened:
            model = read_model(opened, settings)[1].model
    report(explained(settings, sample, model, given), as_json)


@model_app.command("show")
def model_show(as_json: Json = False, config: Config = None, stream: Url = None, set_: Sets = None) -> None:
    """Show the committed model: version, position, metrics, weights."""
    start_logging()
    from service.commands.given import open_to_read
    from service.commands.json_text import json_text
    from service.commands.model_show import model_json, print_model, read_model

    settings = typed(config, set_, stream).settings()
    with open_to_read(settings) as opened:
        head, learner = read_model(opened, settings)
    if as_json:
        typer.echo(json_text(model_json(head, learner)))
    else:
        print_model(head, learner)


@model_app.command("export")
def model_export(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="Where to.")],
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Write the committed model into a file: a backup, or to go on with on another stream."""
    start_logging()
    from service.commands.given import open_to_read
    from service.commands.model_files import export

    settings = typed(config, set_, stream).settings()
    with open_to_read(settings) as opened:
        head = export(opened, settings, file)
    typer.echo(f"{file}: version {head.version}, hash {head.hash}")


@model_app.command("verify")
def model_verify(
    file: Annotated[
        Path | None, typer.Argument(metavar="[FILE]", help="An exported model; else the committed one.")
    ] = None,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Recompute the model's hash from what is stored, and say whether it is what was committed."""
    start_logging()
    from service.commands.given import open_to_read
    from service.commands.model_files import verified
    from service.commands.model_show import read_model

    settings = typed(config, set_, stream).settings()
    if file is not None:
        head = verified(file, settings)
    else:
        with open_to_read(settings) as opened:
            head, _ = read_model(opened, settings)
    typer.echo(f"ok: version {head.version}, hash {head.hash}")


@topics_app.command("create")
def topics_create(
    partitions: Annotated[
        int, typer.Option("--partitions", min=1, help="Of samples, predictions and dead letters.")
    ] = 1,
    shards: Annotated[int, typer.Option("--shards", min=1, help="Of the model; 1 is supported.")] = 1,
    config: Config = None,
    stream: Url = None,
    set_: Sets = None,
) -> None:
    """Make the topics that are missing, and say what there is."""
    start_logging()
    if shards != 1:
        raise ConfigurationError(f"--shards is {shards}; one shard is supported")
    from service.commands.given import open_to_make
    from service.commands.topics_text import topics_text
    from service.topics import topic_specs

    settings = typed(config, set_, stream).settings()
    with open_to_make(settings) as opened:
        opened.create_topics(topic_specs(settings, partitions))
        typer.echo(topics_text(opened, settings))


@config_app.command("show")
def config_show(as_json: Json = False, config: Config = None, stream: Url = None, set_: Sets = None) -> None:
    """Print the settings that hold, with their meaning, secrets blotted out."""
    from service.commands.settings_text import print_settings

    print_settings(typed(config, set_, stream).settings(), as_json)


@config_app.command("check")
def config_check(config: Config = None, stream: Url = None, set_: Sets = None) -> None:
    """Check the settings, without connecting."""
    from service.commands.settings_text import check

    check(typed(config, set_, stream).settings())
    typer.echo("ok")
