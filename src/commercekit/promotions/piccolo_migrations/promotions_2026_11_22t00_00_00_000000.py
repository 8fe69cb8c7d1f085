"""Promotions, and the edition that tells every process when its copy is old."""

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "Promotions and their edition."

_TABLES = """
CREATE TABLE promotions_promotion (
    id        uuid PRIMARY KEY,
    code      text NOT NULL UNIQUE,
    name      jsonb NOT NULL,
    rule      text NOT NULL,
    config    jsonb NOT NULL,
    priority  integer NOT NULL DEFAULT 0,
    lane      integer NOT NULL DEFAULT 200 CHECK (lane BETWEEN 0 AND 999),
    exclusive boolean NOT NULL DEFAULT false,
    active    boolean NOT NULL DEFAULT true,
    starts_at timestamptz,
    ends_at   timestamptz,
    coupons   text[] NOT NULL DEFAULT '{}',
    scope     jsonb NOT NULL DEFAULT '{}',
    version   integer NOT NULL DEFAULT 1,
    CHECK (starts_at < ends_at)
);

CREATE TABLE promotions_edition (
    id     boolean PRIMARY KEY DEFAULT true CHECK (id),
    number bigint NOT NULL
);
"""

# The number comes from a sequence, so that one that was rolled back never comes again with other
# contents behind it.
_EDITIONS = """
CREATE SEQUENCE promotions_edition_number;
INSERT INTO promotions_edition (number) VALUES (nextval('promotions_edition_number'));

CREATE FUNCTION promotions_new_edition() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    UPDATE promotions_edition SET number = nextval('promotions_edition_number');
    RETURN NULL;
END $$;

CREATE TRIGGER promotions_changed AFTER INSERT OR UPDATE OR DELETE ON promotions_promotion
    FOR EACH STATEMENT EXECUTE FUNCTION promotions_new_edition();
"""

forwards = sql_migration(
    ID,
    app_name="commercekit_promotions",
    description=DESCRIPTION,
    forwards=[_TABLES, _EDITIONS],
    backwards=[
        "DROP TABLE promotions_promotion, promotions_edition",
        "DROP FUNCTION promotions_new_edition",
        "DROP SEQUENCE promotions_edition_number",
    ],
)
