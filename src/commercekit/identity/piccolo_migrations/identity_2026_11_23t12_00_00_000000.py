from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-23T12:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "The audit trail is chained, and nobody's own rights change it"

FORWARDS = (
    """
    ALTER TABLE identity_audit_entry
        ADD COLUMN lane smallint,
        ADD COLUMN number bigint,
        ADD COLUMN previous bytea,
        ADD COLUMN hash bytea,
        ADD COLUMN seal bytea
    """,
    # Entries from before have none of these; from now on each has all of them.
    """
    ALTER TABLE identity_audit_entry ADD CONSTRAINT identity_audit_entry_is_chained CHECK (
        lane IS NOT NULL AND number IS NOT NULL AND number > 0
        AND previous IS NOT NULL AND length(previous) = 32
        AND hash IS NOT NULL AND length(hash) = 32
    ) NOT VALID
    """,
    "CREATE UNIQUE INDEX identity_audit_entry_chain ON identity_audit_entry (lane, number)",
    "CREATE INDEX identity_audit_entry_actor ON identity_audit_entry (actor, id)",
    "CREATE INDEX identity_audit_entry_subject ON identity_audit_entry (subject text_pattern_ops, id)",
    "CREATE INDEX identity_audit_entry_action ON identity_audit_entry (action text_pattern_ops, id)",
    "CREATE INDEX identity_audit_entry_at ON identity_audit_entry (at)",
    """
    CREATE TABLE identity_audit_lane (
        lane smallint PRIMARY KEY,
        number bigint NOT NULL DEFAULT 0,
        hash bytea NOT NULL DEFAULT decode(repeat('00', 32), 'hex') CHECK (length(hash) = 32)
    ) WITH (fillfactor = 50)
    """,
    "INSERT INTO identity_audit_lane (lane) SELECT generate_series(0, 31)",
    # A head goes forward, one at a time, or not at all.
    """
    CREATE FUNCTION identity_head_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.lane = OLD.lane AND NEW.number = OLD.number + 1 THEN
            RETURN NEW;
        END IF;
        RAISE EXCEPTION 'the head of an audit chain only goes forward'
            USING ERRCODE = 'insufficient_privilege';
    END
    $$
    """,
    """
    CREATE TRIGGER identity_audit_lane_goes_forward BEFORE UPDATE ON identity_audit_lane
        FOR EACH ROW EXECUTE FUNCTION identity_head_goes_forward()
    """,
    """
    CREATE TRIGGER identity_audit_lane_stays BEFORE INSERT OR DELETE ON identity_audit_lane
        FOR EACH ROW EXECUTE FUNCTION identity_refuse_change()
    """,
    """
    CREATE TRIGGER identity_audit_lane_no_truncate BEFORE TRUNCATE ON identity_audit_lane
        FOR EACH STATEMENT EXECUTE FUNCTION identity_refuse_change()
    """,
    # Also in a session that plays a replica, where ordinary triggers sleep.
    "ALTER TABLE identity_audit_entry ENABLE ALWAYS TRIGGER identity_audit_entry_append_only",
    "ALTER TABLE identity_audit_entry ENABLE ALWAYS TRIGGER identity_audit_entry_no_truncate",
    "ALTER TABLE identity_audit_lane ENABLE ALWAYS TRIGGER identity_audit_lane_goes_forward",
    "ALTER TABLE identity_audit_lane ENABLE ALWAYS TRIGGER identity_audit_lane_stays",
    "ALTER TABLE identity_audit_lane ENABLE ALWAYS TRIGGER identity_audit_lane_no_truncate",
    # The owner's own rights too: without them PostgreSQL refuses before any trigger is asked.
    "REVOKE UPDATE, DELETE, TRUNCATE ON identity_audit_entry FROM PUBLIC, CURRENT_USER",
    "REVOKE INSERT, DELETE, TRUNCATE ON identity_audit_lane FROM PUBLIC, CURRENT_USER",
)

BACKWARDS = (
    "DROP TABLE identity_audit_lane",
    "DROP FUNCTION identity_head_goes_forward()",
    "GRANT UPDATE, DELETE, TRUNCATE ON identity_audit_entry TO CURRENT_USER",
    "ALTER TABLE identity_audit_entry ENABLE TRIGGER identity_audit_entry_append_only",
    "ALTER TABLE identity_audit_entry ENABLE TRIGGER identity_audit_entry_no_truncate",
    "DROP INDEX identity_audit_entry_at",
    "DROP INDEX identity_audit_entry_action",
    "DROP INDEX identity_audit_entry_subject",
    "DROP INDEX identity_audit_entry_actor",
    "DROP INDEX identity_audit_entry_chain",
    """
    ALTER TABLE identity_audit_entry
        DROP CONSTRAINT identity_audit_entry_is_chained,
        DROP COLUMN seal,
        DROP COLUMN hash,
        DROP COLUMN previous,
        DROP COLUMN number,
        DROP COLUMN lane
    """,
)

forwards = sql_migration(
    ID,
    app_name="commercekit_identity",
    forwards=FORWARDS,
    backwards=BACKWARDS,
    description=DESCRIPTION,
)
