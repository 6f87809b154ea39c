"""The steps of run-now jobs, as ops: each opens what it needs, calls a flow, and records events on the assets.

An op's name must be unique among all jobs of a deployment, so it starts with its job's; in the job's graph it
goes by its verb alone.

Dagster reads the annotations of `context` as they are, so they are not put off here.
"""

from collections.abc import Iterator, Sequence

import dagster as dg
from pydantic import Field

from cdp_assets.assets.drop_folders import has_recent_imports, recent_imports_key, recent_imports_metadata
from cdp_assets.assets.fold_metadata import fold_messages
from cdp_assets.assets.imports import refused, warnings_of
from cdp_assets.assets.landed import landed_events, note_refused
from cdp_assets.assets.limits import delivery_evaluations, landing_evaluations
from cdp_assets.assets.members import materializations
from cdp_assets.assets.metadata import done_metadata, export_metadata, unsettled
from cdp_assets.assets.missing import files_metadata
from cdp_assets.assets.partitions import add_partitions
from cdp_assets.assets.provenance import of_inputs
from cdp_assets.assets.rehearsals import DRY_RUN, rehearsal_events
from cdp_assets.assets.runtime import as_dagster_failure, connection_pool, data_folders, failure, now
from cdp_assets.assets.specs import done_key, files_key, warehouse_specs
from cdp_assets.assets.warehouse import fold_events, folded_assets
from cdp_assets.config.connections import Connection
from cdp_assets.config.model import Deployment
from cdp_assets.counted import counted
from cdp_assets.flows import run_connection
from cdp_assets.flows.dry_run import dry_run
from cdp_assets.flows.import_files import Outcome
from cdp_assets.flows.ledger import note_told
from cdp_assets.flows.take_look import Look

REFUSED = "refused_files"
"""The step at the end of a job: where it is red, files were refused."""
FAILED = {
    "land": "{} could not be read",
    "fold": "new files could not be folded into the profiles",
    "done": "imported files of {} could not be renamed",
    "select": "segments could not be computed",
    "deliver": "exports of {} could not be delivered",
}
"""Step of a job → what could not be done, for people who know no steps."""
AFTER = {"start": dg.In(dg.Nothing)}


def what_failed(step: str, connection: str) -> str:
    """What a step of a connection's job could not do; of a step that nothing is known of, its name."""
    return FAILED.get(step, step).format(connection)


class LandConfig(dg.Config):
    """Which files a landing takes."""

    only: list[str] = Field(
        default=[], description="Ids of the file versions to land, as the sensor gives them; empty = all that are new."
    )
    dry_run: bool = Field(default=False, description=DRY_RUN)


UNLISTED = "no look at the files of "
"""How a line begins on a goal whose directory could not be listed."""


