"""Everything that pages make of a snapshot, called one after the other."""

from __future__ import annotations

import contextlib
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import plotly.io

from dashboard import tables
from dashboard.components.shared import csv_tables
from dashboard.figures import marks, places, scene, tiles
from dashboard.figures.places import Cell
from yolo_core.compare.differences import compare_views
from yolo_core.evaluation.misses import find_objects, reachable
from yolo_core.explain import history, reasons, report, trace
from yolo_core.sandbox.changes import compare_edits
from yolo_core.sandbox.edits import edited_labels, objects_of
from yolo_core.survey import spots, statistics
from yolo_core.survey.rows import table_of
from yolo_core.survey.table import SurveyTable, joined, read_table, write_table
from yolo_core.views import SampleView, Snapshot


def read_snapshot_whole(snapshot: Snapshot, folder: Path) -> None:
    """A snapshot as all pages together look at it."""
    for name in snapshot.samples:
        read_view(snapshot.sample(name))
    if snapshot.kind == "pinned" and snapshot.samples:
        path = folder / "table.npz"
        write_table(path, table_of(snapshot, "a.npz"))
        read_survey(read_table(path))


def read_view(view: SampleView) -> None:
    """One sample, with the slots of all objects and the first of each head selected in turn."""
    found = report.explain(view, recorded_total=1.0)
    found.to_json()
    report.is_partition(view)
    tables.ledger_table(view, found)
    tables.term_table(found.terms, found.lambdas, view.terms)
    csv_tables.slot_table(view).to_csv()
    csv_tables.object_table(view, found).to_csv()
    csv_tables.loss_table(view, found, view.terms).to_csv()
    own = view.assignment.object_slot[view.objects]
    heads = [view.layout.index(head, 0, 0, 0) for head in range(len(view.layout.grids))]
    for slot in sorted({*own[own >= 0].tolist(), *heads, view.layout.count - 1}):
        _read_slot(view, slot)
    for index in view.objects.tolist():
        places.object_label(view, index)
        for row in range(view.assignment.object_slot.shape[1]):
            tables.candidate_table(view, index, row, 0, 6)
    _draw(view)
    seen = history.sighting(view)
    history.best_iou([seen, seen], 0.3)
    history.slot_states([seen, seen], range(view.layout.count), 0.3)
    find_objects(view)
    reachable(view)
    for by in ("total", spots.FALSE, next(iter(view.maps))):
        spots.slot_of(view, spots.Spot(view.name, by=by))
    objects = objects_of(view)
    with contextlib.suppress(ValueError):  # a label that is not finite
        edited_labels(view, objects[1:])
    assert compare_edits(view, view).ledger == ()
    compare_views({"one": view, "other": view})


def _read_slot(view: SampleView, slot: int) -> None:
    layout = view.layout
    cell = [int(getattr(layout, axis)[slot]) for axis in ("head", "row", "column")]
    reasons.slot_reason(view, slot)
    trace.object_of_slot(view, slot)
    places.matching_score(view, slot)
    index = trace.ledger_row(view, slot)
    assert 0 <= index < view.assignment.object_slot.shape[1]
    tables.cell_table(view, layout.cell_slots(*cell), slot)
    tables.ignore_table(view, slot, 3)
    tables.slot_term_table(view, slot)
    tables.channel_table(view, slot)
    if view.gradients:
        tables.gradient_table(view, slot)
    for index in view.objects.tolist():
        spots.slot_of(view, spots.Spot(view.name, object=index, row=0))


def _draw(view: SampleView) -> None:
    for head in range(len(view.layout.grids)):
        cell = Cell(head, 0, 0)
        figures = [scene.scene_figure(view, layers=scene.LAYERS, head=head, score_cut=0.3)]
        marks.cell_in_picture(view, cell, anchors=True)
        marks.cell_in_tiles(view, cell)
    figures.append(tiles.mask_figure(view, narrow=True))
    figures.append(tiles.loss_figure(view, view.weighted_map, name="all", narrow=True))
    for figure in figures:
        _written(figure)
    marks.slots_in_tiles(view, range(view.layout.count))


def _written(figure: go.Figure) -> None:
    plotly.io.to_json(figure, validate=False)


def read_survey(table: SurveyTable) -> None:
    """A survey's table as its page looks at it."""
    from dashboard.components.survey.ledger import anchors_table, objects_table
    from dashboard.components.survey.loss import groups_table
    from dashboard.components.survey.worst import samples_table

    objects_table(table).to_csv()
    anchors_table(table).to_csv()
    samples_table(table).to_csv()
    groups = {each: statistics.loss_by(table, each) for each in statistics.GROUPINGS}
    groups_table(table, groups).to_csv()
    statistics.summary(table)
    statistics.total(table)
    for by in ("total", "missed", spots.FALSE, *table.term_names):
        rows = statistics.worst_first(table, by)
        statistics.sample_spots(table, np.asarray(rows), by)
    joined([table, table])
