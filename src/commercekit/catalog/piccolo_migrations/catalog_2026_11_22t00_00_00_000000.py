"""Products with options, variants and pictures; brands; the category tree."""

from __future__ import annotations

from commercekit.platform.db import sql_migration

ID = "2026-11-22T00:00:00:000000"
VERSION = "1.38.0"
DESCRIPTION = "products, variants, pictures, brands, categories"

forwards = sql_migration(
    ID,
    app_name="commercekit_catalog",
    description=DESCRIPTION,
    forwards=[
        """
        CREATE TABLE catalog_brand (
            id uuid PRIMARY KEY,
            slug text NOT NULL UNIQUE,
            name jsonb NOT NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL
        )
        """,
        """
        CREATE TABLE catalog_category (
            id uuid PRIMARY KEY,
            slug text NOT NULL UNIQUE,
            name jsonb NOT NULL,
            parent_id uuid REFERENCES catalog_category (id),
            position integer NOT NULL CHECK (position >= 0),
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            CHECK (parent_id <> id)
        )
        """,
        "CREATE INDEX catalog_category_parent ON catalog_category (parent_id, position)",
        """
        CREATE TABLE catalog_product (
            id uuid PRIMARY KEY,
            slug text NOT NULL UNIQUE CHECK (slug <> ''),
            status text NOT NULL CHECK (status IN ('draft', 'active', 'archived')),
            name jsonb NOT NULL,
            description jsonb NOT NULL,
            brand_id uuid REFERENCES catalog_brand (id),
            type text NOT NULL,
            tags text[] NOT NULL,
            seo_title jsonb NOT NULL,
            seo_description jsonb NOT NULL,
            options jsonb NOT NULL
                CHECK (jsonb_typeof(options) = 'array' AND jsonb_array_length(options) <= 3),
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL
        )
        """,
        "CREATE INDEX catalog_product_brand ON catalog_product (brand_id)",
        """
        CREATE TABLE catalog_product_category (
            id uuid PRIMARY KEY,
            product_id uuid NOT NULL REFERENCES catalog_product (id) ON DELETE CASCADE,
            category_id uuid NOT NULL REFERENCES catalog_category (id) ON DELETE CASCADE,
            UNIQUE (product_id, category_id)
        )
        """,
        "CREATE INDEX catalog_product_category_category ON catalog_product_category (category_id)",
        """
        CREATE TABLE catalog_image (
            id uuid PRIMARY KEY,
            product_id uuid NOT NULL REFERENCES catalog_product (id) ON DELETE CASCADE,
            url text NOT NULL,
            alt jsonb NOT NULL,
            position integer NOT NULL CHECK (position >= 1),
            status text NOT NULL CHECK (status IN ('unchecked', 'reachable', 'unreachable')),
            checked_at timestamptz,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            UNIQUE (product_id, url)
        )
        """,
        "CREATE INDEX catalog_image_unchecked ON catalog_image (id) WHERE status = 'unchecked'",
        """
        CREATE TABLE catalog_variant (
            id uuid PRIMARY KEY,
            product_id uuid NOT NULL REFERENCES catalog_product (id) ON DELETE CASCADE,
            sku text NOT NULL UNIQUE CHECK (sku <> ''),
            option_values text[] NOT NULL CHECK (cardinality(option_values) <= 3),
            barcode text NOT NULL,
            weight_grams integer NOT NULL CHECK (weight_grams >= 0),
            tax_class text NOT NULL,
            requires_shipping boolean NOT NULL,
            position integer NOT NULL CHECK (position >= 1),
            image_id uuid REFERENCES catalog_image (id) ON DELETE SET NULL,
            version integer NOT NULL DEFAULT 1,
            created_at timestamptz NOT NULL,
            updated_at timestamptz NOT NULL,
            -- Deferred: an import may swap the values of two variants in one transaction.
            UNIQUE (product_id, option_values) DEFERRABLE INITIALLY DEFERRED
        )
        """,
        "CREATE INDEX catalog_variant_image ON catalog_variant (image_id)",
        """
        CREATE FUNCTION catalog_category_ancestry(wanted uuid[])
        RETURNS TABLE (category_id uuid, ancestor_id uuid)
        LANGUAGE sql STABLE AS $$
            WITH RECURSIVE up AS (
                SELECT c.id AS category_id, c.id AS ancestor_id, c.parent_id
                FROM catalog_category c WHERE c.id = ANY (wanted)
                UNION
                SELECT up.category_id, c.id, c.parent_id
                FROM up JOIN catalog_category c ON c.id = up.parent_id
            )
            SELECT up.category_id, up.ancestor_id FROM up
        $$
        """,
    ],
    backwards=[
        "DROP FUNCTION catalog_category_ancestry(uuid[])",
        "DROP TABLE catalog_variant",
        "DROP TABLE catalog_image",
        "DROP TABLE catalog_product_category",
        "DROP TABLE catalog_product",
        "DROP TABLE catalog_category",
        "DROP TABLE catalog_brand",
    ],
)
