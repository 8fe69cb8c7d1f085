"""Piccolo's view of the jobs."""

from __future__ import annotations

from pathlib import Path

from piccolo.conf.apps import AppConfig

from commercekit.platform.jobs.tables import Job, JobKindRow, ScheduleRow

APP_CONFIG = AppConfig(
    app_name="commercekit_jobs",
    migrations_folder_path=str(Path(__file__).parent / "piccolo_migrations"),
    table_classes=[Job, JobKindRow, ScheduleRow],
    migration_dependencies=[],
)