class Steps:
    """Makes the steps of one job."""

    def __init__(self, deployment: Deployment, connection: Connection, job: str, goal: str | None = None) -> None:
        """`goal`: the only goal the job runs; None = all active ones."""
        self.deployment, self.connection, self.job, self.goal = deployment, connection, job, goal

    def _what_failed(self, step: str) -> str:
        return what_failed(step, self.connection.name)

    def land(self) -> dg.OpDefinition:
        """Lands what is new; its output tells the files that were refused."""

        @dg.op(
            name=f"{self.job}__land",
            pool=connection_pool(self.connection),
            # What a dry run does not give, all later steps wait for in vain: they are skipped.
            out=dg.Out(list[str], is_required=False),
            description="Looks at the server and lands what is new.",
        )
        def _land(context: dg.OpExecutionContext, config: LandConfig) -> Iterator[dg.Output[list[str]]]:
            if config.dry_run:
                self._dry_run(context, config)
                return
            with as_dagster_failure(context.log, self._what_failed("land")):
                imported = run_connection.import_new(
                    self.deployment, self.connection, data_folders(), now(), self.goal, frozenset(config.only)
                )
            add_partitions(context.instance, self.connection, imported.look)
            metadata = files_metadata(self.connection, imported.look)
            context.log_event(dg.AssetObservation(files_key(self.connection), metadata=metadata))
            for event in landed_events(self.deployment, self.connection, imported.outcomes):
                context.log_event(event)
            note_refused(context, self.connection, imported.outcomes)
            with as_dagster_failure():
                came = {outcome.goal for outcome in imported.outcomes}
                evaluations = landing_evaluations(self.deployment, self.connection, came)
            for evaluation in evaluations:
                # Dagster 1.13 takes it, and does not say so in the type.
                context.log_event(evaluation)  # type: ignore[arg-type]
            for told in self._nothing_found(imported.look):
                context.log.info(told)
            yield dg.Output([*_told(context, imported.outcomes), *self._unlisted(context, imported.look)])

        return _land

    def _unlisted(self, context: dg.OpExecutionContext, look: Look) -> list[str]:
        """A line for each goal of the job whose directory could not be listed: no other waits for it."""
        told = [f"{UNLISTED}{goal}: {why}" for goal, why in look.unlisted.items() if self.goal in {None, goal}]
        for line in told:
            context.log.error(line)
        return told

    def _nothing_found(self, look: Look) -> list[str]:
        """A word for each goal without a file: between two deliveries that is how it should be."""
        found = {*(item.goal for item in look.candidates), *look.unlisted}
        goals = [goal for goal in self.connection.imports if goal.active and self.goal in {None, goal.name}]
        return [
            f"{goal.name}: File not found: {goal.files.root}"
            if goal.files.pattern_type == "exact"
            else f"{goal.name}: No files matched {goal.files.root}"
            for goal in goals
            if goal.name not in found
        ]

    def _dry_run(self, context: dg.OpExecutionContext, config: LandConfig) -> None:
        """Fails for a file that would be refused, as the run in earnest would at its end."""
        with as_dagster_failure(what=self._what_failed("land")):
            run = dry_run(
                self.deployment, self.connection, data_folders(), now(), self.goal, only=frozenset(config.only)
            )
        for event in rehearsal_events(context, self.connection, run):
            context.log_event(event)

    def fold(self) -> dg.OpDefinition:
        """Folds every batch that waits, also those of other connections."""

        @dg.op(
            name=f"{self.job}__fold",
            ins=AFTER,
            out=dg.Out(dg.Nothing),
            description="Folds the batches that wait into the profiles.",
        )
        def _fold(context: dg.OpExecutionContext) -> None:
            provenance = {
                spec.key: of_inputs(context.instance, context.run_id, [dep.asset_key for dep in spec.deps])
                for spec in warehouse_specs(self.deployment)
            }
            with as_dagster_failure(context.log, self._what_failed("fold")):
                result = run_connection.fold_and_publish(self.deployment.model, data_folders(), now())
            for event in fold_events(self.deployment, result):
                context.log_event(event)
            if result.news:
                for key, metadata in folded_assets(self.deployment, result).items():
                    context.log_event(dg.AssetMaterialization(key, metadata=metadata, tags=provenance[key]))
            note_told(data_folders(), result.states)
            for message in fold_messages(result):
                context.log.info(message)

        return _fold

    def done(self) -> dg.OpDefinition:
        """Renames the files that are safely in and returns rejected rows; what fails is tried again next time."""

        @dg.op(
            name=f"{self.job}__done",
            ins=AFTER,
            out=dg.Out(dg.Nothing),
            description="Renames the files that are safely in to .done, and sends rejected rows back.",
        )
        def _done(context: dg.OpExecutionContext) -> None:
            with as_dagster_failure(what=self._what_failed("done")):
                outcomes = run_connection.acknowledge(self.connection, data_folders(), now())
                returned = run_connection.give_back(self.connection, data_folders(), now())
            metadata = done_metadata(outcomes, returned)
            context.log_event(dg.AssetMaterialization(done_key(self.connection), metadata=metadata))
            for note in unsettled(outcomes, returned):
                context.log.warning(note)
            if has_recent_imports(self.connection):
                key, recent = recent_imports_key(self.connection), recent_imports_metadata(self.connection)
                context.log_event(dg.AssetMaterialization(key, metadata=recent))
            if self.goal is not None:
                # The last step that writes; the job of a whole connection makes its copy when it has delivered.
                run_connection.publish_copy(self.deployment.model, data_folders(), at_once=True)

        return _done

    def select(self, *, first: bool) -> dg.OpDefinition:
        """Computes the segments that are sent, and lifecycles."""

        @dg.op(
            name=f"{self.job}__select",
            ins={} if first else AFTER,
            out=dg.Out(dg.Nothing),
            description="Computes the segments that are sent, and lifecycles.",
        )
        def _select(context: dg.OpExecutionContext) -> None:
            model, at = self.deployment.model, now()
            names = run_connection.segments_of(model, self.connection, self.goal)
            ids = run_connection.lifecycles_of(model, self.connection, self.goal)
            with as_dagster_failure(what=self._what_failed("select")):
                found = run_connection.select(model, data_folders(), at, names, ids)
            for noted in materializations(model, found):
                context.log_event(noted)

        return _select

    def deliver(self) -> dg.OpDefinition:
        """Delivers export goals in their order; one that fails does not stop the next."""

        @dg.op(
            name=f"{self.job}__deliver",
            pool=connection_pool(self.connection),
            ins=AFTER,
            out=dg.Out(dg.Nothing),
            description="Writes the export files and puts them on the server.",
        )
        def _deliver(context: dg.OpExecutionContext) -> None:
            failed: dict[str, list[str]] = {}
            with as_dagster_failure(context.log, self._what_failed("deliver")):
                for item in run_connection.deliver(self.deployment, self.connection, data_folders(), now(), self.goal):
                    if item.error:
                        failed.setdefault(item.error, []).append(item.goal)
                        continue
                    key = dg.AssetKey([self.connection.name, item.goal])
                    context.log_event(dg.AssetMaterialization(key, metadata=export_metadata(item.exports)))
                    for evaluation in delivery_evaluations(self.deployment, self.connection, item.goal):
                        # Dagster 1.13 takes it, and does not say so in the type.
                        context.log_event(evaluation)  # type: ignore[arg-type]
                run_connection.publish_copy(self.deployment.model, data_folders(), at_once=True)
            if failed:
                told = (f"{', '.join(goals)}: {error}" for error, goals in failed.items())
                raise failure(f"{self._what_failed('deliver')}: " + "\n".join(told))

        return _deliver

    def refused_files(self) -> dg.OpDefinition:
        """Fails the run at its end if files were refused, so that somebody sees it and nothing waited for it."""

        @dg.op(
            name=f"{self.job}__{REFUSED}",
            ins={"refused_files": dg.In(list[str]), **AFTER},
            out=dg.Out(dg.Nothing),
            description="Fails if a file was refused, after everything else went on.",
        )
        def _refused_files(refused_files: list[str]) -> None:
            fail_if_refused(refused_files)

        return _refused_files


def fail_if_refused(bad: Sequence[str]) -> None:
    """Raises Dagster's failure with the files that were refused, if any."""
    if bad:
        files = sum(not line.startswith(UNLISTED) for line in bad)
        raise failure(refused(bad, files), {"files refused": files} if files else {})


def _told(context: dg.OpExecutionContext, outcomes: Sequence[Outcome]) -> list[str]:
    """Bad files are told loudly; the run goes on, since other files and goals are not to wait for them."""
    bad = [f"{outcome.goal}: {outcome.name}: {outcome.error}" for outcome in outcomes if outcome.error]
    context.log.info(f"{counted(len(outcomes) - len(bad), 'new file')} landed")
    for line in bad:
        context.log.error(line)
    for line in warnings_of(outcomes):
        context.log.warning(line)
    return bad
