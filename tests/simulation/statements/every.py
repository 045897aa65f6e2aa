"""Every twin there is: a module of them counts once it is imported."""

from tests.simulation.statements import (
    consumers,
    desks,
    intake,
    mediation,
    notifications,
    projections,
    reporting,
    store,
    timers,
)

ALL = (consumers, desks, intake, mediation, notifications, projections, reporting, store, timers)
